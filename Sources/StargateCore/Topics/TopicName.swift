// Names of topics are compared byte by byte, as on the wire and by every other program. Swift
// compares strings as people read them: to it, "é" in one code point is "é" in two, and a slash
// with an accent on it is no slash.

internal import Glibc

/// The name of a topic or a filter, or one level of it.
struct TopicName: Hashable {
    let text: Substring

    init(_ text: Substring) { self.text = text }

    init(_ text: String) { self.text = text[...] }

    /// The levels between the slashes; at least one, and perhaps empty ones.
    var levels: [TopicName] {
        text.utf8.split(separator: TopicByte.slash, omittingEmptySubsequences: false)
            .map { TopicName(Substring($0)) }
    }

    /// Whether the level stands for one of any name.
    var isPlus: Bool { text.utf8.elementsEqual(CollectionOfOne(TopicByte.plus)) }

    /// Whether the level stands for all that follow.
    var isHash: Bool { text.utf8.elementsEqual(CollectionOfOne(TopicByte.hash)) }

    static func == (left: TopicName, right: TopicName) -> Bool {
        let (left, right) = (left.text.utf8, right.text.utf8)
        guard left.count == right.count else { return false }
        // Asked for every publication, so not byte by byte if it can be helped.
        let isSame = unsafe left.withContiguousStorageIfAvailable { left in
            unsafe right.withContiguousStorageIfAvailable { right in
                guard let first = left.baseAddress, let second = right.baseAddress else {
                    return true
                }
                return unsafe memcmp(first, second, left.count) == 0
            }
        }
        return (isSame ?? nil) ?? left.elementsEqual(right)
    }

    func hash(into hasher: inout Hasher) {
        let isHashed: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        if isHashed == nil {
            for byte in text.utf8 { hasher.combine(byte) }
        }
        // Behind the bytes, which hold none, so that no two names in a row can be taken for others.
        hasher.combine(UInt8(0))
    }
}

extension Topic {
    /// Whether both names have the same bytes.
    public static func == (left: Topic, right: Topic) -> Bool {
        TopicName(left.name) == TopicName(right.name)
    }

    /// Hashes the bytes, as equality compares them.
    public func hash(into hasher: inout Hasher) { TopicName(name).hash(into: &hasher) }
}

extension TopicFilter {
    /// Whether both names have the same bytes.
    public static func == (left: TopicFilter, right: TopicFilter) -> Bool {
        TopicName(left.name) == TopicName(right.name)
    }

    /// Hashes the bytes, as equality compares them.
    public func hash(into hasher: inout Hasher) { TopicName(name).hash(into: &hasher) }
}
