// What a handler sees of a request: a copy, because the handler may look at it later and on
// another thread, while the bytes of the receive buffer are gone when the read returns.

/// A request as it arrived, for a handler to look at.
///
/// Every property that returns a `String` makes it anew: keep what is needed more than once.
/// Nothing in it has been checked beyond the syntax of HTTP: a peer can send any text anywhere.
public struct Request: Sendable {
    /// All there is: a copy of a request is one reference.
    let storage: RequestRecord

    var head: RequestHead { storage.head }

    /// What the route's pattern captured from the path: `request.parameters["room"]`.
    public var parameters: PathParameters { PathParameters(storage: storage) }
    /// The address of the client; `nil` when there is none to tell. It is a proxy's unless the
    /// proxy is trusted to tell the client's, see ``Server/Configuration/trustedProxies``.
    public var remoteAddress: SocketAddress? { storage.remoteAddress }
    /// The address that the client connected to; `nil` when there is none to tell.
    public var localAddress: SocketAddress? { storage.localAddress }
    /// The address of the trusted proxy that told the other two; `nil` without one.
    public var proxyAddress: SocketAddress? { storage.proxyAddress }
    /// Whether the request came over TLS.
    public var isSecure: Bool { storage.isSecure }
    /// What TLS knows of the connection; nil without TLS. The certificate that the client has shown
    /// stands here too.
    public var tls: TLSInfo? { storage.tls }
    /// The body, with its chunks put together; empty when there was none. No longer than
    /// ``Server/Configuration/maxBodySize``.
    public var body: [UInt8] { storage.body }

    init(_ storage: RequestRecord) { self.storage = storage }

    /// Copies a head.
    ///
    /// - Parameters:
    ///   - view: the bytes of exactly this head, and its fields.
    ///   - head: what the scanner made of them.
    ///   - names: the names of the captures, in order.
    ///   - captures: what a route captured, as ranges of the head.
    init(
        copying view: HeadView,
        head: RequestHead,
        names: [String] = [],
        captures: RouteCaptures = RouteCaptures()
    ) {
        assert(unsafe view.bytes.count >= head.byteCount)
        storage = RequestRecord(
            copying: view,
            head: head,
            names: names,
            captures: captures
        )
    }

    /// The method; see ``methodName`` for one that has no case of its own.
    public var method: HTTPMethod { head.method }

    /// The method as it was sent.
    public var methodName: String { storage.string(head.methodName) }

    /// The request target as it was sent: path and query, or a whole URL. RFC 9112 section 3.2.
    public var target: String { storage.string(head.target.raw) }

    /// The path, with percent escapes decoded and without the query.
    ///
    /// An escape that is none stays as it is, and what is not UTF-8 becomes U+FFFD. A decoded
    /// path can hold slashes and dots that the route never saw: do not open files by it. What was
    /// sent is in ``target``.
    public var path: String { storage.decodedString(head.target.path) }

    /// What follows the question mark of the target.
    public var query: Query { Query(storage: storage, range: head.target.query) }

    /// The header fields.
    public var headers: Headers { Headers(storage: storage) }

    /// The cookies that came with the request: `request.cookies["session"]`.
    public var cookies: Cookies { Cookies(storage: storage) }

    /// The body as text; `nil` when it is not UTF-8.
    public var text: String? { String(validating: body, as: UTF8.self) }

    /// The host that the request is meant for, with its port when one was sent.
    ///
    /// It is the peer's claim, and not proof of anything. RFC 9112 section 3.2.
    public var host: String? {
        storage.withView { view in
            HostHeader.effectiveHost(view, head).map(view.string)
        }
    }
}
