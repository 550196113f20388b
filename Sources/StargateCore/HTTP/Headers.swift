/// The header fields of a request, in the order they were sent.
///
/// Names are compared without regard to case. Values have no blanks around them; a byte that is
/// not UTF-8 shows as U+FFFD.
public struct Headers: Sendable, Sequence {
    let storage: RequestRecord

    /// The value of the first field with this name, or `nil`: a copy, see ``withValue(of:_:)``.
    public subscript(name: String) -> String? {
        storage.withView { view in view.value(of: name).map { view.string($0) } }
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
            let end = unsafe place(of: UInt8(ascii: ";"), in: bytes, from: start)
            while start < end, isBlank(unsafe bytes[start]) { start &+= 1 }
            let equals = unsafe place(of: UInt8(ascii: "="), in: bytes, from: start)
            // checked: start <= equals, and equals is less than the end.
            if equals < end,
                unsafe ASCII.equals(UnsafeRawBufferPointer(rebasing: bytes[start..<equals]), name)
            {
                return equals &+ 1..<end
            }
            start = end &+ 1
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == HeadByte.blank || byte == HeadByte.tab
    }

    /// Where a byte stands next; the end if nowhere.
    private static func place(
        of byte: UInt8,
        in bytes: UnsafeRawBufferPointer,
        from start: Int
    ) -> Int {
        var index = start
        while index < bytes.count, unsafe bytes[index] != byte { index &+= 1 }
        return index
    }
}

extension HeadView {
    /// Whether a field has this name; case does not matter.
    fileprivate func field(_ field: HeadField, isNamed name: String) -> Bool {
        unsafe ASCII.equalsIgnoringCase(slice(field.name), name)
    }
}
