// The broadcast and the push mode on one loop: connections that receive numbered messages. In a
// broadcast one more connection publishes them.

internal import StargateCore

/// What these workers need to know.
struct StreamPlan: Sendable {
    let target: TargetPlan
    let messageSize: Int
    let timeout: UInt64
    let connectRate: Double
    /// Recipients of the whole run.
    let connectionCount: Int
    /// Messages that are published altogether; nil for no end. Of a push: what is received.
    let messageCount: UInt64?
    /// Broadcast: whether there is somebody who publishes, and how.
    let publishing: Publishing?

    /// How messages are published.
    enum Publishing: Sendable, Equatable {
        /// So many are on their way to the first recipient at a time.
        case inFlight(Int)
        /// So many a second.
        case rate(Double)
    }
}

/// One loop's share of the recipients.
final class StreamWorker: LoadWorker {
    let plan: StreamPlan
    let statistics = WorkerStatistics()
    private(set) var stage = WorkerStage.connecting
    private let share: Range<Int>
    private var connector: Connector?
    private var recipients: [StreamRecipient] = []
    /// On the worker of the first recipient, in a broadcast.
    private var publisher: Publisher?
    private var loop: EventLoop?
    private let pacer = Pacer()
    /// When the last message came, or the load began.
    private var lastDelivery: UInt64 = 0
    /// Nothing new is published: what is still on its way comes in, and then it is over.
    private var isDraining = false
    private var received: UInt64 = 0

    init(plan: StreamPlan, share: Range<Int>) {
        self.plan = plan
        self.share = share
    }

    func connect(on loop: EventLoop) {
        self.loop = loop
        guard let request = try? plan.target.request() else {
            statistics.errors.add(.connect, count: UInt64(share.count), "the URL is not valid")
            stage = .ready
            return
        }
        recipients = share.map { StreamRecipient(index: $0, worker: self) }
        if plan.publishing != nil, share.lowerBound == 0 { publisher = Publisher(worker: self) }
        // The publisher has the number behind the last recipient's.
        let last = share.upperBound + (publisher == nil ? 0 : 1)
        let connector = Connector(
            request: { [plan] in (try? plan.target.request(connection: $0)) ?? request },
            connections: share.lowerBound..<last,
            rate: plan.connectRate,
            timeout: plan.timeout,
            makeHandler: { [unowned self] in handler($0) },
            settled: { [unowned self] in settle($0, $1) }
        )
        self.connector = connector
        connector.start(on: loop)
        becomeReadyIfSettled()
    }

    private func handler(_ index: Int) -> any WebSocketHandler {
        if index == share.upperBound, let publisher { return publisher }
        return recipients[index - share.lowerBound]
    }

    private func settle(_ index: Int, _ outcome: ConnectOutcome) {
        switch outcome {
        case .open(let socket):
            statistics.openNow += 1
            if index == share.upperBound {
                publisher?.socket = socket
            } else {
                statistics.opened += 1
                recipients[index - share.lowerBound].socket = socket
            }
        case .failed(let kind, let example): statistics.errors.add(kind, example)
        }
        becomeReadyIfSettled()
    }

    private func becomeReadyIfSettled() {
        if stage == .connecting, connector?.isFinished ?? true { stage = .ready }
    }

    func go() {
        stage = .running
        lastDelivery = MonotonicClock.now()
        guard statistics.openNow > 0 else { return becomeDrained() }
        switch plan.publishing {
        case .inFlight(let depth): for _ in 0..<depth { publisher?.publish() }
        case .rate(let rate): if publisher != nil { keepPace(rate) }
        case nil: break
        }
    }

    private func keepPace(_ rate: Double) {
        guard let mailbox = loop?.mailbox else { return }
        let table = Timetable(rate: rate, connections: 1, turn: 0, phase: 0, ramp: 0)
        let start = MonotonicClock.now()
        let worker = Confined(value: self)
        pacer.start(at: start, every: UInt64(1e9 / rate), mailbox: mailbox) {
            let now = MonotonicClock.now()
            guard let publisher = worker.value.publisher else { return }
            while worker.value.stage == .running, !worker.value.isDraining {
                let due = table.moment(of: publisher.published, since: start)
                guard due <= now, publisher.publish(due: due) else { return }
            }
        }
    }

    /// A recipient got a message that was in order.
    func received(_ header: NumberedMessage.Header, by index: Int, at now: UInt64) {
        let latency = now.minus(header.sentAt)
        statistics.complete(latency: latency)
        statistics.accounted &+= 1
        received &+= 1
        lastDelivery = now
        if plan.publishing != nil { note(header.number, latency) }
        if index == 0, case .inFlight = plan.publishing, stage == .running, !isDraining {
            publisher?.publish()
        }
        if let share = countShare, statistics.accounted >= share { becomeDrained() }
    }

    /// How many messages come here when all do; nil where there is no end.
    private var countShare: UInt64? {
        guard let count = plan.messageCount else { return nil }
        return plan.publishing == nil
            ? count * UInt64(share.count) / UInt64(plan.connectionCount)
            : count * UInt64(statistics.opened)
    }

    /// More records than this would be more memory than they are worth.
    private static let recordLimit = 1 << 20

    private func note(_ number: UInt64, _ latency: UInt64) {
        guard statistics.isMeasuring, let index = Int(exactly: number), index < Self.recordLimit
        else { return }
        while statistics.fanout.count <= index {
            statistics.fanout.append(FanoutRecord(first: .max, last: 0, recipients: 0))
        }
        statistics.fanout[index].first = min(statistics.fanout[index].first, latency)
        statistics.fanout[index].last = max(statistics.fanout[index].last, latency)
        statistics.fanout[index].recipients += 1
    }

    func drain() {
        connector?.stop()
        guard stage == .running, plan.publishing != nil else { return becomeDrained() }
        isDraining = true
        pacer.stop()
    }

    func close() {
        if stage < .drained { becomeDrained() }
        for recipient in recipients { recipient.socket?.close() }
        publisher?.socket?.close()
        becomeClosedIfEmpty()
    }

    func cut() {
        for recipient in recipients { recipient.socket?.terminate() }
        publisher?.socket?.terminate()
    }

    /// From so much silence on nothing is on its way any more, once nothing new is published.
    private static let silence: UInt64 = 500_000_000

    func sweep(now: UInt64) {
        connector?.sweep(now: now)
        guard stage == .running else { return }
        let quiet = now.minus(lastDelivery)
        if isDraining {
            if quiet > Self.silence { becomeDrained() }
        } else if plan.messageCount != nil || received == 0, quiet > plan.timeout {
            // A number of messages that does not come in full, or not at all.
            statistics.errors.add(.timeout, "no message within \(Figure.span(plan.timeout))")
            becomeDrained()
        }
    }

    /// All that was asked for has come, or nothing more does.
    func becomeDrained() {
        guard stage < .drained else { return }
        pacer.stop()
        statistics.endWindow()
        stage = .drained
    }

    func ended(_ who: String, code: CloseCode, reason: String) {
        statistics.openNow -= 1
        if stage < .drained {
            let why = reason.isEmpty ? "" : " \"\(reason)\""
            statistics.errors.add(.closedEarly, "\(who): closed with \(code)\(why)")
            if statistics.openNow == 0 { becomeDrained() }
        }
        becomeClosedIfEmpty()
    }

    private func becomeClosedIfEmpty() {
        if stage == .drained, statistics.openNow == 0 { stage = .closed }
    }
}
