// The forms of a request target. RFC 9112 section 3.2: a client talking to a server sends a path;
// one that believes it talks to a proxy sends a URL. The other two forms mean nothing here.

extension RequestTarget {
    /// Fails for `*`, for a host with a port, and for anything else that is neither a path nor a
    /// URL with a host.
    ///
    /// - Parameters:
    ///   - bytes: the target, not empty, without blanks and control bytes.
    ///   - raw: where they lie in the head.
    init?(bytes: UnsafeRawBufferPointer, raw: HeadRange) {
        assert(bytes.count == Int(raw.count))
        guard let first = unsafe bytes.first else { return nil }
        if first == HeadByte.slash {
            let end = unsafe Self.endOfPath(in: bytes, from: 0)
            self.init(
                raw: raw,
                path: raw.part(from: 0, to: end),
                query: raw.query(from: end),
                authority: nil
            )
            return
        }
        guard let schemeCount = unsafe Self.schemeByteCount(bytes) else { return nil }
        var authorityEnd = schemeCount
        while authorityEnd < bytes.count, unsafe !Self.endsAuthority(bytes[authorityEnd]) {
            authorityEnd &+= 1
        }
        guard authorityEnd > schemeCount else { return nil }
        let pathEnd = unsafe Self.endOfPath(in: bytes, from: authorityEnd)
        // RFC 9110 section 4.2.3: no path means "/". The scheme ends in one.
        let path =
            pathEnd > authorityEnd
            ? raw.part(from: authorityEnd, to: pathEnd)
            : raw.part(from: schemeCount &- 1, to: schemeCount)
        self.init(
            raw: raw,
            path: path,
            query: raw.query(from: pathEnd),
            authority: raw.part(from: schemeCount, to: authorityEnd)
        )
    }

    /// How long the scheme is, with the two slashes behind it.
    private static func schemeByteCount(_ bytes: UnsafeRawBufferPointer) -> Int? {
        for scheme in ["http://", "https://", "ws://", "wss://"] as [String] {
            let start = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(scheme.utf8.count))
            if unsafe ASCII.equalsIgnoringCase(start, scheme) { return scheme.utf8.count }
        }
        return nil
    }

    private static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == HeadByte.slash || byte == HeadByte.questionMark
    }

    private static func endOfPath(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index < bytes.count, unsafe bytes[index] != HeadByte.questionMark { index &+= 1 }
        return index
    }
}

extension HeadRange {
    /// A part of this range, by offsets into it.
    func part(from start: Int, to end: Int) -> HeadRange {
        assert(end <= Int(count))
        return HeadRange(from: Int(self.start) &+ start, to: Int(self.start) &+ end)
    }

    /// What lies behind a question mark at this offset; `nil` at the end of the range.
    fileprivate func query(from offset: Int) -> HeadRange? {
        offset < Int(count) ? part(from: offset &+ 1, to: Int(count)) : nil
    }
}
