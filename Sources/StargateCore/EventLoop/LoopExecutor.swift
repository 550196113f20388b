// The structured tier's floor: Swift's tasks run on the loop's own thread, between the callbacks of
// libuv, so that a handler that awaits costs no thread hop and needs no lock.

internal import CVector
internal import Synchronization

/// Runs tasks on the thread of one event loop.
///
/// One object is both the serial executor of the loop's ``LoopActor`` and the task executor that
/// handlers' tasks prefer. Isolation alone brings a handler back after whatever it awaits, but not
/// into the closures that it gives away: in Swift 6.3 the body of `withTaskCancellationHandler` has
/// the isolation of an actor only within a method of that actor. Elsewhere it runs where the task
/// prefers to run, and the compiler lets it use a handler's socket. So the preference stays, though
/// it costs a lock at each hop, some 180 instructions.
@safe
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
    /// For the sessions of this loop, too, which keep this object.
    let block: UnsafeMutablePointer<State>

    /// What is touched on the loop's thread only, or, once the loop has ended, on the one thread
    /// that runs what is left: in a block of its own, without checks for exclusive access.
    @safe
    struct State: ~Copyable {
        /// What every job is run as.
        let serial: UnownedSerialExecutor
        let preferred: UnownedTaskExecutor
        /// Jobs that came from this thread, in order: nearly always it is one, and the others are
        /// behind it.
        var firstJob: UnownedJob?
        var jobs: [UnownedJob] = []
        var runningJobs: [UnownedJob] = []
        /// Handlers whose connection ended a moment ago.
        var survivors: [AsyncSession] = []
        var isRunning = false
        var hasLoopEnded = false
        /// What waits for handlers of this loop, in bytes.
        var waitingByteCount = 0
        /// For the short messages among it.
        var arrays = ArrayPool()
    }

    var state: State {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(block) }
        @inline(__always) unsafeMutableAddress { unsafe block }
    }

    /// What other threads leave here.
    private struct Foreign {
        var jobs: [UnownedJob] = []
        var hasLoopEnded = false
        var isThreadRunning = false
    }

    init(_ mailbox: Mailbox, _ loop: Loop) {
        self.mailbox = mailbox
        self.loop = loop
        unsafe block = .allocate(capacity: 1)
        unsafe block.initialize(
            to: State(
                serial: asUnownedSerialExecutor(),
                preferred: asUnownedTaskExecutor()
            )
        )
    }

    deinit {
        unsafe block.deinitialize(count: 1)
        unsafe block.deallocate()
    }

    /// Whether the calling thread is the one that runs jobs.
    @inline(__always)
    var isCurrent: Bool { thread.load(ordering: .relaxed) == stargate_thread() }

    /// The calling thread is the loop's from now on.
    func begin() {
        thread.store(stargate_thread(), ordering: .relaxed)
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
        add(UnownedJob(job))
    }

    /// Has a job run soon.
    func add(_ job: UnownedJob) {
        // Where no loop is left, only what other threads leave is looked at.
        guard isCurrent, !state.hasLoopEnded else { return enqueueForeign(job) }
        addHere(job)
    }

    /// The same on this thread: the job runs when the read is over, or what else is going on.
    @inline(__always)
    func addHere(_ job: UnownedJob) {
        loop.state.hasTasks = true
        guard state.firstJob != nil || !state.jobs.isEmpty else { return state.firstJob = job }
        addBehind(job)
    }

    @inline(never)
    private func addBehind(_ job: UnownedJob) { state.jobs.append(job) }

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
        state.jobs += taken
        loop.state.hasTasks = true
    }

    /// The connection of a session is over: if its handler is not, it gets a time to end.
    func watchSurvivor(_ session: AsyncSession) {
        state.survivors.append(session)
        loop.state.hasTasks = true
    }

    // MARK: Jobs run

    /// Runs what is to be run, and what that brings about, for a bounded number of rounds.
    func run() {
        guard !state.isRunning else { return }
        state.isRunning = true
        var round = 0
        while loop.state.hasTasks, round < Self.roundsPerTurn {
            loop.state.hasTasks = false
            runRound()
            round &+= 1
        }
        state.isRunning = false
    }

    @inline(__always)
    private func runRound() {
        if let job = state.firstJob.take() {
            loop.state.counters[Counter.jobsRun] &+= 1
            runJob(job)
        }
        if !state.jobs.isEmpty { runJobs() }
        if !state.survivors.isEmpty { limitSurvivors() }
    }

    private func runJobs() {
        swap(&state.jobs, &state.runningJobs)
        for job in state.runningJobs { runJob(job) }
        loop.state.counters[Counter.jobsRun] &+= UInt64(state.runningJobs.count)
        state.runningJobs.removeAll(keepingCapacity: true)
    }

    /// Runs a job until it ends or waits.
    ///
    /// A parked task goes on as if it were on this executor already, which it is: so the hop back
    /// from the parking lot costs no second job.
    @inline(__always)
    private func runJob(_ job: UnownedJob) {
        unsafe job.runSynchronously(isolatedTo: state.serial, taskExecutor: state.preferred)
    }

    private func limitSurvivors() {
        let survivors = state.survivors
        state.survivors = []
        for session in survivors { session.limitSurvival() }
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
            foreign.jobs = state.jobs + foreign.jobs
            if let job = state.firstJob { foreign.jobs.insert(job, at: 0) }
            return !foreign.jobs.isEmpty && Self.claimsThread(&foreign)
        }
        state.hasLoopEnded = true
        state.firstJob = nil
        state.jobs = []
        state.survivors = []
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
            thread.store(stargate_thread(), ordering: .relaxed)
            for job in taken { runJob(job) }
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
@safe
actor LoopActor {
    private let executor: LoopExecutor

    /// Stored, because every hop asks for it.
    nonisolated let unownedExecutor: UnownedSerialExecutor

    init(_ executor: LoopExecutor) {
        self.executor = executor
        unsafe unownedExecutor = executor.asUnownedSerialExecutor()
    }

    /// Starts the task of a handler. On the loop's thread.
    nonisolated func begin(_ start: AsyncSession.Start) -> Task<Void, Never> {
        Task(executorPreference: executor) { await self.run(start) }
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
        if executor.hasWork { executor.run() }
        loop.serveAttention()
        if executor.hasWork {
            executor.run()
            loop.serveAttention()
        }
        if executor.hasWork { mailbox.wake() }
    }
}
