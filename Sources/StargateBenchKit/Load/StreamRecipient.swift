// Who receives numbered messages, and who publishes them.

internal import StargateCore

/// A connection that receives, and checks that nothing is missing, repeated or changed.
final class StreamRecipient: FrameReader {
    private let index: Int
    private unowned let worker: StreamWorker
    var socket: WebSocket?
    private var sequence = SequenceCheck()

    init(index: Int, worker: StreamWorker) {
        self.index = index
        self.worker = worker
    }

    func received(_ message: Message, on socket: WebSocket) {
        let now = MonotonicClock.now()
        let size = worker.plan.messageSize
        guard let header = message.withPayload({ NumberedMessage.read($0, size: size) }) else {
            worker.statistics.errors.add(
                .corrupt,
                "connection \(index + 1): a message that was not published like this"
            )
            return
        }
        let expected = sequence.expected
        let verdict = sequence.take(header.number)
        if verdict != .next { add(verdict, header.number, expected) }
        switch verdict {
        case .next, .ahead: worker.received(header, by: index, at: now)
        case .late, .again: break
        }
    }

    func answeredPing() { worker.statistics.countPing() }

    func joinedFragments(_ count: Int) { worker.statistics.countFragmented() }

    private func add(_ verdict: SequenceCheck.Verdict, _ number: UInt64, _ expected: UInt64) {
        let place = "connection \(index + 1): message \(number &+ 1)"
        switch verdict {
        case .next: break
        case .ahead(let skipped):
            worker.statistics.accounted &+= skipped
            worker.statistics.errors.add(
                .skipped,
                count: skipped,
                "\(place) came where \(expected &+ 1) was next"
            )
        case .late:
            worker.statistics.errors.add(.reordered, "\(place) came after message \(expected)")
        case .again: worker.statistics.errors.add(.duplicate, "\(place) came again")
        }
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        guard self.socket != nil else { return }
        self.socket = nil
        worker.ended("connection \(index + 1)", code: code, reason: reason)
    }
}

/// The connection that publishes. What comes back to it, if the server sends its own messages to
/// the sender too, it ignores.
final class Publisher: WebSocketHandler {
    private unowned let worker: StreamWorker
    var socket: WebSocket?
    private(set) var published: UInt64 = 0
    private var bytes: [UInt8]

    init(worker: StreamWorker) {
        self.worker = worker
        bytes = NumberedMessage.buffer(size: worker.plan.messageSize)
    }

    /// Publishes the next message, if there is one to publish and the socket takes it. Returns
    /// whether it did.
    @discardableResult
    func publish(due: UInt64? = nil) -> Bool {
        guard let socket else { return false }
        if let count = worker.plan.messageCount, published >= count { return false }
        let header = NumberedMessage.Header(number: published, sentAt: due ?? MonotonicClock.now())
        NumberedMessage.write(header, into: &bytes)
        switch socket.send(UTF8Span(unchecked: bytes.span, isKnownASCII: true)) {
        case .sent, .queued:
            published += 1
            worker.statistics.published = published
            worker.statistics.countSent()
            return true
        case .dropped, .unsupported, .unfinished:
            worker.statistics.errors.add(.notSent, "the publisher's own queue was full")
            return false
        }
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        guard self.socket != nil else { return }
        self.socket = nil
        worker.ended("the publisher", code: code, reason: reason)
    }
}
