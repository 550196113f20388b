internal import StargateCore

/// What is known of a handler after it is gone.
final class HandlerRecord {
    let number: Int
    /// The peer that the connection belongs to; nil for one that may send anything.
    let sender: Int?
    var isOpened = false
    var closedCount = 0
    /// The next message that is due.
    var nextNumber = 0
    /// The messages that were sent back, and not dropped.
    var accepted: [Int] = []
    /// What the connection is subscribed to, by this handler's own account.
    var filters: Set<TopicFilter> = []
    /// When it was subscribed to what, as the run counts its events.
    var subscriptionStamps: [TopicFilter: Int] = [:]
    var hasUnsubscribed = false
    /// Whether one of its subscriptions was one that lets messages be dropped.
    var isLossy = false
    /// How many it was told of.
    var droppedCount = 0
    /// When it has published, topic by topic.
    var publicationStamps = SimulatedTopics.topics.map { _ in [Int]() }
    /// The connection's own account; nil when it is over.
    var countTopics: (() -> Int?)?

    init(_ number: Int, sender: Int?) {
        self.number = number
        self.sender = sender
    }

    var topicsMatch: Bool {
        guard let count = countTopics?() else { return true }
        return count == filters.count
    }
}

/// A handler that sends everything back, checks what it is told, and, if it is unruly, does
/// whatever can be done whenever it can be done.
final class SimulatedHandler: WebSocketHandler {
    private unowned let simulation: Simulation
    let record: HandlerRecord
    private let isUnruly: Bool

    init(_ simulation: Simulation, sender: Int?, isUnruly: Bool) {
        self.simulation = simulation
        self.isUnruly = isUnruly
        record = HandlerRecord(simulation.handlers.count, sender: sender)
        simulation.handlers.append(record)
        simulation.liveHandlerCount += 1
    }

    deinit {
        simulation.liveHandlerCount -= 1
    }

    func opened(_ socket: WebSocket) {
        check(!record.isOpened, "opened twice")
        record.isOpened = true
        record.countTopics = { socket.isOpen ? socket.topicCount : nil }
        if record.sender.map({ $0 % 3 == 0 }) ?? false { subscribe(socket) }
        misbehave(socket)
    }

    func received(_ message: Message, on socket: WebSocket) {
        checkIsAlive("received")
        simulation.totals.messages += 1
        let bytes = message.copied
        simulation.trace.note("received", record.number, bytes.count)
        check(!bytes.starts(with: HostilePeer.forbidden), "received what follows a violation")
        if let sender = record.sender {
            let head = Payload.check(bytes)
            check(head?.sender == sender, "received \(bytes.count) bytes of somebody else")
            check(
                head?.number == record.nextNumber,
                "received message \(head?.number ?? -1) instead of \(record.nextNumber)"
            )
        }
        let number = record.nextNumber
        record.nextNumber += 1
        switch socket.send(message) {
        case .sent, .queued: record.accepted.append(number)
        case .dropped, .unsupported, .unfinished: break
        }
        misbehave(socket)
    }

    func drained(_ socket: WebSocket) {
        checkIsAlive("drained")
        misbehave(socket)
    }

    func dropped(_ count: Int, on socket: WebSocket) {
        checkIsAlive("dropped")
        check(count > 0, "dropped nothing")
        record.droppedCount += count
        misbehave(socket)
    }

    func ponged(_ payload: RawSpan, on socket: WebSocket) {
        checkIsAlive("ponged")
        misbehave(socket)
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        simulation.trace.note("closed", record.number, Int(code.rawValue))
        check(record.isOpened, "closed and not opened")
        record.closedCount += 1
        check(record.closedCount == 1, "closed \(record.closedCount) times")
        check(!socket.isOpen, "closed and still open")
        record.countTopics = nil
        if isUnruly {
            // None of this may have an effect any more.
            check(socket.send("late") == .dropped, "sent after the end")
            socket.close(.goingAway)
            socket.terminate()
            _ = socket.subscribe(to: SimulatedTopics.topics[0])
            socket.resume()
        }
    }

    private func check(_ condition: Bool, _ failure: @autoclosure () -> String) {
        simulation.check(condition, "handler \(record.number): \(failure())")
    }

    private func checkIsAlive(_ what: String) {
        check(record.isOpened && record.closedCount == 0, "\(what) before opened or after closed")
    }

    // MARK: Everything that can be done

    private func misbehave(_ socket: WebSocket) {
        publish(socket)
        guard isUnruly else { return }
        while simulation.random.oneIn(4) { doAnything(socket) }
    }

    private func doAnything(_ socket: WebSocket) {
        switch Int.random(in: 0..<14, using: &simulation.random) {
        case 0: socket.close(.normalClosure, reason: "enough")
        case 1: socket.terminate()
        case 2...4: subscribe(socket)
        case 5: unsubscribe(socket)
        case 6:
            socket.pause()
            let delay = Duration.milliseconds(Int.random(in: 0...3000, using: &simulation.random))
            _ = socket.eventLoop?.schedule(after: delay) { _ in socket.resume() }
        case 7: socket.resume()
        case 8: socket.ping()
        case 9...11: publish(socket)
        default:
            // Those that cannot be counted on: the peer knows them by their first letter.
            let size = simulation.random.size(upTo: simulation.settings.messageSizeMax)
            _ = socket.send(String(decoding: Payload.make("X", 0, 0, count: size), as: UTF8.self))
        }
    }

    private func subscribe(_ socket: WebSocket) {
        let filter = SimulatedTopics.filters.randomElement(using: &simulation.random)
        let policies: [SlowConsumerPolicy] = [.close, .dropNewest, .dropOldest, .latest, .wait]
        guard let filter, let policy = policies.randomElement(using: &simulation.random) else {
            return
        }
        _ = socket.subscribe(matching: filter, policy: policy)
        guard socket.isOpen else { return }
        record.filters.insert(filter)
        record.isLossy = record.isLossy || policy != .close
        if record.subscriptionStamps[filter] == nil {
            record.subscriptionStamps[filter] = simulation.nextStamp()
        }
    }

    private func unsubscribe(_ socket: WebSocket) {
        guard let filter = SimulatedTopics.filters.randomElement(using: &simulation.random) else {
            return
        }
        let was = socket.unsubscribe(matching: filter)
        guard socket.isOpen else { return }
        record.hasUnsubscribed = record.hasUnsubscribed || was
        check(was == (record.filters.remove(filter) != nil), "unsubscribed from what it was not in")
    }

    /// A publication says which handler published it, as which of its publications to which topic.
    private func publish(_ socket: WebSocket) {
        guard simulation.random.oneIn(3) else { return }
        let index = Int.random(in: 0..<SimulatedTopics.topics.count, using: &simulation.random)
        let size = simulation.random.size(upTo: min(3000, simulation.settings.messageSizeMax))
        let source = PublicationSource(publisher: record.number, topic: index)
        let number = record.publicationStamps[index].count + 1
        let bytes = Payload.make("P", source.sender, number, count: size)
        let text = String(decoding: bytes, as: UTF8.self)
        if socket.publish(text, to: SimulatedTopics.topics[index]) {
            record.publicationStamps[index].append(simulation.nextStamp())
        }
    }
}

/// The topics of every run, and the filters that find them.
enum SimulatedTopics {
    static let topics: [Topic] = ["a", "a/b", "c"]
    static let filters: [TopicFilter] = ["a", "a/b", "c", "+", "a/#", "#"]

    /// Which topics a filter finds, written down by hand.
    static func matches(_ filter: TopicFilter, topic: Int) -> Bool {
        let found: [TopicFilter: [Int]] = [
            "a": [0], "a/b": [1], "c": [2], "+": [0, 2], "a/#": [0, 1], "#": [0, 1, 2],
        ]
        return found[filter]?.contains(topic) ?? false
    }
}

extension Message {
    /// The bytes, to keep.
    var copied: [UInt8] {
        switch self {
        case .text(let text): String(copying: text).utf8.map { $0 }
        case .binary(let bytes): unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        }
    }
}
