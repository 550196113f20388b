// The structured tier's floor: Swift's tasks run on the loop's own thread, between the callbacks of
// libuv, so that a handler that awaits costs no thread hop and needs no lock.

internal import Glibc
internal import Synchronization

/// Runs tasks on the thread of one event loop.
///
/// One object is both the serial executor of the loop's ``LoopActor`` and the task executor that
/// handlers' tasks prefer. With two objects, or without the preference, every resumed continuation
/// would pass through the global pool first.
///
/// What is marked unsafe below is touched on the loop's thread only, or, once the loop has ended,
/// on the one thread that runs what is left.
final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// How often new jobs are looked for before sockets have their turn again: a task that yields
    /// for ever must not keep the loop from its work.
    private static let roundsPerTurn = 16

    let mailbox: Mailbox
    private let loop: Loop
    /// The thread that runs jobs; 0 for none.
    private let thread = Atomic<UInt>(0)
    private let foreign = Lock(Foreign())
    private let handlers = Atomic<Int>(0)

    /// Jobs that came from this thread, in order.
    private var jobs: [UnownedJob] = []
    private var runningJobs: [UnownedJob] = []
    /// Handlers that wait for messages and have been given some since.
    private var readers: [AsyncSession] = []
    /// Handlers whose connection ended a moment ago.
    private var survivors: [AsyncSession] = []
    private var isRunning = false
    /// What waits for handlers of this loop, in bytes.
    var waitingByteCount = 0

    /// What other threads leave here.
    private struct Foreign {
        var jobs: [UnownedJob] = []
        var hasLoopEnded = false
        var isThreadRunning = false
    }

    init(_ mailbox: Mailbox, _ loop: Loop) {
        self.mailbox = mailbox
        self.loop = loop
    }

    /// Whether the calling thread is the one that runs jobs.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// The calling thread is the loop's from now on.
    func begin() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
    }

    /// No thread runs jobs any more, until the next one says so.
    func leave() {
        thread.store(0, ordering: .relaxed)
    }

    /// Asynchronous handlers that have begun and not ended.
    var activeHandlerCount: Int { handlers.load(ordering: .relaxed) }

    func handlerStarted() { handlers.add(1, ordering: .relaxed) }

    func handlerEnded() { handlers.subtract(1, ordering: .relaxed) }

    // MARK: Jobs come in

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard isCurrent else { return enqueueForeign(job) }
        jobs.append(job)
        loop.state.hasTasks = true
    }

    private func enqueueForeign(_ job: UnownedJob) {
        let startsThread = foreign.withLock { foreign in
            foreign.jobs.append(job)
            return Self.claimsThread(&foreign)
        }
        if startsThread { startThread() } else { mailbox.wake() }
    }

    /// Takes what other threads have left. On the loop's thread, when it was woken.
    func takeForeign() {
        let taken = foreign.withLock { foreign in
            var taken: [UnownedJob] = []
            swap(&taken, &foreign.jobs)
            return taken
        }
        guard !taken.isEmpty else { return }
        jobs += taken
        loop.state.hasTasks = true
    }

    /// The handler of a session waits, and a message has come: it goes on when the read is over,
    /// once for however many messages the read brings.
    func resumeAfterRead(_ session: AsyncSession) {
        readers.append(session)
        loop.state.hasTasks = true
    }

    /// The connection of a session is over: if its handler is not, it gets a time to end.
    func watchSurvivor(_ session: AsyncSession) {
        survivors.append(session)
        loop.state.hasTasks = true
    }

    // MARK: Jobs run

    /// Runs what is to be run, and what that brings about, for a bounded number of rounds.
    func run() {
        guard !isRunning else { return }
        isRunning = true
        var round = 0
        while loop.state.hasTasks, round < Self.roundsPerTurn {
            loop.state.hasTasks = false
            runRound()
            round += 1
        }
        isRunning = false
    }

    private func runRound() {
        if !readers.isEmpty {
            for session in readers { session.resumeReader() }
            readers.removeAll(keepingCapacity: true)
        }
        swap(&jobs, &runningJobs)
        let serial = unsafe asUnownedSerialExecutor()
        let preferred = unsafe asUnownedTaskExecutor()
        for job in runningJobs {
            unsafe job.runSynchronously(isolatedTo: serial, taskExecutor: preferred)
        }
        loop.state.counters[Counter.jobsRun] &+= UInt64(runningJobs.count)
        runningJobs.removeAll(keepingCapacity: true)
        guard !survivors.isEmpty else { return }
        let left = survivors
        survivors = []
        for session in left { session.limitSurvival() }
    }

    /// Whether the loop must not sleep, because more is to be run.
    var hasWork: Bool { loop.state.hasTasks }

    // MARK: The end of the loop

    /// The loop ends. A task that awaits something else still is resumed later; as no loop is left
    /// then, a thread is made for it, one at a time.
    func end() {
        thread.store(0, ordering: .relaxed)
        let startsThread = foreign.withLock { foreign in
            foreign.hasLoopEnded = true
            foreign.jobs = jobs + foreign.jobs
            return !foreign.jobs.isEmpty && Self.claimsThread(&foreign)
        }
        jobs = []
        readers = []
        survivors = []
        if startsThread { startThread() }
    }

    private static func claimsThread(_ foreign: inout Foreign) -> Bool {
        guard foreign.hasLoopEnded, !foreign.isThreadRunning else { return false }
        foreign.isThreadRunning = true
        return true
    }

    private func startThread() {
        do {
            try PlatformThread { self.runLeftOver() }.detach()
        } catch {
            // Without a thread to be had, the tasks wait for the next one that is asked for.
            foreign.withLock { $0.isThreadRunning = false }
        }
    }

    /// Runs jobs without a loop until none is left.
    private func runLeftOver() {
        while true {
            let taken = foreign.withLock { foreign in
                var taken: [UnownedJob] = []
                swap(&taken, &foreign.jobs)
                if taken.isEmpty {
                    foreign.isThreadRunning = false
                    thread.store(0, ordering: .relaxed)
                }
                return taken
            }
            guard !taken.isEmpty else { return }
            thread.store(UInt(pthread_self()), ordering: .relaxed)
            let serial = unsafe asUnownedSerialExecutor()
            let preferred = unsafe asUnownedTaskExecutor()
            for job in taken {
                unsafe job.runSynchronously(isolatedTo: serial, taskExecutor: preferred)
            }
        }
    }

    // MARK: Isolation

    func checkIsolated() {
        precondition(isCurrent, "this is to be called by the loop's own tasks only")
    }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }
}

/// The isolation of the handlers of one loop: whatever runs on it runs on the loop's thread.
///
/// This is what makes the structured tier sound. A handler is `nonisolated(nonsending)`: it inherits
/// the isolation of ``run(_:)``, and is brought back to it after whatever it awaits. What it is given
/// is not Sendable, so the compiler refuses to send it to another task, actor or concurrent
/// function. A mere preference for an executor would not do: it is no isolation, and anything that
/// overrides it would move the handler to another thread.
actor LoopActor {
    private let executor: LoopExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    init(_ executor: LoopExecutor) {
        self.executor = executor
    }

    /// Runs a handler from its beginning to its end.
    func run(_ start: AsyncSession.Start) async {
        await start.session.runHandler()
    }

    /// Waits for a message for a task that runs elsewhere.
    func next(from start: AsyncSession.Start) async throws -> OwnedMessage? {
        try await start.session.waitForMessage()
    }

    /// Sends a message for a task that runs elsewhere.
    func send(
        _ message: OwnedMessage,
        compress: Bool,
        on start: AsyncSession.Start
    ) async throws {
        try await start.session.send(message, compress: compress)
    }
}

extension EventLoop {
    /// Does everything that was put off until the events were dealt with: tasks go on, connections
    /// flush, resume or end. Tasks that always have more to do let sockets have their turn.
    func settle() {
        executor.run()
        loop.serveAttention()
        if executor.hasWork {
            executor.run()
            loop.serveAttention()
        }
        if executor.hasWork { mailbox.wake() }
    }
}
