// The echo mode on one loop: connections that each keep a fixed number of messages in flight.

internal import StargateCore

/// What the echo workers need to know.
struct EchoPlan: Sendable {
    let target: TargetPlan
    let deck: PayloadDeck
    /// Messages in flight on each connection.
    let depth: Int
    let timeout: UInt64
    let connectRate: Double
    /// All connections of the run, and the messages they send together; nil for no end.
    let connectionCount: Int
    let messageCount: UInt64?
    /// Messages a second of the whole run; nil for a closed loop.
    var rate: Double?
    /// Nanoseconds in which the load begins.
    var ramp: UInt64 = 0
    var check = CheckMode.full
    /// The messages as frames; nil where they are sent and checked one by one.
    var frames: FrameDeck?

    /// How many messages a connection sends, the odd ones going to the first.
    func quota(of connection: Int) -> UInt64 {
        guard let messageCount else { return .max }
        let connections = UInt64(connectionCount)
        return messageCount / connections
            + (UInt64(connection) < messageCount % connections ? 1 : 0)
    }
}

/// One loop's share of the connections of an echo run.
final class EchoWorker: LoadWorker {
    let plan: EchoPlan
    let statistics = WorkerStatistics()
    private(set) var stage = WorkerStage.connecting
    private let share: Range<Int>
    private var connector: Connector?
    private var connections: [EchoConnection] = []
    /// Connections that have something to send or to wait for.
    private var activeCount = 0
    /// When the timetables begin.
    private(set) var startedAt: UInt64 = 0
    private var loop: EventLoop?
    private let pacer = Pacer()
    /// Whose turn it is, in the order of the timetable.
    private var round: UInt64 = 0
    private var turn = 0

    init(plan: EchoPlan, share: Range<Int>) {
        self.plan = plan
        self.share = share
        if plan.rate != nil { statistics.keepUncorrected() }
    }

    /// The rate of this worker's connections together.
    private var ownRate: Double? {
        plan.rate.map { $0 * Double(share.count) / Double(max(1, plan.connectionCount)) }
    }

    func timetable(of index: Int) -> Timetable? {
        ownRate.map {
            Timetable(
                rate: $0,
                connections: share.count,
                turn: index - share.lowerBound,
                phase: Double(share.lowerBound) / Double(max(1, plan.connectionCount)),
                ramp: Double(plan.ramp)
            )
        }
    }

    func connect(on loop: EventLoop) {
        self.loop = loop
        guard let request = try? plan.target.request() else {
            // The command has checked it; a failure here cannot say more than this.
            statistics.errors.add(.connect, count: UInt64(share.count), "the URL is not valid")
            stage = .ready
            return
        }
        connections = share.map { EchoConnection(index: $0, worker: self) }
        let connector = Connector(
            request: { [plan] in (try? plan.target.request(connection: $0)) ?? request },
            connections: share,
            rate: plan.connectRate,
            timeout: plan.timeout,
            makeHandler: { [unowned self] in connections[$0 - share.lowerBound] },
            settled: { [unowned self] in settle($0, $1) }
        )
        self.connector = connector
        connector.start(on: loop)
        becomeReadyIfSettled()
    }

    private func settle(_ index: Int, _ outcome: ConnectOutcome) {
        let connection = connections[index - share.lowerBound]
        switch outcome {
        case .open(let socket):
            statistics.opened += 1
            statistics.openNow += 1
            connection.becomeOpen(socket)
        case .failed(let kind, let example):
            statistics.errors.add(kind, example)
        }
        becomeReadyIfSettled()
    }

    private func becomeReadyIfSettled() {
        if stage == .connecting, connector?.isFinished ?? true { stage = .ready }
    }

    func go() {
        stage = .running
        let ready = connections.filter(\.isOpen)
        activeCount = ready.count
        guard !ready.isEmpty else { return becomeDrained() }
        startedAt = MonotonicClock.now()
        if let ownRate {
            for connection in ready { connection.start() }
            keepPace(ownRate)
        } else {
            begin(ready)
        }
    }

    /// A closed loop begins at once, or one connection after the other.
    private func begin(_ ready: [EchoConnection]) {
        guard plan.ramp > 0, let loop else {
            for connection in ready { connection.start() }
            return
        }
        for (order, connection) in ready.enumerated() {
            let delay = Double(plan.ramp) * Double(order) / Double(ready.count)
            loop.schedule(after: .nanoseconds(Int64(delay))) { [weak self] _ in
                if self?.stage == .running { connection.start() }
            }
        }
    }

    private func keepPace(_ rate: Double) {
        guard let mailbox = loop?.mailbox else { return }
        let worker = Confined(value: self)
        pacer.start(at: startedAt, every: UInt64(1e9 / rate), mailbox: mailbox) {
            worker.value.sendWhatIsDue()
        }
    }

    /// Gives every connection whose turn has come the chance to send.
    private func sendWhatIsDue() {
        guard stage == .running, let table = timetable(of: share.lowerBound) else { return }
        let now = MonotonicClock.now()
        let count = share.count
        while stage == .running {
            let due = Timetable(
                rate: table.rate,
                connections: count,
                turn: turn,
                phase: table.phase,
                ramp: table.ramp
            ).moment(of: round, since: startedAt)
            guard due <= now else { return }
            connections[turn].pump(now: now)
            turn += 1
            if turn == count { (turn, round) = (0, round &+ 1) }
        }
    }

    func drain() {
        connector?.stop()
        guard stage < .drained else { return }
        if stage < .running || activeCount == 0 { return becomeDrained() }
        for connection in connections { connection.sendNoMore() }
    }

    func close() {
        if stage < .drained { becomeDrained() }
        for connection in connections { connection.close() }
        becomeClosedIfEmpty()
    }

    func cut() {
        for connection in connections { connection.cut() }
    }

    func sweep(now: UInt64) {
        connector?.sweep(now: now)
        guard stage == .running else { return }
        for connection in connections { connection.sweep(now: now, timeout: plan.timeout) }
    }

    /// A connection has nothing left to do. Told once by each.
    func connectionBecameIdle() {
        activeCount -= 1
        if activeCount == 0, stage == .running { becomeDrained() }
    }

    func connectionClosed() {
        statistics.openNow -= 1
        becomeClosedIfEmpty()
    }

    private func becomeDrained() {
        pacer.stop()
        statistics.checked = connections.reduce(0) { $0 + $1.checkedCount }
        // With a number of messages instead of a duration, the last echo ends the measurement.
        statistics.endWindow()
        stage = .drained
    }

    private func becomeClosedIfEmpty() {
        if stage == .drained, statistics.openNow == 0 { stage = .closed }
    }
}
