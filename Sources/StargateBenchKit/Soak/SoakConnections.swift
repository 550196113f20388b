// The kinds of connections that a soak holds. All live on one loop, and so does their ledger.

internal import StargateCore

/// A connection that has its messages echoed, and now and then stops reading for a while.
final class SoakEcho: WebSocketHandler {
    private unowned let crew: SoakCrew
    private let sender: UInt32
    private(set) var socket: WebSocket?
    private var nextNumber: UInt64 = 0
    private var dueNumber: UInt64 = 0
    /// When the message was sent that has not come back for longest.
    private var waitingSince: UInt64 = 0
    private var isLeaving = false
    /// Ends after its first echo.
    private let isBrief: Bool

    init(_ crew: SoakCrew, sender: UInt32, isBrief: Bool = false) {
        self.crew = crew
        self.sender = sender
        self.isBrief = isBrief
    }

    func opened(_ socket: WebSocket) {
        self.socket = socket
        if isBrief { send(fill: 100, asText: sender & 1 == 0) }
    }

    /// Sends one message.
    func send(fill: Int, asText: Bool) {
        guard let socket, socket.isOpen, !isLeaving else { return }
        if nextNumber == dueNumber { waitingSince = MonotonicClock.now() }
        let result = crew.message.with(number: nextNumber, sender: sender, fill: fill) { bytes in
            if asText, let text = try? UTF8Span(validating: bytes) { return socket.send(text) }
            return socket.send(bytes.bytes)
        }
        guard result != .dropped else { return }
        nextNumber += 1
        crew.ledger.sent += 1
    }

    /// Asks for more than the buffers between hold, and does not read for a while.
    func stopReading(for pause: Duration) {
        guard let socket, socket.isOpen else { return }
        socket.pause()
        for _ in 0..<64 { send(fill: 64 << 10, asText: false) }
        crew.ledger.pauses += 1
        socket.eventLoop?.schedule(after: pause) { _ in socket.resume() }
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard let (number, sender) = crew.read(message), sender == self.sender else {
            crew.ledger.corrupted += 1
            return
        }
        dueNumber = crew.ledger.judge(number, expected: dueNumber)
        crew.ledger.echoed += 1
        waitingSince = MonotonicClock.now()
        guard isBrief else { return }
        isLeaving = true
        crew.ledger.churned += 1
        // One in three goes without a word.
        if self.sender % 3 == 0 { socket.terminate() } else { socket.close() }
    }

    /// Whether an echo is overdue.
    func isLate(now: UInt64) -> Bool {
        dueNumber < nextNumber && now &- waitingSince > SoakCrew.patience
    }

    /// Says goodbye; what has not come back by then is lost.
    func leave() {
        isLeaving = true
        crew.ledger.lost += nextNumber - min(dueNumber, nextNumber)
        socket?.close()
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        self.socket = nil
        crew.gone(self, isExpected: isLeaving)
    }
}

/// A connection that hears what is published to one topic.
final class SoakSubscriber: WebSocketHandler {
    private unowned let crew: SoakCrew
    let topic: Int
    private(set) var socket: WebSocket?
    /// The number that is due: nothing is published before all have subscribed.
    private var due: UInt64 = 0
    private var isLeaving = false

    init(_ crew: SoakCrew, topic: Int) {
        self.crew = crew
        self.topic = topic
    }

    func opened(_ socket: WebSocket) { self.socket = socket }

    /// Publishes, on the publishing connection of a topic.
    func publish(_ number: UInt64, fill: Int) {
        guard let socket, socket.isOpen else { return }
        _ = crew.message.with(number: number, sender: UInt32(topic), fill: fill) {
            socket.send($0.bytes)
        }
        crew.ledger.published += 1
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard let (number, sender) = crew.read(message), sender == UInt32(topic) else {
            crew.ledger.corrupted += 1
            return
        }
        due = crew.ledger.judge(number, expected: due)
        crew.ledger.delivered += 1
    }

    /// Says goodbye. `next` is the number that will be published next: all before it have come.
    func leave(next: UInt64?) {
        isLeaving = true
        if let next, due < next { crew.ledger.lost += next - due }
        socket?.close()
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        self.socket = nil
        if !isLeaving { crew.ledger.broken += 1 }
    }
}
