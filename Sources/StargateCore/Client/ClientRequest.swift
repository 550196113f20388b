/// Where a client connects to, and what it asks for there.
public struct ClientRequest: Sendable {
    /// The address, taken apart.
    public let url: WebSocketURL
    /// The subprotocols that are offered, in order of preference. RFC 6455 section 1.9.
    public var subprotocols: [String] = []
    /// Further header fields, such as cookies or an authorization.
    public var headers: [(String, String)] = []
    /// The origin; nil for a program that is not a browser.
    public var origin: String?
    /// The generation of the protocol to speak.
    public var protocolVersion = ProtocolVersion.rfc6455
    /// Offers permessage-deflate to the server; nil for not.
    public var compression: PerMessageDeflate?
    /// How TLS is spoken when the URL is one of `wss:`.
    public var tls = TLSClientConfiguration()
    /// How long the connection may take, from the name lookup to the end of the handshake.
    public var timeout = Duration.seconds(10)
    /// The numeric address from which to connect, for a machine with several; nil for the one that
    /// the system chooses. Each address has some 28,000 ports to one server. An address of another
    /// family than the server's, or one that this machine does not have, makes connecting fail.
    public var localHost: String?
    /// The longest message that is received, in bytes, fragments summed up.
    public var maxMessageSize = 1 << 20
    /// The most fragments of one message that is received.
    public var maxFragmentCount = 16_384
    /// Has messages handed on in parts, as ``WebSocketOptions/streamsMessages``; then no message is
    /// too long: ``maxMessageSize`` and ``maxFragmentCount`` do not apply.
    public var streamsMessages = false
    /// The most bytes of unsent output; above it, messages are dropped and `send` says so.
    public var outputHardLimit = 16 << 20
    /// After so much silence the server is sent a ping; nil for never.
    public var keepAliveInterval: Duration? = .seconds(20)

    /// Has what arrives offered to the handler before it is parsed, if it is a ``FrameReader``.
    package var offersFrames = false
    /// Masks with keys of zero, which RFC 6455 section 5.3 does not allow: to learn what unmasking
    /// costs a server.
    package var masksWithZero = false

    /// A request with the defaults.
    ///
    /// - Throws: ``ClientError`` for a URL that is not one of `ws:` or `wss:`.
    public init(url: String) throws(ClientError) {
        do throws(WebSocketURLError) {
            self.url = try WebSocketURL(url)
        } catch {
            throw ClientError(.badURL, error.description)
        }
    }

    var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.maxMessageSize = maxMessageSize
        limits.maxFragmentCount = maxFragmentCount
        if streamsMessages {
            limits = WebSocketOptions(streamsMessages: true).applied(to: limits)
        }
        limits.masksWithZero = masksWithZero
        limits.outputHardLimit = outputHardLimit
        limits.outputPolicy = .dropNewest
        limits.keepAliveInterval = keepAliveInterval
        return limits
    }
}
