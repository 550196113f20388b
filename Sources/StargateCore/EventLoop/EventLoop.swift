internal import CUV

/// One event loop: a thread, the sockets it watches, and the buffers they share.
///
/// A loop owns its connections: everything reached through it may be used on its thread only, and
/// the compiler keeps it there, because neither the loop nor anything it lends is Sendable. Other
/// threads reach it through its ``mailbox``.
///
/// A callback that blocks stops every connection of the loop.
@safe
public final class EventLoop {
    /// The loop's place in its ``LoopGroup``, from 0.
    public let index: Int
    /// The door for other threads.
    public let mailbox: Mailbox

    /// Runs the tasks of handlers on this loop's thread.
    let executor: LoopExecutor
    /// What those handlers are isolated to.
    let loopActor: LoopActor

    /// What this loop counts; it outlives the loop.
    let meter = Meter()
    /// Sees to the server's memory budget.
    var memoryGuard: MemoryGuard?
    /// So much more is held before the guard is asked again.
    var noticeableByteCount: UInt64 = 4 << 20
    /// What was held when the guard was last asked.
    var noticedByteCount: UInt64 = 0
    /// When the events of this turn began to be dealt with, in milliseconds.
    private var turnStart: UInt64 = 0
    /// When buffers that nobody needed are next freed, in ticks.
    private var nextTrim: UInt32 = 0
    /// So long a buffer is kept for the next who needs it, at least: half a minute.
    private static let trimTicks = 30 * DeadlineTable.ticksPerSecond

    let loop: Loop
    /// What the loop is doing, for the watchdog.
    let activity = LoopActivity()
    /// What this loop waits on.
    let driver: LoopDriver
    private var due: [UInt32] = []
    private var clock = LoopClock()
    /// What must be closed when the loop stops, by whom it belongs to.
    private var closers: [ObjectIdentifier: () -> Void] = [:]
    /// Nothing may be begun any more: it would keep the loop from ending.
    private(set) var isStopping = false
    /// What servers keep on this loop, by server.
    var residents: [ObjectIdentifier: AnyObject] = [:]

    /// A loop over libuv, for a thread of its own.
    convenience init(
        index: Int,
        transport choice: TransportChoice = .native
    ) throws(LoopError) {
        let driver = try LibuvDriver.open()
        let transport = try unsafe Self.makeTransport(choice, driver.loop)
        try self.init(index: index, driver: driver, transport: transport)
    }

    init(index: Int, driver: LoopDriver, transport: Transport) throws(LoopError) {
        self.index = index
        self.driver = driver
        mailbox = Mailbox(wakeUp: driver.wakeUp)
        let state = UnsafeMutablePointer<LoopState>.allocate(capacity: 1)
        unsafe loop = Loop(state)
        executor = LoopExecutor(mailbox, loop)
        loopActor = LoopActor(executor)
        unsafe state.initialize(
            to: LoopState(
                owner: Unmanaged.passUnretained(self),
                executor: Unmanaged.passUnretained(executor),
                transport: Unmanaged.passRetained(transport),
                activity: Unmanaged.passRetained(activity),
                receiveBuffer: ReceiveBuffer(),
                cork: CorkBuffer(),
                slab: ConnectionSlab(storageByteCount: transport.storageByteCount),
                counters: meter.counts
            )
        )
        loop.state.spareInbound.reserveCapacity(LoopState.spareCountMax)
        loop.state.spareOutbound.reserveCapacity(LoopState.spareCountMax)
        try driver.attach(to: self)
        clock.start(now: driver.now)
    }

    private static func makeTransport(
        _ choice: TransportChoice,
        _ uv: UnsafeMutablePointer<uv_loop_t>
    ) throws(LoopError) -> Transport {
        #if os(Linux)
        if choice == .native { return try unsafe EpollTransport(uv: uv) }
        #endif
        return unsafe TCPTransport(uv: uv)
    }

    /// libuv's loop, for what watches descriptors, names and signals; nil where there is none.
    var uv: UnsafeMutablePointer<uv_loop_t>? { unsafe (driver as? LibuvDriver)?.loop }

    // MARK: Turns

    /// Runs when another thread has woken the loop.
    func runMailbox() {
        loop.note(.posted)
        for work in mailbox.takeAll() { work(self) }
        executor.takeForeign()
        resumeYielded()
    }

    /// Runs right before the loop waits for events: what timers and closed handles left is done
    /// first.
    func willSleep() {
        settle()
        if publishMemory(), let memoryGuard {
            memoryGuard.check(loop)
            loop.serveAttention()
        }
        countTurn()
        activity.willSleep()
        clock.willSleep(atMost: driver.sleepLimit, now: driver.now)
        loop.state.isClockStale = true
    }

    /// Runs right after the events of a turn.
    func endTurn() {
        if loop.state.isClockStale { updateClock() }
        if loop.state.now >= nextTrim { trim() }
        loop.state.lastReaderByteCount = 0
        loop.state.lastReaderFrameCount = 0
        loop.state.tls?.handshakeCount = 0
        turnStart = driver.now
        settle()
    }

    /// Counts how long the events of a turn, and what they brought about, took. In whole
    /// milliseconds: a turn that matters takes many.
    private func countTurn() {
        guard turnStart != 0 else { return }
        let now = driver.exactTime
        let duration = now > turnStart ? now - turnStart : 0
        let counters = loop.state.counters
        counters[.turns, TimeBuckets.place(of: duration, in: TimeBuckets.turns)] &+= 1
        guard duration > 0 else { return }
        counters[Counter.turnMilliseconds] &+= duration
        if duration > counters[Counter.longestTurn] { counters[Counter.longestTurn] = duration }
    }

    /// Gives back what was kept for a busy moment that is over. In turns that take place anyway: a
    /// loop that sleeps is not woken for it.
    private func trim() {
        nextTrim = loop.state.now &+ Self.trimTicks
        loop.state.buffers.trim()
    }

    /// Has those who had their share of this turn go on in the next one.
    func startNextTurn() { mailbox.wake() }

    private func resumeYielded() {
        guard !loop.state.yielded.isEmpty else { return }
        let connections = loop.state.yielded
        loop.state.yielded.removeAll(keepingCapacity: true)
        for id in connections { loop.state.slab[id.slot]?.endYielding(id) }
    }

    /// The time when this turn began, in the low bits of its milliseconds.
    var milliseconds: UInt32 { UInt32(truncatingIfNeeded: driver.now) }

    /// Brings the loop's clock up to date: once per turn, by the first callback that asks.
    func updateClock() {
        loop.state.now = clock.tick(now: driver.now)
        loop.state.isClockStale = false
    }

    // MARK: Deadlines

    /// Sets the timer for the earliest deadline of the table.
    func startDeadlineTimer() {
        let earliest = loop.state.deadlines.earliest
        guard earliest != DeadlineTable.never, !isStopping else { return }
        let ticks = earliest > loop.state.now ? UInt64(earliest - loop.state.now) : 0
        driver.setDeadlineTimer(after: max(1, ticks * DeadlineTable.millisecondsPerTick))
    }

    /// Runs when the deadline timer has come to its end.
    func deadlinesDue() {
        loop.note(.deadline)
        updateClock()
        due.removeAll(keepingCapacity: true)
        loop.state.deadlines.takeDue(now: loop.state.now, into: &due)
        // One that was set anew by the callback of another is not due any more.
        for slot in due where !loop.state.deadlines.isSet(slot: slot) {
            loop.state.slab[slot]?.deadlineReached()
        }
        startDeadlineTimer()
    }

    // MARK: Life

    /// Runs until ``stop()``; called once, on the loop's thread.
    func run() {
        executor.begin()
        driver.run()
        tearDown()
    }

    /// Has `close` called when the loop stops, unless ``forget(_:)`` is called before.
    func closeOnStop(_ owner: AnyObject, _ close: @escaping () -> Void) {
        closers[ObjectIdentifier(owner)] = close
    }

    /// The owner closed what it had registered.
    func forget(_ owner: AnyObject) { closers[ObjectIdentifier(owner)] = nil }

    /// Closes everything and lets ``run()`` return. On the loop's thread.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        for work in mailbox.close() { work(self) }
        let remaining = closers
        closers = [:]
        residents = [:]
        for close in remaining.values { close() }
        for connection in loop.state.slab.active { connection.abort() }
        loop.serveAttention()
        // Handlers hear of it while there is a loop.
        executor.takeForeign()
        executor.run()
        loop.withTransport { $0.stop() }
        driver.stop()
    }

    /// Frees everything, after the last callback.
    func tearDown() {
        executor.end()
        loop.state.slab.retire()
        loop.state.receiveBuffer.deallocate()
        loop.state.cork.deallocate()
        loop.state.deadlines.deallocate()
        loop.state.buffers.removeAll()
        unsafe loop.state.transport.release()
        unsafe loop.state.activity.release()
        loop.deallocate()
        driver.tearDown()
    }
}

@available(*, unavailable)
extension EventLoop: Sendable {}
