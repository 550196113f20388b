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

    let loop: Loop
    let uv: UnsafeMutablePointer<uv_loop_t>
    private let wakeUp: UnsafeMutablePointer<uv_async_t>
    private let beforeSleep: UnsafeMutablePointer<uv_prepare_t>
    private let afterSleep: UnsafeMutablePointer<uv_check_t>
    private let deadlineTimer: UnsafeMutablePointer<uv_timer_t>
    private var due: [UInt32] = []
    private var clock = LoopClock()
    /// What must be closed when the loop stops, by whom it belongs to.
    private var closers: [ObjectIdentifier: () -> Void] = [:]
    /// Nothing may be begun any more: it would keep the loop from ending.
    private(set) var isStopping = false
    /// What servers keep on this loop, by server.
    var residents: [ObjectIdentifier: AnyObject] = [:]

    init(index: Int) throws(LoopError) {
        self.index = index
        unsafe uv = .allocate(capacity: 1)
        let status = unsafe uv_loop_init(uv)
        guard status == 0 else {
            unsafe uv.deallocate()
            throw LoopError(status)
        }
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe beforeSleep = .allocate(capacity: 1)
        unsafe afterSleep = .allocate(capacity: 1)
        unsafe deadlineTimer = .allocate(capacity: 1)
        unsafe mailbox = Mailbox(wakeUp: wakeUp)
        let transport = try unsafe Self.makeTransport(uv)
        let state = UnsafeMutablePointer<LoopState>.allocate(capacity: 1)
        unsafe loop = Loop(state)
        executor = LoopExecutor(mailbox, loop)
        loopActor = LoopActor(executor)
        unsafe state.initialize(
            to: LoopState(
                owner: Unmanaged.passUnretained(self),
                transport: Unmanaged.passRetained(transport),
                receiveBuffer: ReceiveBuffer(),
                cork: CorkBuffer(),
                slab: ConnectionSlab(storageByteCount: transport.storageByteCount)
            )
        )
        loop.state.spareInbound.reserveCapacity(LoopState.spareCountMax)
        loop.state.spareOutbound.reserveCapacity(LoopState.spareCountMax)
        try startHandles()
    }

    private static func makeTransport(
        _ uv: UnsafeMutablePointer<uv_loop_t>
    ) throws(LoopError) -> Transport {
        #if os(Linux)
        return try unsafe EpollTransport(uv: uv)
        #else
        return unsafe TCPTransport(uv: uv)
        #endif
    }

    private func startHandles() throws(LoopError) {
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        var status = unsafe uv_async_init(uv, wakeUp) { handle in
            unsafe EventLoop.from(handle?.pointee.data)?.runMailbox()
        }
        guard status == 0 else { throw LoopError(status) }
        unsafe wakeUp.pointee.data = unsafe me
        unsafe uv_prepare_init(uv, beforeSleep)
        unsafe beforeSleep.pointee.data = unsafe me
        unsafe uv_prepare_start(beforeSleep) { handle in
            unsafe EventLoop.from(handle?.pointee.data)?.willSleep()
        }
        unsafe uv_check_init(uv, afterSleep)
        unsafe afterSleep.pointee.data = unsafe me
        unsafe uv_check_start(afterSleep) { handle in
            unsafe EventLoop.from(handle?.pointee.data)?.endTurn()
        }
        status = unsafe uv_timer_init(uv, deadlineTimer)
        unsafe deadlineTimer.pointee.data = unsafe me
        // None of the loop's own handles keeps it running but the mailbox.
        unsafe uv_unref(
            UnsafeMutableRawPointer(beforeSleep).assumingMemoryBound(to: uv_handle_t.self)
        )
        unsafe uv_unref(
            UnsafeMutableRawPointer(afterSleep).assumingMemoryBound(to: uv_handle_t.self)
        )
        unsafe uv_unref(
            UnsafeMutableRawPointer(deadlineTimer).assumingMemoryBound(to: uv_handle_t.self)
        )
        clock.start(now: unsafe uv_now(uv))
    }

    private static func from(_ data: UnsafeMutableRawPointer?) -> EventLoop? {
        guard let data = unsafe data else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: Turns

    private func runMailbox() {
        for work in mailbox.takeAll() { work(self) }
        executor.takeForeign()
    }

    /// Runs right before the loop waits for events: what timers and closed handles left is done
    /// first.
    private func willSleep() {
        settle()
        unsafe clock.willSleep(atMost: uv_backend_timeout(uv), now: uv_now(uv))
        loop.state.isClockStale = true
    }

    /// Runs right after the events of a turn.
    private func endTurn() {
        if loop.state.isClockStale { updateClock() }
        loop.state.lastReader = nil
        loop.state.lastReaderByteCount = 0
        settle()
    }

    /// Brings the loop's clock up to date: once per turn, by the first callback that asks.
    func updateClock() {
        loop.state.now = clock.tick(now: unsafe uv_now(uv))
        loop.state.isClockStale = false
    }

    // MARK: Deadlines

    /// Sets the timer for the earliest deadline of the table.
    func startDeadlineTimer() {
        let earliest = loop.state.deadlines.earliest
        guard earliest != DeadlineTable.never, !isStopping else { return }
        let ticks = earliest > loop.state.now ? UInt64(earliest - loop.state.now) : 0
        unsafe uv_timer_start(
            deadlineTimer,
            { handle in unsafe EventLoop.from(handle?.pointee.data)?.deadlinesDue() },
            max(1, ticks * DeadlineTable.millisecondsPerTick),
            0
        )
    }

    private func deadlinesDue() {
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
        unsafe uv_run(uv, UV_RUN_DEFAULT)
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
        unsafe uv_timer_stop(deadlineTimer)
        unsafe close(UnsafeMutableRawPointer(wakeUp))
        unsafe close(UnsafeMutableRawPointer(beforeSleep))
        unsafe close(UnsafeMutableRawPointer(afterSleep))
        unsafe close(UnsafeMutableRawPointer(deadlineTimer))
    }

    private func close(_ handle: UnsafeMutableRawPointer) {
        unsafe uv_close(handle.assumingMemoryBound(to: uv_handle_t.self), nil)
    }

    private func tearDown() {
        let status = unsafe uv_loop_close(uv)
        assert(status == 0, "a loop is closed after all its handles")
        executor.end()
        loop.state.slab.retire()
        loop.state.receiveBuffer.deallocate()
        loop.state.cork.deallocate()
        loop.state.deadlines.deallocate()
        loop.state.buffers.removeAll()
        unsafe loop.state.transport.release()
        loop.deallocate()
        unsafe wakeUp.deallocate()
        unsafe beforeSleep.deallocate()
        unsafe afterSleep.deallocate()
        unsafe deadlineTimer.deallocate()
        unsafe uv.deallocate()
    }
}

@available(*, unavailable)
extension EventLoop: Sendable {}
