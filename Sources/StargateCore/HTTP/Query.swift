/// What follows the question mark of a request target: pairs of names and values, `a=1&b=2`.
///
/// Percent escapes are decoded and `+` stands for a blank, as in the forms of browsers. A name
/// without an equals sign has an empty value.
public struct Query: Sendable, Sequence {
    let storage: RequestRecord
    let range: HeadRange?

    /// As it was sent, without the question mark; `nil` when there was none.
    public var raw: String? { range.map(storage.string) }

    /// The value of the first pair with this name, or `nil`.
    public subscript(name: String) -> String? {
        var found: String?
        forEachPair { candidate, value in
            guard candidate() == name else { return true }
            found = value()
            return false
        }
        return found
    }

    /// The values of all pairs with this name, in the order they were sent.
    public func values(of name: String) -> [String] {
        var found: [String] = []
        forEachPair { candidate, value in
            if candidate() == name { found.append(value()) }
            return true
        }
        return found
    }

    /// Walks over the pairs in the order they were sent.
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> {
        var all: [(name: String, value: String)] = []
        forEachPair { name, value in
            all.append((name: name(), value: value()))
            return true
        }
        return all.makeIterator()
    }

    /// Calls with each pair until the body returns false; only what is asked for is decoded.
    private func forEachPair(_ body: (_ name: () -> String, _ value: () -> String) -> Bool) {
        guard let range else { return }
        storage.withView { view in
            let pairs = unsafe view.slice(range).split(separator: UInt8(ascii: "&"))
            for index in unsafe pairs.indices {
                let pair = unsafe pairs[index]
                let equals = unsafe pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
                let proceeds = body(
                    { unsafe Self.text(pair[..<equals]) },
                    { unsafe Self.text(pair[equals...].dropFirst()) }
                )
                if !proceeds { return }
            }
        }
    }

    private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        unsafe PercentDecoding.string(UnsafeRawBufferPointer(rebasing: bytes), plusIsBlank: true)
    }
}
