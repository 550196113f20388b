/// What one connection does otherwise than its server's ``Server/Configuration``; nil leaves what
/// the configuration says.
///
///     .accept(options: .init(maxMessageSize: 16 << 20, compresses: false)) { Upload() }
///
/// Make them where the route is added, or from few possible values: connections with equal options
/// share what is made of them.
public struct WebSocketOptions: Sendable, Hashable {
    /// When a silent peer is pinged.
    public enum KeepAlive: Sendable, Hashable {
        /// Not at all: peers that vanish are not noticed.
        case never
        /// After so much silence.
        case every(Duration)
    }

    /// The longest message in bytes, see ``Server/Configuration/maxMessageSize``.
    public var maxMessageSize: Int?
    /// The most fragments of one message, see ``Server/Configuration/maxFragmentCount``.
    public var maxFragmentCount: Int?
    /// See ``Server/Configuration/maxMessagesPerSecond``.
    public var maxMessagesPerSecond: Int?
    /// When a silent peer is pinged, see ``Server/Configuration/keepAliveInterval``.
    public var keepAlive: KeepAlive?
    /// How long the peer may take to answer a ping, see ``Server/Configuration/pongTimeout``.
    public var pongTimeout: Duration?
    /// See ``Server/Configuration/closeTimeout``.
    public var closeTimeout: Duration?
    /// See ``Server/Configuration/outputSoftLimit``, in bytes.
    public var outputSoftLimit: Int?
    /// See ``Server/Configuration/outputHardLimit``, in bytes.
    public var outputHardLimit: Int?
    /// See ``Server/Configuration/slowPeerTimeout``.
    public var slowPeerTimeout: Duration?
    /// See ``Server/Configuration/slowConsumerPolicy``.
    public var slowConsumerPolicy: SlowConsumerPolicy?
    /// Has messages handed on in parts as they arrive, by
    /// ``WebSocketHandler/receivedPart(_:_:on:)-(RawSpan,_,_)``: a message of any length then costs
    /// the memory of one part. The limits of the configuration for whole messages do not apply:
    /// ``maxMessageSize`` and ``maxFragmentCount`` hold if they are set here, nil is no limit.
    public var streamsMessages: Bool
    /// False to speak without compression to a client that offers it. It cannot be switched on
    /// where the server does not compress, see ``Server/Configuration/compression``.
    public var compresses: Bool

    /// Options; what is left out is as the server's configuration says.
    public init(
        maxMessageSize: Int? = nil,
        keepAlive: KeepAlive? = nil,
        slowConsumerPolicy: SlowConsumerPolicy? = nil,
        streamsMessages: Bool = false,
        compresses: Bool = true
    ) {
        self.maxMessageSize = maxMessageSize
        self.keepAlive = keepAlive
        self.slowConsumerPolicy = slowConsumerPolicy
        self.streamsMessages = streamsMessages
        self.compresses = compresses
    }

    /// The limits with these options applied.
    func applied(to limits: ConnectionLimits) -> ConnectionLimits {
        var limits = limits
        if streamsMessages {
            limits.streamsMessages = true
            limits.maxMessageSize = Int.max
            limits.maxFragmentCount = Int.max
        }
        if let maxMessageSize { limits.maxMessageSize = max(0, maxMessageSize) }
        if let maxFragmentCount { limits.maxFragmentCount = max(1, maxFragmentCount) }
        if let maxMessagesPerSecond { limits.messagesPerSecond = max(1, maxMessagesPerSecond) }
        switch keepAlive {
        case .never: limits.keepAliveInterval = nil
        case .every(let interval): limits.keepAliveInterval = interval
        case nil: break
        }
        if let pongTimeout { limits.pongTimeout = pongTimeout }
        if let closeTimeout { limits.closeTimeout = closeTimeout }
        if let outputSoftLimit { limits.outputSoftLimit = outputSoftLimit }
        if let outputHardLimit { limits.outputHardLimit = outputHardLimit }
        if let slowPeerTimeout { limits.slowPeerTimeout = slowPeerTimeout }
        if let slowConsumerPolicy { limits.outputPolicy = slowConsumerPolicy }
        return limits
    }
}
