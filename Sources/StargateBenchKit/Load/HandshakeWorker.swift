// The handshake mode on one loop: lanes that each connect, upgrade, close, and begin anew.

internal import StargateCore

/// What the handshake workers need to know.
struct HandshakePlan: Sendable {
    let target: TargetPlan
    let timeout: UInt64
    /// All lanes of the run, and the cycles they make together; nil for no end.
    let laneCount: Int
    let cycleCount: UInt64?

    /// How many cycles a lane makes, the odd ones going to the first.
    func quota(of lane: Int) -> UInt64 {
        guard let cycleCount else { return .max }
        let lanes = UInt64(laneCount)
        return cycleCount / lanes + (UInt64(lane) < cycleCount % lanes ? 1 : 0)
    }
}

/// One loop's share of the lanes of a handshake run.
final class HandshakeWorker: LoadWorker {
    let plan: HandshakePlan
    let statistics = WorkerStatistics()
    private(set) var stage = WorkerStage.connecting
    private let share: Range<Int>
    private var lanes: [HandshakeLane] = []
    private var activeCount = 0

    init(plan: HandshakePlan, share: Range<Int>) {
        self.plan = plan
        self.share = share
    }

    /// Nothing is held open in this mode: the lanes are made, and that is all.
    func connect(on loop: EventLoop) {
        do {
            let request = try plan.target.request()
            lanes = share.map {
                HandshakeLane(index: $0, worker: self, request: request, loop: loop)
            }
        } catch {
            statistics.errors.add(.connect, String(describing: error))
        }
        stage = .ready
    }

    func go() {
        stage = .running
        activeCount = lanes.count
        if lanes.isEmpty { becomeDrained() }
        for lane in lanes { lane.start() }
    }

    func drain() {
        guard stage < .drained else { return }
        if stage < .running || activeCount == 0 { return becomeDrained() }
        for lane in lanes { lane.startNoMore() }
    }

    func close() {
        for lane in lanes { lane.abandon() }
        stage = .closed
    }

    func sweep(now: UInt64) {
        for lane in lanes { lane.sweep(now: now, timeout: plan.timeout) }
    }

    func laneEnded() {
        activeCount -= 1
        if activeCount == 0, stage == .running { becomeDrained() }
    }

    /// Whether the server has never let anybody in: then there is no point in going on.
    var isHopeless: Bool {
        statistics.opened == 0 && statistics.errors.total >= UInt64(lanes.count)
    }

    private func becomeDrained() {
        statistics.endWindow()
        stage = .drained
    }
}

/// One cycle after the other. A cycle is its own handler, so that a late call for an abandoned
/// connection finds an object that no longer counts.
final class HandshakeLane {
    private let index: Int
    private unowned let worker: HandshakeWorker
    private let request: ClientRequest
    private unowned let loop: EventLoop
    private var remaining: UInt64
    private var cycle: HandshakeCycle?
    private var hasEnded = false

    init(index: Int, worker: HandshakeWorker, request: ClientRequest, loop: EventLoop) {
        self.index = index
        self.worker = worker
        self.request = request
        self.loop = loop
        remaining = worker.plan.quota(of: index)
    }

    func start() {
        guard remaining > 0 else { return end() }
        remaining -= 1
        let cycle = HandshakeCycle(lane: self, now: MonotonicClock.now())
        self.cycle = cycle
        WebSocketClient.connect(request, on: loop, handler: cycle) { [weak cycle] result in
            cycle?.settle(ConnectOutcome(result))
        }
    }

    func startNoMore() {
        remaining = 0
    }

    /// Leaves the connection that is open, if there is one.
    func abandon() {
        cycle?.abandon()
        cycle = nil
    }

    func sweep(now: UInt64, timeout: UInt64) {
        guard let cycle, now.minus(cycle.startedAt) > timeout else { return }
        fail(cycle, .timeout, "lane \(index + 1): \(cycle.waitingFor) within \(Figure.time(Double(timeout)))")
        cycle.abandon()
    }

    // MARK: Told by the cycle

    fileprivate var statistics: WorkerStatistics { worker.statistics }

    fileprivate func succeed(_ cycle: HandshakeCycle) {
        guard self.cycle === cycle else { return }
        self.cycle = nil
        start()
    }

    fileprivate func fail(_ cycle: HandshakeCycle, _ kind: ErrorKind, _ example: String) {
        guard self.cycle === cycle else { return }
        self.cycle = nil
        statistics.errors.add(kind, example)
        if worker.isHopeless { remaining = 0 }
        // A server that refuses does so at once: without a pause this would be a busy loop.
        loop.schedule(after: .milliseconds(100)) { [weak self] _ in self?.start() }
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        worker.laneEnded()
    }
}

/// Connect, upgrade, close: once.
private final class HandshakeCycle: WebSocketHandler {
    private enum State {
        case connecting
        case closing(since: UInt64, WebSocket)
        case over
    }

    private let lane: HandshakeLane
    let startedAt: UInt64
    private var state = State.connecting

    init(lane: HandshakeLane, now: UInt64) {
        self.lane = lane
        startedAt = now
    }

    /// What an overdue cycle lacks.
    var waitingFor: String {
        switch state {
        case .connecting: "no answer to the opening handshake"
        case .closing, .over: "no answer to our Close frame"
        }
    }

    func settle(_ outcome: ConnectOutcome) {
        switch outcome {
        case .open(let socket):
            guard case .connecting = state else { return socket.terminate() }
            let now = MonotonicClock.now()
            lane.statistics.opened += 1
            lane.statistics.openNow += 1
            lane.statistics.complete(latency: now.minus(startedAt))
            state = .closing(since: now, socket)
            socket.close()
        case .failed(let kind, let example):
            guard case .connecting = state else { return }
            state = .over
            lane.fail(self, kind, example)
        }
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        guard case .closing(let since, _) = state else { return }
        state = .over
        lane.statistics.openNow -= 1
        if code == .abnormalClosure {
            lane.fail(self, .closingHandshake, "the server did not answer our Close frame")
        } else {
            lane.statistics.recordClosing(MonotonicClock.now().minus(since))
            lane.succeed(self)
        }
    }

    func abandon() {
        if case .closing(_, let socket) = state {
            lane.statistics.openNow -= 1
            state = .over
            socket.terminate()
        }
        state = .over
    }
}
