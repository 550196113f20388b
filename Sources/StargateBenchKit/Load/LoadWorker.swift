// A mode of the bench is a worker: one object per loop, which lives on that loop and is told from
// outside, through the loop's mailbox, what to do next. The thread that conducts the run asks how
// far it is.

internal import StargateCore

/// How far a worker is. The stages come in this order, and none comes twice.
enum WorkerStage: Int, Comparable, Sendable, CaseIterable {
    /// Opening its connections.
    case connecting
    /// All of them are open or have failed.
    case ready
    case running
    /// Nothing is in flight any more, and nothing new will be.
    case drained
    /// Every connection is closed.
    case closed

    static func < (left: WorkerStage, right: WorkerStage) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One loop's share of a run. Every method is called on that loop.
protocol LoadWorker: AnyObject, SendableMetatype {
    var stage: WorkerStage { get }
    var statistics: WorkerStatistics { get }

    /// Opens the connections that the mode holds throughout. Leads to `ready`.
    func connect(on loop: EventLoop)
    /// Begins to load the server.
    func go()
    /// Sends nothing new. Leads to `drained`.
    func drain()
    /// Closes every connection. Leads to `closed`.
    func close()
    /// Cuts the connections that are still not closed: each is an error.
    func cut()
    /// Looks for what takes too long; called four times a second.
    func sweep(now: UInt64)
}

/// A glance at a worker.
struct WorkerSnapshot: Sendable, Equatable {
    var stage = WorkerStage.connecting
    var openNow = 0
    var opened = 0
    var completed: UInt64 = 0
    var errors: UInt64 = 0
    /// What was completed in the window since the last glance.
    var interval = IntervalSum()

    init() {}

    init(_ worker: some LoadWorker) {
        interval = worker.statistics.takeInterval()
        stage = worker.stage
        openNow = worker.statistics.openNow
        opened = worker.statistics.opened
        completed = worker.statistics.completed
        errors = worker.statistics.errors.total
    }

    /// Several workers as one: as far as the last of them.
    init?(merging snapshots: [WorkerSnapshot]) {
        guard var sum = snapshots.first else { return nil }
        for other in snapshots.dropFirst() {
            sum.stage = min(sum.stage, other.stage)
            sum.openNow += other.openNow
            sum.opened += other.opened
            sum.completed += other.completed
            sum.errors += other.errors
            sum.interval.merge(other.interval)
        }
        self = sum
    }
}
