// The first line of a request, taken apart, and how far its head reaches. The fields are in the
// array the caller lent to the scanner.

/// A complete request head, as ranges of the bytes it was scanned from.
struct RequestHead: Equatable {
    /// How many bytes the head has, with the blank line, and an empty one before the request line.
    /// What follows belongs to somebody else.
    var byteCount: Int
    var method: HTTPMethod
    /// The method as it was sent, which matters for ``HTTPMethod/other``.
    var methodName: HeadRange
    var target: RequestTarget
    /// The minor version: 1, or more. RFC 9110 section 2.5: a higher one is treated as 1.
    var minorVersion: UInt8
    var fieldCount: Int
}

/// What the scanner says about the bytes it has seen.
enum RequestHeadScan {
    case complete(RequestHead)
    /// All is well so far; call again when there are more bytes.
    case incomplete
    /// Answer and close. No further byte makes it better.
    case refused(HTTPRefusal)
}

/// The request target: a path with an optional query, or the same behind a scheme and a host.
struct RequestTarget: Equatable {
    /// As it was sent.
    var raw: HeadRange
    /// From the first slash to the question mark or the end; never empty.
    var path: HeadRange
    /// What follows the question mark; `nil` when there is none.
    var query: HeadRange?
    /// The host with its port, for a target in absolute form: it then replaces the Host field.
    /// RFC 9112 section 3.2.2.
    var authority: HeadRange?
}

extension HeadRange {
    /// - Parameters:
    ///   - start: at most 65,535, as every position within a head.
    ///   - end: not less than `start`.
    @inline(__always)
    init(from start: Int, to end: Int) {
        assert(0 <= start && start <= end && end <= Int(UInt16.max))
        self.init(
            start: UInt16(truncatingIfNeeded: start),
            count: UInt16(truncatingIfNeeded: end &- start)
        )
    }

    /// The position behind the last byte.
    @inline(__always)
    var end: Int { Int(start) &+ Int(count) }
}
