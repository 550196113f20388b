// One connection of the handshake mode, from connecting to the end of TCP.

internal import StargateCore

/// Connect, upgrade, close: once.
final class HandshakeCycle: WebSocketHandler {
    private enum State {
        case opening
        case closing(since: UInt64, WebSocket)
        case over
    }

    private let lane: HandshakeLane
    let startedAt: UInt64
    /// When the TCP connection was made; 0 before.
    var connectedAt: UInt64 = 0
    /// When the TLS handshake was done; 0 before, and without TLS.
    var securedAt: UInt64 = 0
    private var openedAt: UInt64 = 0
    private var state = State.opening

    init(lane: HandshakeLane, now: UInt64) {
        self.lane = lane
        startedAt = now
    }

    /// What an overdue cycle lacks.
    var waitingFor: String {
        switch state {
        case .opening where connectedAt == 0: "no TCP connection"
        case .opening where lane.isSecure && securedAt == 0: "no end of the TLS handshake"
        case .opening: "no answer to the opening handshake"
        case .closing, .over: "no answer to our Close frame"
        }
    }

    func settle(_ outcome: ConnectOutcome) {
        switch outcome {
        case .open(let socket):
            guard case .opening = state else { return socket.terminate() }
            let now = MonotonicClock.now()
            lane.statistics.opened += 1
            lane.statistics.openNow += 1
            openedAt = now
            state = .closing(since: now, socket)
        case .failed(let kind, let example):
            guard case .opening = state else { return }
            state = .over
            lane.fail(self, kind, example)
        }
    }

    func opened(_ socket: WebSocket) {
        socket.close()
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        guard case .closing(let since, _) = state else { return }
        state = .over
        lane.statistics.openNow -= 1
        if code == .abnormalClosure {
            lane.fail(self, .closingHandshake, "the server did not answer our Close frame")
            return
        }
        let now = MonotonicClock.now()
        lane.statistics.record(.connecting, connectedAt.minus(startedAt))
        if securedAt > 0 { lane.statistics.record(.securing, securedAt.minus(connectedAt)) }
        lane.statistics.record(.upgrading, openedAt.minus(max(connectedAt, securedAt)))
        lane.statistics.record(.closing, now.minus(since))
        lane.statistics.complete(latency: now.minus(startedAt))
        lane.succeed(self)
    }

    /// Ends it without ceremony: nothing is counted any more.
    func abandon() {
        if case .closing(_, let socket) = state {
            lane.statistics.openNow -= 1
            state = .over
            socket.terminate()
        }
        state = .over
    }
}
