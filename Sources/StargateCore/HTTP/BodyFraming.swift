// Where the body of a request ends. Two programs that disagree about it are how a second request
// is smuggled inside the first, so everything ambiguous is invalid. RFC 9112 section 6.

/// How the body of a message is delimited.
enum BodyFraming: Equatable {
    /// No body follows.
    case none
    /// So many bytes follow. May be 0.
    case length(Int)
    /// Chunks follow.
    case chunked
    /// The fields contradict each other or mean nothing: answer 400 and close.
    case invalid
}

extension HeadView {
    /// What Content-Length and Transfer-Encoding say about the body.
    var bodyFraming: BodyFraming {
        switch (soleField("content-length"), soleField("transfer-encoding")) {
        case (.none, .none):
            return .none
        case (.one(let range), .none):
            return unsafe Self.contentLength(slice(range)).map(BodyFraming.length) ?? .invalid
        case (.none, .one(let range)):
            // Another coding in front of it would have to be undone, and nobody sends one.
            return unsafe ASCII.equalsIgnoringCase(slice(range), "chunked") ? .chunked : .invalid
        case (.several, _), (_, .several), (.one, .one):
            return .invalid
        }
    }

    /// Digits only: no sign, no list, no blanks, and nothing that exceeds an `Int`.
    private static func contentLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count > 0 else { return nil }
        var length = 0
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            guard HeadByte.isDigit(byte) else { return nil }
            let (shifted, overflowed) = length.multipliedReportingOverflow(by: 10)
            let (sum, exceeded) = shifted.addingReportingOverflow(
                Int(truncatingIfNeeded: byte &- UInt8(ascii: "0"))
            )
            if overflowed || exceeded { return nil }
            length = sum
        }
        return length
    }
}
