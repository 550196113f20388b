// Looking at a request without copying anything of it: the bytes are lent to a closure, as messages
// are. A `String` is made by the other accessors, for whoever wants to keep one.

extension Request {
    /// Lends the path as it was sent: percent escapes are not decoded, and there is no query.
    public func withRawPath<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try storage.withSpan(head.target.path, body)
    }

    /// Lends the request target as it was sent: path and query, or a whole URL.
    public func withRawTarget<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try storage.withSpan(head.target.raw, body)
    }
}

extension Headers {
    /// Lends the value of the first field with this name: nothing is copied, and no memory is
    /// allocated.
    ///
    ///     let isKnown = request.headers.withValue(of: "authorization") { isToken($0) } ?? false
    ///
    /// - Parameters:
    ///   - name: case does not matter.
    ///   - body: is lent the bytes between the blanks around the value, which need not be UTF-8.
    /// - Returns: what `body` returns; nil without calling it when there is no such field.
    public func withValue<Result>(
        of name: String,
        _ body: (RawSpan) throws -> Result
    ) rethrows -> Result? {
        guard let value = storage.withView({ $0.value(of: name) }) else { return nil }
        return try storage.withSpan(value, body)
    }

    /// Whether there is a field with this name.
    public func contains(_ name: String) -> Bool {
        storage.withView { $0.value(of: name) } != nil
    }

    /// Whether the first field with this name has exactly this value.
    public func value(of name: String, is text: String) -> Bool {
        withValue(of: name) { value in
            unsafe value.withUnsafeBytes { unsafe ASCII.equals($0, text) }
        } ?? false
    }

    /// Lends name and value of every field, in the order they were sent, until the body returns
    /// false.
    public func forEach(_ body: (_ name: RawSpan, _ value: RawSpan) throws -> Bool) rethrows {
        for index in 0..<count {
            guard let field = storage.withView({ $0.field(at: index) }) else { return }
            let goesOn = try storage.withSpan(field.name) { name in
                try storage.withSpan(field.value) { value in try body(name, value) }
            }
            guard goesOn else { return }
        }
    }
}

extension Cookies {
    /// Lends the value of the first cookie with this name, as it was sent.
    ///
    /// - Returns: what `body` returns; nil without calling it when there is no such cookie.
    public func withValue<Result>(
        of name: String,
        _ body: (RawSpan) throws -> Result
    ) rethrows -> Result? {
        guard let value = range(of: name) else { return nil }
        return try storage.withSpan(value, body)
    }
}

extension Query {
    /// Lends what follows the question mark, as it was sent.
    ///
    /// - Returns: what `body` returns; nil without calling it when there is no query.
    public func withRaw<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result? {
        guard let range else { return nil }
        return try storage.withSpan(range, body)
    }
}

extension RequestRecord {
    /// Lends the bytes of one range.
    func withSpan<Result>(
        _ range: HeadRange,
        _ body: (RawSpan) throws -> Result
    ) rethrows -> Result {
        try withView { view in try unsafe body(view.slice(range).bytes) }
    }
}

extension HeadView {
    /// The value of the first field with this name, of which case does not matter.
    func value(of name: String) -> HeadRange? {
        for index in 0..<fieldCount {
            let field = unsafe fields[index]
            if unsafe ASCII.equalsIgnoringCase(slice(field.name), name) { return field.value }
        }
        return nil
    }

    /// The field at this place; nil when there are not so many.
    func field(at index: Int) -> HeadField? {
        index < fieldCount ? unsafe fields[index] : nil
    }
}
