// Conducts a run from the main thread: connect, warm up, measure, drain, close. The loops do the
// work; this thread looks at them a few times a second and reads the accounts of the server's
// process at both ends of the window.

internal import Glibc

/// One run of a fleet of workers.
struct LoadRun {
    let fleet: any FleetControl
    let schedule: RunSchedule
    /// The processes of the server; empty when they are not on this machine or not visible.
    let serverProcesses: [Int32]
    let progress: Progress
    /// How many connections the run wants, for the progress line; 0 when it holds none.
    let connectionCount: Int

    private var interruption: Interruption
    private var outcome = RunOutcome(report: FleetReport(merging: []))
    private var timeline: TimelineRecorder?
    private var calls: SystemCallCount?
    /// Whether system calls of the server are to be counted, which slows it down a little.
    var countsCalls = false
    /// Where the server listens, if its connections are to be counted there too.
    var servedPort: Int?

    init(
        fleet: any FleetControl,
        schedule: RunSchedule,
        serverProcesses: [Int32],
        progress: Progress,
        connectionCount: Int,
        interruption: Interruption
    ) {
        self.fleet = fleet
        self.schedule = schedule
        self.serverProcesses = serverProcesses
        self.progress = progress
        self.connectionCount = connectionCount
        self.interruption = interruption
    }

    /// Runs it. Returns when every connection is closed or given up.
    mutating func conduct() -> RunOutcome {
        outcome.memoryBefore = ProcessMemory.read(serverProcesses)
        outcome.kernelBefore = KernelMemory.read()
        connect()
        if !outcome.wasInterrupted { load() }
        finish()
        if let reports = fleet.reports() {
            outcome.report = FleetReport(merging: reports)
            fleet.stop()
        } else {
            outcome.isStuck = true
        }
        progress.end()
        outcome.wasInterrupted = interruption.happened
        return outcome
    }

    private mutating func connect() {
        let start = MonotonicClock.now()
        fleet.order(.connect)
        wait(until: .ready, deadline: nil, phase: .connecting(connectionCount))
        outcome.connectLength = MonotonicClock.now() - start
        if schedule.settling > .zero {
            wait(until: .closed, deadline: deadline(schedule.settling), phase: .settling)
        }
    }

    private mutating func load() {
        switch schedule.length {
        case .count(let count):
            beginAccounts()
            fleet.order(.beginWindow)
            fleet.order(.go)
            timeline = TimelineRecorder(start: MonotonicClock.now())
            wait(until: .drained, deadline: nil, phase: .counting(count))
        case .duration(let duration):
            fleet.order(.go)
            if schedule.warmup > .zero {
                wait(
                    until: .drained,
                    deadline: deadline(schedule.warmup),
                    phase: .warmingUp(schedule.warmup)
                )
            }
            beginAccounts()
            fleet.order(.beginWindow)
            timeline = TimelineRecorder(start: MonotonicClock.now())
            wait(until: .drained, deadline: deadline(duration), phase: .measuring(duration))
        }
        fleet.order(.endWindow)
        endAccounts()
        outcome.timeline = timeline?.report()
        timeline = nil
    }

    private mutating func finish() {
        // Someone who pressed Ctrl-C does not wait for a slow server.
        let patience = outcome.wasInterrupted ? TimeSpan(seconds: 1) : schedule.timeout
        let isOrderly = !outcome.wasInterrupted
        fleet.order(.drain)
        wait(until: .drained, deadline: deadline(patience), phase: .finishing, heedsSignals: false)
        if isOrderly { fleet.order(.giveUp) }
        fleet.order(.close)
        wait(until: .closed, deadline: deadline(patience), phase: .finishing, heedsSignals: false)
        if isOrderly { fleet.order(.cut) }
    }

    private mutating func beginAccounts() {
        outcome.startedAt = MonotonicClock.read(CLOCK_REALTIME) / 1_000_000
        outcome.windowLength = MonotonicClock.now()
        outcome.serverUsage = ProcessUsage.read(serverProcesses)
        outcome.clientUsage = ProcessUsage.read([getpid()] + fleet.processes)
        if countsCalls { calls = SystemCallCount(of: serverProcesses) }
    }

    private mutating func endAccounts() {
        let server = ProcessUsage.read(serverProcesses)
        let client = ProcessUsage.read([getpid()] + fleet.processes)
        if let calls { outcome.systemCalls = calls.finish() }
        outcome.windowLength = MonotonicClock.now() - outcome.windowLength
        outcome.serverUsage = outcome.serverUsage.flatMap { before in server?.since(before) }
        outcome.clientUsage = outcome.clientUsage.flatMap { before in client?.since(before) }
        outcome.memoryAfter = ProcessMemory.read(serverProcesses)
        outcome.kernelAfter = KernelMemory.read()
        outcome.heldCount = fleet.snapshot()?.openNow ?? 0
        outcome.servedCounts = servedPort.flatMap {
            ServedConnections.count(port: $0, processes: serverProcesses)
        }
    }

    private func deadline(_ span: TimeSpan) -> UInt64 {
        MonotonicClock.now() &+ span.nanoseconds
    }

    /// Waits until every worker has come so far, the deadline is reached, or a signal comes.
    private mutating func wait(
        until stage: WorkerStage,
        deadline: UInt64?,
        phase: Progress.Phase,
        heedsSignals: Bool = true
    ) {
        progress.begin(phase)
        while true {
            guard let snapshot = fleet.snapshot() else {
                outcome.isStuck = true
                return
            }
            progress.show(snapshot)
            timeline?.add(snapshot)
            if snapshot.stage >= stage { return }
            if heedsSignals, interruption.check() {
                outcome.wasInterrupted = true
                return
            }
            let now = MonotonicClock.now()
            let left = deadline.map { $0.minus(now) } ?? .max
            if left == 0 { return }
            // Short turns where the phase may end at any moment, longer ones inside the window,
            // where every look costs the loops a wake-up.
            let turn: UInt64 = deadline == nil || left < 200_000_000 ? 10_000_000 : 100_000_000
            usleep(UInt32(min(left, turn) / 1000 + 1))
        }
    }
}
