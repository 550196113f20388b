/// A request to open a WebSocket connection, for the application to accept or reject.
///
/// The handshake itself has been checked already (RFC 6455 section 4.2.1), and so has the origin.
/// It may be kept and passed between threads.
public struct UpgradeRequest: Sendable {
    /// The HTTP request: its path, query, headers and cookies.
    public let request: Request
    /// The generation of the protocol that the client speaks.
    public let protocolVersion: ProtocolVersion
    /// The subprotocols that the client offers, in its order of preference. RFC 6455 section 1.9.
    public let subprotocols: [String]

    /// The path, with percent escapes decoded and without the query.
    public var path: String { request.path }
    /// What the route's pattern captured: `request.parameters["room"]`.
    public var parameters: PathParameters { request.parameters }
    /// The query: `request.query["token"]`.
    public var query: Query { request.query }
    /// The header fields.
    public var headers: Headers { request.headers }
    /// The cookies.
    public var cookies: Cookies { request.cookies }
    /// The address of the peer, which may be a proxy.
    public var remoteAddress: SocketAddress? { request.remoteAddress }

    /// The first of `supported` that the client offers, in the server's order of preference.
    public func firstSubprotocol(of supported: [String]) -> String? {
        supported.first { subprotocols.contains($0) }
    }
}
