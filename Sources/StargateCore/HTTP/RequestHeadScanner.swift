// The first stop of a connection's bytes, before there is a WebSocket: is this the head of an
// HTTP/1.1 request, and where does everything lie in it? Nothing is copied, allocated or
// remembered. The rules are RFC 9112's, with every leniency it allows left out, because two programs
// that read one request differently are how requests are smuggled. The one that it asks for, an
// empty line before the request, is there.

/// Finds the head of a request in the bytes at hand.
enum RequestHeadScanner {
    /// Scans from the first byte of the request.
    ///
    /// The work is linear in the length of the head, however small the pieces it arrives in.
    ///
    /// - Parameters:
    ///   - bytes: all that has arrived of this request, and perhaps of what follows it.
    ///   - previouslyScanned: how many of them the last call saw, which returned `incomplete`;
    ///     0 for the first call.
    ///   - limits: what is too long.
    ///   - fields: filled in from the front when the head is complete; more fields than this
    ///     holds are refused.
    /// - Returns: a decision, or that more bytes are needed for one.
    static func scan(
        _ bytes: UnsafeRawBufferPointer,
        previouslyScanned: Int,
        limits: HeadLimits,
        into fields: UnsafeMutableBufferPointer<HeadField>
    ) -> RequestHeadScan {
        let isWorthwhile = unsafe HeadProgress.isWorthScanning(
            bytes,
            previouslyScanned: previouslyScanned,
            limits: limits
        )
        guard isWorthwhile, var cursor = unsafe HeadCursor(bytes, limits: limits) else {
            return .incomplete
        }
        do {
            return .complete(try unsafe scanHead(&cursor, limits: limits, into: fields))
        } catch {
            switch error {
            case .endOfBytes:
                guard let fault = cursor.faultAtEnd(limits: limits) else { return .incomplete }
                return .refused(fault.refusal)
            case .fault(let fault):
                return .refused(fault.refusal)
            }
        }
    }

    private static func scanHead(
        _ cursor: inout HeadCursor,
        limits: HeadLimits,
        into fields: UnsafeMutableBufferPointer<HeadField>
    ) throws(HeadStop) -> RequestHead {
        if try cursor.byte() == HeadByte.carriageReturn { try cursor.passEmptyLine() }
        let (method, methodName) = try passMethod(&cursor)
        let targetStart = cursor.position
        let raw = try scanTarget(&cursor)
        let target = unsafe RequestTarget(bytes: cursor.bytes(from: targetStart), raw: raw)
        cursor.advance()
        let version = try HeadVersion.scan(&cursor)
        try cursor.endLine(
            limit: limits.startLineByteCount,
            tooLong: .startLineTooLong,
            otherwise: .badVersion
        )
        guard version.major == 1 else { throw .fault(.unknownVersion) }
        guard version.minor >= 1 else { throw .fault(.oldVersion) }
        guard let target else {
            throw .fault(method == .connect ? .connectTarget : .authorityTarget)
        }
        let fieldCount = try unsafe FieldScanner.scan(&cursor, limits: limits, into: fields)
        return RequestHead(
            byteCount: cursor.position,
            method: method,
            methodName: methodName,
            target: target,
            minorVersion: version.minor,
            fieldCount: fieldCount
        )
    }

    /// Passes the method and the blank behind it.
    @inline(__always)
    private static func passMethod(
        _ cursor: inout HeadCursor
    ) throws(HeadStop) -> (HTTPMethod, HeadRange) {
        let start = cursor.position
        // Nearly every request is one.
        if cursor.skip(getAndBlank) { return (.get, HeadRange(from: start, to: start &+ 3)) }
        let name = try scanMethod(&cursor)
        let method = unsafe HTTPMethod(bytes: cursor.bytes(from: start))
        cursor.advance()
        return (method, name)
    }

    /// `GET` and a blank.
    private static let getAndBlank: UInt32 = 0x2054_4547

    /// The longest registered name has 17 bytes: UPDATEREDIRECTREF.
    private static let methodByteCountMax = 24

    /// RFC 9110 allows every token. Registered names are letters with a hyphen at most, and to
    /// insist on that ends a TLS or SSH client at its first impossible byte.
    private static func scanMethod(_ cursor: inout HeadCursor) throws(HeadStop) -> HeadRange {
        let start = cursor.position
        while true {
            let byte = try cursor.byte()
            if byte == HeadByte.blank { break }
            let belongs =
                HeadByte.isLetter(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            guard belongs, cursor.position &- start < methodByteCountMax else {
                throw .fault(.badMethod)
            }
            cursor.advance()
        }
        guard cursor.position > start else { throw .fault(.badMethod) }
        return cursor.range(from: start)
    }

    /// A run of bytes without blanks or control bytes. Those above 0x7F have no business here,
    /// but some clients send a path in UTF-8; they stay what they are.
    private static func scanTarget(_ cursor: inout HeadCursor) throws(HeadStop) -> HeadRange {
        let start = cursor.position
        let first = try cursor.byte()
        guard first > HeadByte.blank else { throw .fault(.badTarget) }
        cursor.skipText(notBelow: HeadByte.blank &+ 1)
        let last = try cursor.byte()
        if last == HeadByte.carriageReturn { throw .fault(.badVersion) }
        guard last == HeadByte.blank else { throw .fault(.badTarget) }
        return cursor.range(from: start)
    }
}

/// The version of HTTP on either kind of start line.
enum HeadVersion {
    /// Passes `HTTP/`, a digit, a dot and a digit. RFC 9112 section 2.3.
    static func scan(
        _ cursor: inout HeadCursor
    ) throws(HeadStop) -> (major: UInt8, minor: UInt8) {
        if cursor.skip(oneDotOne) { return (1, 1) }
        for expected in "HTTP/".utf8 {
            guard try cursor.byte() == expected else { throw .fault(.badVersion) }
            cursor.advance()
        }
        let major = try digit(&cursor)
        guard try cursor.byte() == UInt8(ascii: ".") else { throw .fault(.badVersion) }
        cursor.advance()
        return (major, try digit(&cursor))
    }

    /// `HTTP/1.1`, which is what everybody sends.
    private static let oneDotOne: UInt64 = 0x312E_312F_5054_5448

    private static func digit(_ cursor: inout HeadCursor) throws(HeadStop) -> UInt8 {
        let byte = try cursor.byte()
        guard HeadByte.isDigit(byte) else { throw .fault(.badVersion) }
        cursor.advance()
        return byte &- UInt8(ascii: "0")
    }
}
