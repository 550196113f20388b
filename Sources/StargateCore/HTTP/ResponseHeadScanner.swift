// The client's side of the opening handshake: what the server answered. The counterpart of
// RequestHeadScanner, with the same contract.

/// A complete response head, as ranges of the bytes it was scanned from.
struct ResponseHead: Equatable {
    /// How many bytes the head has, with the blank line. Frames may follow at once.
    var byteCount: Int
    /// 0 or 1, or more.
    var minorVersion: UInt8
    /// Three digits: 100 to 999.
    var statusCode: UInt16
    /// The words behind the status. The oldest draft tells servers apart by them.
    var reasonPhrase: HeadRange
    var fieldCount: Int
}

/// What the scanner says about the bytes it has seen.
enum ResponseHeadScan: Equatable {
    case complete(ResponseHead)
    /// All is well so far; call again when there are more bytes.
    case incomplete
    /// This is no answer to a handshake.
    case malformed(HeadFault)
}

/// Finds the head of a response in the bytes at hand.
enum ResponseHeadScanner {
    /// Scans from the first byte of the response; see ``RequestHeadScanner`` for the contract.
    static func scan(
        _ bytes: UnsafeRawBufferPointer,
        previouslyScanned: Int,
        limits: HeadLimits,
        into fields: UnsafeMutableBufferPointer<HeadField>
    ) -> ResponseHeadScan {
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
                return .malformed(fault)
            case .fault(let fault):
                return .malformed(fault)
            }
        }
    }

    private static func scanHead(
        _ cursor: inout HeadCursor,
        limits: HeadLimits,
        into fields: UnsafeMutableBufferPointer<HeadField>
    ) throws(HeadStop) -> ResponseHead {
        let version = try HeadVersion.scan(&cursor)
        guard version.major == 1 else { throw .fault(.unknownVersion) }
        guard try cursor.byte() == HeadByte.blank else { throw .fault(.badVersion) }
        cursor.advance()
        let statusCode = try scanStatusCode(&cursor)
        let reasonPhrase = try scanReasonPhrase(&cursor)
        try cursor.endLine(
            limit: limits.startLineByteCount,
            tooLong: .startLineTooLong,
            otherwise: .badStatus
        )
        let fieldCount = try unsafe FieldScanner.scan(&cursor, limits: limits, into: fields)
        return ResponseHead(
            byteCount: cursor.position,
            minorVersion: version.minor,
            statusCode: statusCode,
            reasonPhrase: reasonPhrase,
            fieldCount: fieldCount
        )
    }

    private static func scanStatusCode(_ cursor: inout HeadCursor) throws(HeadStop) -> UInt16 {
        var code: UInt16 = 0
        for _ in 0..<3 {
            let byte = try cursor.byte()
            guard HeadByte.isDigit(byte) else { throw .fault(.badStatus) }
            code = code &* 10 &+ UInt16(truncatingIfNeeded: byte &- UInt8(ascii: "0"))
            cursor.advance()
        }
        guard code >= 100 else { throw .fault(.badStatus) }
        return code
    }

    /// RFC 9112 section 4 wants a blank even before an empty phrase; many servers leave both out.
    private static func scanReasonPhrase(_ cursor: inout HeadCursor) throws(HeadStop) -> HeadRange {
        guard try cursor.byte() == HeadByte.blank else {
            return cursor.range(from: cursor.position)
        }
        cursor.advance()
        let start = cursor.position
        cursor.skipText(notBelow: HeadByte.blank)
        while try cursor.byte() == HeadByte.tab {
            cursor.advance()
            cursor.skipText(notBelow: HeadByte.blank)
        }
        return cursor.range(from: start)
    }
}
