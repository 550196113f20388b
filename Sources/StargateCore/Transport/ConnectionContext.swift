/// What the connections of a listener, a route or a client have in common: one object for many.
final class ConnectionContext {
    let limits: ConnectionLimits
    /// The durations among the limits, as the deadline table counts them.
    let ticks: DeadlineTicks
    /// Reads requests or the response, until the connection is open.
    let owner: (any ConnectionOwner)?
    let subprotocol: String?
    /// Who sees what arrives before it is parsed; a client's handler, if it asked for that.
    let frameReader: (any FrameReader)?

    init(
        limits: ConnectionLimits,
        owner: (any ConnectionOwner)?,
        subprotocol: String? = nil,
        frameReader: (any FrameReader)? = nil
    ) {
        self.limits = limits
        ticks = DeadlineTicks(limits)
        self.owner = owner
        self.subprotocol = subprotocol
        self.frameReader = frameReader
    }
}

/// Who a connection belongs to before it is open: the server's router, or a client's attempt.
///
/// Declared down here and implemented by the floors above, so that nothing imports upwards.
protocol ConnectionOwner: AnyObject {
    /// Bytes arrived before the connection is open.
    ///
    /// - Parameters:
    ///   - bytes: all that was not used up before.
    ///   - scannedByteCount: how many of them an earlier call has seen, by its own account.
    ///   - connection: where they came from.
    /// - Returns: what became of them.
    func handshakeReceived(
        _ bytes: UnsafeRawBufferPointer,
        scannedByteCount: Int,
        on connection: Connection
    ) -> HandshakeProgress

    /// The PROXY header that a connection has to begin with has arrived; nil for none, or a
    /// malformed one.
    func proxyHeaderReceived(_ header: ProxyHeader?, on connection: Connection)

    /// Where the client of an open connection sits, when a proxy has told.
    func clientAddress(of connection: Connection) -> SocketAddress?

    /// The TCP connection of a client was made; TLS comes next, where there is any.
    func transportConnected(_ connection: Connection)

    /// The connection of a client is ready for the opening handshake.
    func handshakeConnected(_ connection: Connection)

    /// The connection ended before it was open.
    func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd)

    /// The time for the handshake is over; the connection is still there to be answered.
    func handshakeTimedOut(_ connection: Connection)

    /// The asynchronous handler of an open connection threw an error.
    func handlerThrew(_ error: any Error, on connection: Connection)

    /// A connection of this owner has begun.
    func connectionBegun()

    /// A connection of this owner, which was in `phase`, is being closed.
    func connectionEnded(_ connection: Connection, _ end: ConnectionEnd, in phase: Phase)

    /// A connection of this owner has been closed and its block is free.
    func connectionReleased()

    /// What the owner's connections can subscribe to; a client's have nothing.
    var topicTable: TopicTable? { get }
}

extension ConnectionOwner {
    var topicTable: TopicTable? { nil }
}

extension ConnectionOwner {
    func transportConnected(_ connection: Connection) {}

    func proxyHeaderReceived(_ header: ProxyHeader?, on connection: Connection) {}

    func clientAddress(of connection: Connection) -> SocketAddress? { nil }

    func connectionEnded(_ connection: Connection, _ end: ConnectionEnd, in phase: Phase) {}

    func handlerThrew(_ error: any Error, on connection: Connection) {}
}

/// What became of bytes that arrived before the connection is open.
enum HandshakeProgress {
    /// So many were used up, at least one; what follows is offered next.
    case used(Int)
    /// More are needed; the same bytes are offered again with what arrives next.
    case incomplete(scannedByteCount: Int)
}

/// How a connection ended that never was open.
enum ConnectionEnd {
    /// The peer ended the stream.
    case endOfStream
    /// The operating system reported an error: libuv's negative number.
    case error(Int32)
    /// The TLS session failed, or ended without saying so.
    case tls(TLSError)
    /// This endpoint gave up.
    case aborted
}

/// The limits of a connection. Each is argued where ``Server/Configuration`` documents it.
struct ConnectionLimits {
    var maxMessageSize = 1 << 20
    var maxFragmentCount = 16_384
    /// Messages are handed on in parts, and never held whole.
    var streamsMessages = false
    /// A client's masking keys are zero.
    var masksWithZero = false
    var outputSoftLimit = 256 << 10
    var outputHardLimit = 1 << 20
    var outputPolicy = SlowConsumerPolicy.close
    var slowPeerTimeout = Duration.seconds(10)
    var handshakeTimeout = Duration.seconds(10)
    var keepAliveInterval: Duration? = .seconds(20)
    var pongTimeout = Duration.seconds(20)
    var closeTimeout = Duration.seconds(5)
    var handshakesPerTurn = 4
    /// Frames that a peer may send each second, on average over a second; 0 for any number.
    var messagesPerSecond = 0

    /// Above so much unsent output a peer is not read from: before the soft limit, because what it
    /// asks for and does not take should wait at its own end; but not before a cork full of pongs.
    var readPauseByteCount: Int { outputSoftLimit / 2 }
}
