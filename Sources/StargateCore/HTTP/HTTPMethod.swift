/// The method of a request. RFC 9110 section 9.
///
/// Methods are case-sensitive: `get` is not GET, it is ``other``.
public enum HTTPMethod: UInt8, Sendable, Hashable, CaseIterable {
    /// Asks for a resource; the only method that opens a WebSocket.
    case get
    /// As ``get``, without the body of the answer.
    case head
    /// Hands a body to a resource.
    case post
    /// Replaces a resource.
    case put
    /// Changes a resource in part. RFC 5789.
    case patch
    /// Removes a resource.
    case delete
    /// Asks what a resource can do.
    case options
    /// Asks a proxy for a tunnel; this server is none.
    case connect
    /// Asks for the request as it arrived.
    case trace
    /// Any other name.
    case other

    /// The name on the request line; empty for ``other``, whose name only the request knows.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: ""
        }
    }

    /// The method that has this name on the request line.
    init(bytes: UnsafeRawBufferPointer) {
        // Nearly every request is a GET; the others are worth no cleverness.
        if bytes.count == 3, unsafe bytes[0] == UInt8(ascii: "G"),
            unsafe bytes[1] == UInt8(ascii: "E"), unsafe bytes[2] == UInt8(ascii: "T")
        {
            self = .get
            return
        }
        for method in Self.allCases where method != .other {
            if unsafe bytes.elementsEqual(method.name.utf8) {
                self = method
                return
            }
        }
        self = .other
    }
}
