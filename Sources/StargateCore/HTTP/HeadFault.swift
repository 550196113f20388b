// Everything that can be wrong with the head of an HTTP message. One list, so that a reader sees
// at a glance what is refused, with which status, and in which words the peer is told.

/// What is wrong with the head of a message. RFC 9112, and our limits.
enum HeadFault: UInt8, Sendable, CaseIterable {
    // The start line.
    case badMethod
    case badTarget
    case authorityTarget
    case connectTarget
    case badVersion
    case oldVersion
    case unknownVersion
    case badStatus
    // Lines.
    case bareCarriageReturn
    case bareLineFeed
    // Fields.
    case foldedLine
    case emptyName
    case badName
    case blankBeforeColon
    case missingColon
    case badValue
    // Limits.
    case startLineTooLong
    case fieldLineTooLong
    case headTooLong
    case tooManyFields
    // Host, which every request has exactly once.
    case missingHost
    case duplicateHost
    case badHost

    /// One sentence for the person at the other end.
    var reason: String {
        switch self {
        case .badMethod: "The request does not begin with the name of a method."
        case .badTarget: "The request target must be a path, without blanks or control bytes."
        case .authorityTarget: "The request target must be a path or an http URL."
        case .connectTarget: "This server is not a proxy: it opens no tunnels."
        case .badVersion: "The start line must name the version as HTTP/1.1."
        case .oldVersion: "The WebSocket handshake needs HTTP/1.1."
        case .unknownVersion: "This server speaks HTTP/1.1."
        case .badStatus: "The status must have three digits, followed by a blank."
        case .bareCarriageReturn: "A carriage return must be followed by a line feed."
        case .bareLineFeed: "Lines must end with a carriage return and a line feed."
        case .foldedLine: "A header field must not continue on a second line."
        case .emptyName: "A header field has no name."
        case .badName: "The name of a header field holds a byte that names cannot have."
        case .blankBeforeColon: "A blank stands between the name of a header field and its colon."
        case .missingColon: "A header line has no colon."
        case .badValue: "The value of a header field holds a control byte."
        case .startLineTooLong: "The request line is too long."
        case .fieldLineTooLong: "A header field is too long."
        case .headTooLong: "The header fields are too long altogether."
        case .tooManyFields: "There are too many header fields."
        case .missingHost: "The Host header field is missing."
        case .duplicateHost: "There is more than one Host header field."
        case .badHost: "The host is not a name or an address with an optional port."
        }
    }

    /// The status that tells a client about it.
    var status: HTTPStatus {
        switch self {
        case .connectTarget: .methodNotAllowed
        case .oldVersion, .unknownVersion: .versionNotSupported
        case .startLineTooLong: .uriTooLong
        case .fieldLineTooLong, .headTooLong, .tooManyFields: .headerFieldsTooLarge
        case .badMethod, .badTarget, .authorityTarget, .badVersion, .badStatus,
            .bareCarriageReturn, .bareLineFeed, .foldedLine, .emptyName, .badName,
            .blankBeforeColon, .missingColon, .badValue, .missingHost, .duplicateHost, .badHost:
            .badRequest
        }
    }

    /// The answer to a request that has this fault.
    var refusal: HTTPRefusal {
        let allowed = self == .connectTarget ? [(name: "Allow", value: "GET, HEAD")] : []
        return HTTPRefusal(status, reason, headers: allowed)
    }
}

/// Why a scan did not reach the end of a head.
enum HeadStop: Error, Equatable {
    /// The bytes end before the head does.
    case endOfBytes
    /// No further byte can make this a head.
    case fault(HeadFault)
}
