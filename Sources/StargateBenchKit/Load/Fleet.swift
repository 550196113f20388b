// The workers of a run and the loops they live on, seen from the thread that conducts it.

internal import StargateCore

/// A reference that may travel to its loop, and is used nowhere else.
///
/// The compiler cannot know that a worker belongs to one loop, because it is made before the loop
/// takes it over. What holds: only ``Fleet`` and the workers themselves make these, and they are
/// opened in closures that run on the worker's loop.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
}

/// One worker for every loop.
final class Fleet<Worker: LoadWorker>: FleetControl {
    private let loops: LoopGroup
    private let workers: [Confined<Worker>]
    /// Bytes on the wire up to the start of the window, then inside it; nil when not asked for.
    private var wire: WireCount?
    private let countsWire: Bool

    /// - Parameters:
    ///   - loopCount: how many threads make the load.
    ///   - countsWire: whether the bytes on the wire are wanted, for which every socket is asked.
    ///   - makeWorker: makes the worker of the loop with that index.
    /// - Throws: what keeps the system from giving us a loop.
    init(loopCount: Int, countsWire: Bool = false, makeWorker: (Int) -> Worker) throws {
        self.countsWire = countsWire
        loops = try LoopGroup(count: loopCount)
        workers = (0..<loopCount).map { Confined(value: makeWorker($0)) }
        tell { worker, loop in
            loop.schedule(every: .milliseconds(250)) { _ in
                worker.sweep(now: MonotonicClock.now())
            }
        }
    }

    func order(_ order: FleetOrder) {
        switch order {
        case .connect: tell { worker, loop in worker.connect(on: loop) }
        case .go: tell { worker, _ in worker.go() }
        case .beginWindow:
            if countsWire { wire = WireCount.ofThisProcess() }
            tell { worker, _ in worker.statistics.beginWindow() }
        case .endWindow:
            tell { worker, _ in worker.statistics.endWindow() }
            wire = wire.map { WireCount.ofThisProcess().since($0) }
        case .drain: tell { worker, _ in worker.drain() }
        case .giveUp: tell { worker, _ in worker.sweep(now: .max) }
        case .close: tell { worker, _ in worker.close() }
        case .cut: tell { worker, _ in worker.cut() }
        }
    }

    func snapshot() -> WorkerSnapshot? {
        ask { WorkerSnapshot($0) }.flatMap(WorkerSnapshot.init(merging:))
    }

    func reports() -> [LoopReport]? {
        guard var reports = ask({ $0.statistics.report() }) else { return nil }
        if let wire, !reports.isEmpty { reports[0].wire = wire }
        return reports
    }

    /// All of it is this process.
    var processes: [Int32] { [] }

    func stop() {
        loops.stopBlocking()
    }

    /// Has every worker do something on its loop.
    private func tell(_ body: @escaping @Sendable (Worker, EventLoop) -> Void) {
        for (mailbox, worker) in zip(loops.mailboxes, workers) {
            mailbox.post { loop in body(worker.value, loop) }
        }
    }

    /// Asks every worker, and waits for the answers. Nil when a loop does not answer within five
    /// seconds: then it is stuck, and the run with it.
    private func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (Worker) -> Answer
    ) -> [Answer]? {
        let inbox = Inbox<Answer>()
        tell { worker, _ in inbox.put(body(worker)) }
        return inbox.take(workers.count, timeoutMilliseconds: 5_000)
    }
}
