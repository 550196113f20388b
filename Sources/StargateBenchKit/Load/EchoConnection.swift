// One connection of the echo mode: the hot path of the client. Per echo it compares the bytes,
// records one latency and sends the next message; it allocates nothing.

internal import StargateCore

/// Sends messages, keeps so many in flight, and checks what comes back.
final class EchoConnection: WebSocketHandler {
    private enum State {
        case opening
        case open(WebSocket)
        /// Our Close frame is out.
        case closing(WebSocket)
        case closed
    }

    private let index: Int
    private unowned let worker: EchoWorker
    private let statistics: WorkerStatistics
    private let deck: PayloadDeck
    private let depth: Int
    /// When its messages are due; nil for a closed loop.
    private let timetable: Timetable?
    private var verifier: EchoVerifier
    private var state = State.opening
    /// Messages still to be sent.
    private var remaining: UInt64
    /// Whether the client's own queue is full: nothing is sent before it has drained.
    private var isBlocked = false
    private var isActive = false

    init(index: Int, worker: EchoWorker) {
        self.index = index
        self.worker = worker
        statistics = worker.statistics
        deck = worker.plan.deck
        depth = worker.plan.depth
        remaining = worker.plan.quota(of: index)
        verifier = EchoVerifier(
            deck: deck,
            connection: index,
            depth: depth,
            check: worker.plan.check
        )
        timetable = worker.timetable(of: index)
    }

    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    func becomeOpen(_ socket: WebSocket) {
        state = .open(socket)
    }

    func start() {
        guard case .open(let socket) = state else { return }
        isActive = true
        if timetable == nil { fill(socket, now: MonotonicClock.now()) }
    }

    /// Sends what is due.
    func pump(now: UInt64) {
        guard isActive, case .open(let socket) = state else { return }
        fill(socket, now: now)
    }

    /// Echoes whose bytes were compared.
    var checkedCount: UInt64 { verifier.checkedCount }

    func sendNoMore() {
        remaining = 0
        becomeIdleIfDone()
    }

    func close() {
        guard case .open(let socket) = state else { return }
        state = .closing(socket)
        socket.close()
    }

    func cut() {
        guard case .closing(let socket) = state else { return }
        addClosingError()
        finish()
        socket.terminate()
    }

    // MARK: Calls from the loop

    func received(_ message: Message, on socket: WebSocket) {
        let now = MonotonicClock.now()
        let verdict =
            switch message {
            case .text(let text): verifier.received(isText: true, payload: text.span.bytes)
            case .binary(let bytes): verifier.received(isText: false, payload: bytes)
            }
        switch verdict {
        case .good(let departure), .early(let departure, _):
            statistics.complete(departure, at: now)
        case .wrong(let fault):
            statistics.errors.add(fault, connection: index)
        }
        guard isActive else { return }
        fill(socket, now: now)
    }

    func drained(_ socket: WebSocket) {
        isBlocked = false
        guard isActive else { return }
        fill(socket, now: MonotonicClock.now())
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        switch state {
        case .opening, .closed: return
        case .closing:
            if code == .abnormalClosure { addClosingError() }
        case .open:
            statistics.errors.add(.closedEarly, describeEarlyClose(code, reason))
        }
        finish()
    }

    // MARK: Sending

    @inline(__always)
    private func fill(_ socket: WebSocket, now: UInt64) {
        while remaining > 0, !isBlocked, verifier.inFlight < depth {
            guard let timetable else {
                send(on: socket, now: now, due: now)
                continue
            }
            let due = timetable.moment(of: verifier.nextToSend, since: worker.startedAt)
            guard due <= now else { break }
            send(on: socket, now: now, due: due)
        }
        if remaining == 0 { becomeIdleIfDone() }
    }

    @inline(__always)
    private func send(on socket: WebSocket, now: UInt64, due: UInt64) {
        let position = verifier.nextPosition
        let result =
            if deck.kind.isText {
                deck.withText(at: position) { socket.send(.text($0)) }
            } else {
                deck.withPayload(at: position) { socket.send(.binary($0)) }
            }
        switch result {
        case .sent: break
        case .queued: isBlocked = true
        case .unsupported:
            isBlocked = true
            statistics.errors.add(
                .notSent,
                "connection \(index + 1): this protocol version has no such messages"
            )
            return
        case .dropped:
            // The connection is on its way out and says so in `closed`, or its queue is full and
            // drains.
            isBlocked = true
            if socket.isOpen {
                statistics.errors.add(
                    .notSent,
                    "connection \(index + 1): the client's own queue was full"
                )
            }
            return
        }
        verifier.sent(at: now, due: due)
        statistics.countSent()
        remaining &-= 1
    }

    // MARK: Ends

    /// Gives up echoes that are overdue: an overtaken one is lost; if the next in order does not
    /// come, nothing will.
    func sweep(now: UInt64, timeout: UInt64) {
        guard case .open(let socket) = state, isActive, now > timeout else { return }
        let limit = now - timeout
        for message in verifier.giveUpOvertaken(sentBefore: limit) {
            statistics.errors.add(
                .missing,
                "connection \(index + 1), message \(message + 1): later ones came back, it did not"
            )
        }
        if let sentAt = verifier.oldestSentAt, sentAt < limit {
            let message = verifier.oldest
            statistics.errors.add(
                .timeout,
                "connection \(index + 1), message \(message + 1): no echo within "
                    + Figure.span(timeout)
            )
            finish()
            socket.terminate()
            return
        }
        fill(socket, now: now)
    }

    private func finish() {
        state = .closed
        remaining = 0
        if isActive {
            isActive = false
            worker.connectionBecameIdle()
        }
        worker.connectionClosed()
    }

    private func becomeIdleIfDone() {
        guard isActive, remaining == 0, verifier.inFlight == 0 else { return }
        isActive = false
        worker.connectionBecameIdle()
    }

    private func addClosingError() {
        statistics.errors.add(
            .closingHandshake,
            "connection \(index + 1): the server did not answer our Close frame"
        )
    }

    private func describeEarlyClose(_ code: CloseCode, _ reason: String) -> String {
        // The code may also be our own, when what the server sent broke the protocol.
        let how =
            code == .abnormalClosure
            ? "ended without a Close frame" : "closed with \(code)"
        let why = reason.isEmpty ? "" : " \"\(reason)\""
        let lost = verifier.inFlight
        let waiting = lost == 0 ? "" : ", \(lost) message\(lost == 1 ? "" : "s") in flight"
        return "connection \(index + 1): \(how)\(why)\(waiting)"
    }
}
