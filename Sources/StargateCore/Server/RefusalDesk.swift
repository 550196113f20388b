/// Tells clients that are not let in why: 503 and when to come back, to the first bytes they send.
///
/// Only so many are told at a time and each only for a moment, because they have no seat; the rest
/// is reset.
final class RefusalDesk: ConnectionOwner {
    /// On all loops of a server: less than what is left of the descriptors when it is full.
    private static let clientCountMax = 32
    private static let patience = Duration.seconds(2)

    private let eventLoop: EventLoop
    private let clientCountMax: Int
    private var clientCount = 0

    /// What those connections have in common.
    private(set) lazy var context = ConnectionContext(
        limits: ConnectionLimits(closeTimeout: .seconds(1)),
        owner: self
    )

    init(_ eventLoop: EventLoop, loopCount: Int) {
        self.eventLoop = eventLoop
        clientCountMax = max(1, Self.clientCountMax / max(1, loopCount))
    }

    /// Whether there is room to say something to one more.
    var hasRoom: Bool { clientCount < clientCountMax }

    /// Waits for what the client has to say.
    func begin(_ connection: Connection) {
        connection.setDeadline(after: Self.patience)
        connection.startReading()
    }

    func handshakeReceived(
        _ bytes: UnsafeRawBufferPointer,
        scannedByteCount: Int,
        on connection: Connection
    ) -> HandshakeProgress {
        let answer = ResponseEncoder.encode(refusal)
        unsafe answer.withUnsafeBytes { unsafe connection.sendRaw($0) }
        connection.finishHandshake()
        return .used(bytes.count)
    }

    /// What is said. Clients are told to wait between 5 and 20 seconds, so that those who were
    /// refused together do not come back together.
    var refusal: HTTPRefusal {
        let delay = 5 + Int(eventLoop.loop.state.randomness.nextWord() % 16)
        return HTTPRefusal(
            .serviceUnavailable,
            "The server has as many clients as it takes. Try again later.",
            headers: [(name: "Retry-After", value: String(delay))]
        )
    }

    func handshakeConnected(_ connection: Connection) {}
    func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd) {}
    func handshakeTimedOut(_ connection: Connection) { connection.abort() }
    func connectionBegun() { clientCount += 1 }
    func connectionReleased() { clientCount -= 1 }
}
