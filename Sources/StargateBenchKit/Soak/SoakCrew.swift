// Who does what in a soak: everything here happens on one loop, driven by one timer.

internal import StargateCore

/// What a soak is made of.
struct SoakPlan: Sendable {
    var url: String
    /// A second server, with TLS, to which one connection in four goes, and one topic in four.
    var tls: (url: String, configuration: TLSClientConfiguration)?
    /// Connections that are held and have messages echoed.
    var echoers = 2000
    /// Topics, and how many hear each.
    var topics = 20
    var subscribersPerTopic = 40
    /// Echoes in a second, over all connections.
    var echoRate = 1000.0
    /// Publications in a second, over all topics.
    var publishRate = 20.0
    /// Short-lived connections in a second.
    var churnRate = 20.0
    /// How many seconds pass between two readers that stop for a while.
    var pauseInterval = 15.0
    /// New connections in a second until all are there.
    var connectRate = 250.0
    var compression: PerMessageDeflate?
}

/// The connections of a soak, and what they have counted.
final class SoakCrew {
    /// An echo that takes longer is lost.
    static let patience: UInt64 = 30_000_000_000
    private static let turn = Duration.milliseconds(50)
    private static let secondsPerTurn = 0.05

    private let plan: SoakPlan
    private let loop: EventLoop
    var ledger = SoakLedger()
    var message = SoakMessage()
    private var randomness = SystemRandomNumberGenerator()
    private var echoers: [SoakEcho] = []
    private var brief: [ObjectIdentifier: SoakEcho] = [:]
    private var subscribers: [SoakSubscriber] = []
    private var publishers: [SoakSubscriber] = []
    private var numbers: [UInt64]
    private var nextSender: UInt32 = 0
    private var nextEchoer = 0
    private var nextTopic = 0
    private var due = (connects: 0.0, echoes: 0.0, publications: 0.0, churn: 0.0, pauses: 0.0)
    private var turns = 0
    /// So many times faster than planned everything is done, to warm the server up.
    var haste = 1.0
    /// Nothing new is asked for, until work goes on.
    var isResting = false
    /// Whether all connections were there once: nothing is published before.
    private(set) var hasBegun = false
    private(set) var isLeaving = false

    init(_ plan: SoakPlan, on loop: EventLoop) {
        self.plan = plan
        self.loop = loop
        numbers = Array(repeating: 0, count: plan.topics)
    }

    /// Connections that are open, of those that are to be held.
    var openCount: Int {
        echoers.count { $0.socket != nil } + subscribers.count { $0.socket != nil }
            + publishers.count { $0.socket != nil }
    }

    private var isComplete: Bool {
        openCount >= plan.echoers + plan.topics * (plan.subscribersPerTopic + 1)
    }

    func read(_ message: Message) -> (number: UInt64, sender: UInt32)? {
        switch message {
        case .text(let text): text.span.withUnsafeBytes { self.message.read($0) }
        case .binary(let bytes): bytes.withUnsafeBytes { self.message.read($0) }
        }
    }

    func start() {
        loop.schedule(every: Self.turn) { [weak self] _ in self?.takeTurn() }
    }

    private func takeTurn() {
        guard !isLeaving, !isResting else { return }
        turns += 1
        each(&due.connects, plan.connectRate) { self.connectNext() }
        each(&due.echoes, plan.echoRate * haste) { self.echo() }
        hasBegun = hasBegun || isComplete
        guard hasBegun else { return }
        each(&due.publications, plan.publishRate * haste) { self.publish() }
        each(&due.churn, plan.churnRate * haste) { self.churn() }
        each(&due.pauses, haste / plan.pauseInterval) { self.pause() }
        if turns % 100 == 0 { replaceLate() }
    }

    /// Does something so many times in a second, on average.
    private func each(_ due: inout Double, _ rate: Double, _ action: () -> Void) {
        due += rate * Self.secondsPerTurn
        while due >= 1 {
            due -= 1
            action()
        }
    }

    // MARK: Connecting

    private func connectNext() {
        if echoers.count < plan.echoers {
            let echoer = SoakEcho(self, sender: takeSender())
            echoers.append(echoer)
            connect(echoer, path: "/", withTLS: Self.goesToTLS(echoers.count - 1))
        } else if publishers.count < plan.topics {
            let publisher = SoakSubscriber(self, topic: publishers.count)
            publishers.append(publisher)
            connect(publisher)
        } else if subscribers.count < plan.topics * plan.subscribersPerTopic {
            let subscriber = SoakSubscriber(self, topic: subscribers.count % plan.topics)
            subscribers.append(subscriber)
            connect(subscriber)
        }
    }

    /// One in four, of every version and with every compression.
    private static func goesToTLS(_ index: Int) -> Bool { index / 4 % 4 == 3 }

    /// Everybody who has to do with a topic is on the same server.
    private func connect(_ subscriber: SoakSubscriber) {
        connect(
            subscriber,
            path: "/topic/soak-\(subscriber.topic)",
            withTLS: subscriber.topic % 4 == 3
        )
    }

    private func takeSender() -> UInt32 {
        nextSender &+= 1
        return nextSender
    }

    private func connect(_ handler: any WebSocketHandler, path: String, withTLS: Bool) {
        let tls = withTLS ? plan.tls : nil
        guard var request = try? ClientRequest(url: (tls?.url ?? plan.url) + path) else {
            ledger.broken += 1
            return
        }
        if let tls { request.tls = tls.configuration }
        let versions: [ProtocolVersion] = [.rfc6455, .rfc6455, .hybi8, .hybi7]
        request.protocolVersion = versions[Int(nextSender % 4)]
        if nextSender % 3 == 0 { request.compression = plan.compression }
        WebSocketClient.connect(request, on: loop, handler: handler) { [weak self] result in
            if case .failure = result { self?.ledger.broken += 1 }
        }
    }

    // MARK: Work

    private func echo() {
        guard !echoers.isEmpty else { return }
        nextEchoer = (nextEchoer + 1) % echoers.count
        // Small ones mostly, a few that take several reads.
        let size: Int
        switch UInt8.random(in: 0...99, using: &randomness) {
        case 0..<60: size = Int.random(in: 0...125, using: &randomness)
        case 60..<90: size = Int.random(in: 126...2000, using: &randomness)
        case 90..<98: size = Int.random(in: 2000...20_000, using: &randomness)
        default: size = Int.random(in: 20_000...100_000, using: &randomness)
        }
        echoers[nextEchoer].send(fill: size, asText: size % 2 == 0)
    }

    private func publish() {
        nextTopic = (nextTopic + 1) % plan.topics
        let size = Int.random(in: 0...1000, using: &randomness)
        publishers[nextTopic].publish(numbers[nextTopic], fill: size)
        numbers[nextTopic] += 1
    }

    private func churn() {
        let echoer = SoakEcho(self, sender: takeSender(), isBrief: true)
        brief[ObjectIdentifier(echoer)] = echoer
        connect(echoer, path: "/", withTLS: Self.goesToTLS(Int(nextSender)))
    }

    private func pause() {
        echoers.randomElement(using: &randomness)?.stopReading(for: .seconds(3))
    }

    private func replaceLate() {
        let now = MonotonicClock.now()
        for index in echoers.indices where echoers[index].isLate(now: now) {
            echoers[index].leave()
            replaceEchoer(at: index)
        }
    }

    /// A connection has ended.
    func gone(_ echoer: SoakEcho, isExpected: Bool) {
        brief[ObjectIdentifier(echoer)] = nil
        guard !isExpected else { return }
        ledger.broken += 1
        guard !isLeaving, let index = echoers.firstIndex(where: { $0 === echoer }) else { return }
        replaceEchoer(at: index)
    }

    private func replaceEchoer(at index: Int) {
        echoers[index] = SoakEcho(self, sender: takeSender())
        connect(echoers[index], path: "/", withTLS: Self.goesToTLS(index))
    }

    // MARK: The end

    /// Says goodbye everywhere; what has not come is lost.
    func leave() {
        isLeaving = true
        for echoer in echoers { echoer.leave() }
        for subscriber in subscribers {
            subscriber.leave(next: numbers[subscriber.topic])
        }
        for publisher in publishers { publisher.leave(next: nil) }
    }
}
