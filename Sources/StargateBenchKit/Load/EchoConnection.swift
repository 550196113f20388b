// One connection of the echo mode: the hot path of the client. Per echo it compares the bytes,
// records one latency and sends the next message; it allocates nothing.

internal import StargateCore

/// Sends messages, keeps so many in flight, and checks what comes back.
final class EchoConnection: FrameReader {
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
    /// The same as frames, where messages can be sent and compared as such.
    private let frames: FrameDeck?
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
        frames = worker.plan.frames
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

    /// With a rate, what is due so much before the end of the run should have left by then.
    private static let grace: UInt64 = 5_000_000

    func sendNoMore() {
        if isActive, let timetable {
            statistics.unsent &+= timetable.count(
                from: verifier.nextToSend,
                dueBy: MonotonicClock.now().minus(Self.grace),
                since: worker.startedAt,
                limit: remaining
            )
        }
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

    /// The fast path: a read is compared as it lies with the frames that are expected. What differs
    /// is left to ``received(_:on:)``, which finds out how.
    func receivedFrames(_ bytes: RawSpan, on socket: WebSocket) -> FrameRun {
        guard let frames else { return .none }
        let now = MonotonicClock.now()
        let statistics = statistics
        let taken = bytes.withUnsafeBytes { bytes in
            verifier.takeFrames(bytes, frames) { departure, count in
                statistics.complete(departure, count: count, at: now)
            }
        }
        if taken.count > 0, isActive { fill(socket, now: now) }
        return taken
    }

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

    func answeredPing() { statistics.countPing() }

    func joinedFragments(_ count: Int) { statistics.countFragmented() }

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
        if let frames {
            fill(socket, with: frames, now: now)
        } else {
            fillOneByOne(socket, now: now)
        }
        if remaining == 0 { becomeIdleIfDone() }
    }

    @inline(__always)
    private func fill(_ socket: WebSocket, with frames: FrameDeck, now: UInt64) {
        var count = dueCount(now: now)
        while count > 0, !isBlocked {
            let (result, sent) = frames.withOutgoing(from: verifier.nextPosition, limit: count) {
                socket.sendFrames($0, count: $1)
            }
            guard isTaken(result, socket) else { return }
            note(sent, now: now)
            count &-= sent
        }
    }

    /// How many messages may leave now.
    @inline(__always)
    private func dueCount(now: UInt64) -> Int {
        let room = UInt64(truncatingIfNeeded: max(0, depth &- verifier.inFlight))
        let most = min(remaining, room)
        guard let timetable else { return Int(truncatingIfNeeded: most) }
        var count: UInt64 = 0
        while count < most,
            timetable.moment(of: verifier.nextToSend &+ count, since: worker.startedAt) <= now
        {
            count &+= 1
        }
        return Int(truncatingIfNeeded: count)
    }

    /// So many messages have left.
    @inline(__always)
    private func note(_ count: Int, now: UInt64) {
        if let timetable {
            for _ in 0..<count {
                let due = timetable.moment(of: verifier.nextToSend, since: worker.startedAt)
                verifier.sent(at: now, due: due)
            }
        } else {
            verifier.sent(count, at: now, due: now)
        }
        statistics.countSent(count)
        remaining &-= UInt64(truncatingIfNeeded: count)
    }

    private func fillOneByOne(_ socket: WebSocket, now: UInt64) {
        while remaining > 0, !isBlocked, verifier.inFlight < depth {
            guard let timetable else {
                send(on: socket, now: now, due: now)
                continue
            }
            let due = timetable.moment(of: verifier.nextToSend, since: worker.startedAt)
            guard due <= now else { break }
            send(on: socket, now: now, due: due)
        }
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
        guard isTaken(result, socket) else { return }
        verifier.sent(at: now, due: due)
        statistics.countSent(1)
        remaining &-= 1
    }

    /// Whether what was given to the socket is on its way.
    @inline(__always)
    private func isTaken(_ result: SendResult, _ socket: WebSocket) -> Bool {
        switch result {
        case .sent: return true
        case .queued:
            isBlocked = true
            return true
        case .unsupported, .dropped, .unfinished:
            noteRefusal(result, socket)
            return false
        }
    }

    @inline(never)
    private func noteRefusal(_ result: SendResult, _ socket: WebSocket) {
        isBlocked = true
        if result == .unsupported {
            statistics.errors.add(
                .notSent,
                "connection \(index + 1): this protocol version has no such messages"
            )
        } else if socket.isOpen {
            // Else the connection is on its way out, and says so in `closed`.
            statistics.errors.add(
                .notSent,
                "connection \(index + 1): the client's own queue was full"
            )
        }
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
