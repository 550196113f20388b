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

    /// Nothing is left to cut: a cycle that does not end has timed out.
    func cut() {}

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
