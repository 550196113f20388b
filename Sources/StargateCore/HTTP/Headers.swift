/// The header fields of a request, in the order they were sent.
///
/// Names are compared without regard to case. Values have no blanks around them; a byte that is
/// not UTF-8 shows as U+FFFD.
public struct Headers: Sendable, Sequence {
    let storage: RequestRecord

    /// The value of the first field with this name, or `nil`: a copy, see ``withValue(of:_:)``.
    public subscript(name: String) -> String? {
        storage.withView { view in view.value(of: name).map(view.string) }
    }

    /// The values of all fields with this name, in the order they were sent.
    ///
    /// A value may itself be a list; it is not taken apart.
    public func values(of name: String) -> [String] {
        storage.withView { view in
            unsafe view.fields.filter { view.field($0, isNamed: name) }
                .map { view.string($0.value) }
        }
    }

    /// The number of fields.
    public var count: Int { storage.withView { $0.fieldCount } }

    /// Walks over name and value of every field.
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> {
        let all = storage.withView { view in
            unsafe view.fields.map { (name: view.string($0.name), value: view.string($0.value)) }
        }
        return all.makeIterator()
    }
}

/// The cookies of a request. RFC 6265 section 5.4.
///
/// Names are compared exactly. Values are as they were sent: nothing is decoded or unquoted.
public struct Cookies: Sendable {
    let storage: RequestRecord

    /// The value of the first cookie with this name, or `nil`.
    public subscript(name: String) -> String? { range(of: name).map(storage.string) }

    /// Where the value of the first cookie with this name lies.
    func range(of name: String) -> HeadRange? {
        storage.withView { view in
            var found: HeadRange?
            view.forEachValue(of: "cookie") { field in
                found = unsafe Self.value(of: name, in: view.slice(field)).map { value in
                    HeadRange(
                        from: Int(field.start) &+ value.lowerBound,
                        to: Int(field.start) &+ value.upperBound
                    )
                }
                return found == nil
            }
            return found
        }
    }

    /// The value of the first cookie with this name, with percent escapes decoded: what was given
    /// to ``SetCookie``. What is not UTF-8 becomes U+FFFD.
    public func decoded(_ name: String) -> String? {
        guard var value = self[name] else { return nil }
        return value.withUTF8 { unsafe PercentDecoding.string(UnsafeRawBufferPointer($0)) }
    }

    /// Looks through one field: `name=value; name=value`.
    private static func value(
        of name: String,
        in bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        var start = 0
        while start < bytes.count {
            let end = unsafe bytes[start...].firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
            let pair = unsafe bytes[start..<end].drop {
                $0 == HeadByte.blank || $0 == HeadByte.tab
            }
            if let equals = unsafe pair.firstIndex(of: UInt8(ascii: "=")),
                unsafe pair[..<equals].elementsEqual(name.utf8)
            {
                return equals &+ 1..<end
            }
            start = end &+ 1
        }
        return nil
    }
}

extension HeadView {
    /// Whether a field has this name; case does not matter.
    fileprivate func field(_ field: HeadField, isNamed name: String) -> Bool {
        unsafe ASCII.equalsIgnoringCase(slice(field.name), name)
    }
}
