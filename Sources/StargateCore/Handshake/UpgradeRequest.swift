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
    /// The host that the request is meant for, with its port when one was sent: the peer's claim.
    public var host: String? { request.host }
    /// The address of the peer, which may be a proxy.
    public var remoteAddress: SocketAddress? { request.remoteAddress }
    /// The address that the peer connected to.
    public var localAddress: SocketAddress? { request.localAddress }
    /// Whether the request came over TLS.
    public var isSecure: Bool { request.isSecure }
    /// What TLS knows of the connection, with the client's certificate; nil without TLS.
    public var tls: TLSInfo? { request.tls }

    /// Where the page came from that asks, as the browser says: `https://example.com`, or `null`.
    /// Nil when the client is no browser. The route's ``OriginPolicy`` has let it in already.
    ///
    /// Read from the field that the client's generation of the protocol uses: hybi-07 and -08 had
    /// Sec-WebSocket-Origin.
    public var origin: String? {
        switch protocolVersion {
        case .rfc6455, .hixie76, .hixie75: headers["Origin"]
        case .hybi8, .hybi7: headers["Sec-WebSocket-Origin"] ?? headers["Origin"]
        }
    }

    /// The first of `supported` that the client offers, in the server's order of preference.
    public func firstSubprotocol(of supported: [String]) -> String? {
        supported.first { subprotocols.contains($0) }
    }
}
