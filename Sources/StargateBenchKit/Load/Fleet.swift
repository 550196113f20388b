// The workers of a run and the loops they live on, seen from the thread that conducts it.

internal import StargateCore

/// A reference that may travel to its loop, and is used nowhere else.
///
/// The compiler cannot know that a worker belongs to one loop, because it is made before the loop
/// takes it over. What holds: only ``Fleet`` makes and opens these, and it opens them in closures
/// that run on the loop of the same index.
private struct Confined<Value>: @unchecked Sendable {
    let value: Value
}

/// One worker for every loop.
final class Fleet<Worker: LoadWorker> {
    private let loops: LoopGroup
    private let workers: [Confined<Worker>]

    /// - Parameters:
    ///   - loopCount: how many threads make the load.
    ///   - makeWorker: makes the worker of the loop with that index.
    /// - Throws: what keeps the system from giving us a loop.
    init(loopCount: Int, makeWorker: (Int) -> Worker) throws {
        loops = try LoopGroup(count: loopCount)
        workers = (0..<loopCount).map { Confined(value: makeWorker($0)) }
        tell { worker, loop in
            loop.schedule(every: .milliseconds(250)) { _ in
                worker.sweep(now: MonotonicClock.now())
            }
        }
    }

    /// Has every worker do something on its loop.
    func tell(_ body: @escaping @Sendable (Worker, EventLoop) -> Void) {
        for (mailbox, worker) in zip(loops.mailboxes, workers) {
            mailbox.post { loop in body(worker.value, loop) }
        }
    }

    /// Asks every worker, and waits for the answers. Nil when a loop does not answer within five
    /// seconds: then it is stuck, and the run with it.
    func ask<Answer: Sendable>(_ body: @escaping @Sendable (Worker) -> Answer) -> [Answer]? {
        let inbox = Inbox<Answer>()
        tell { worker, _ in inbox.put(body(worker)) }
        return inbox.take(workers.count, timeoutMilliseconds: 5_000)
    }

    /// All workers at a glance.
    func snapshot() -> WorkerSnapshot? {
        ask { WorkerSnapshot($0) }.flatMap(WorkerSnapshot.init(merging:))
    }

    /// Ends the loops. The workers are gone after this.
    func stop() {
        loops.stopBlocking()
    }
}
