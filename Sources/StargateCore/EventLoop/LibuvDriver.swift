internal import CUV

/// An event loop over libuv: the one that servers and clients run on.
@safe
final class LibuvDriver: LoopDriver {
    let loop: UnsafeMutablePointer<uv_loop_t>
    private let waker: UnsafeMutablePointer<uv_async_t>
    private let beforeSleep: UnsafeMutablePointer<uv_prepare_t>
    private let afterSleep: UnsafeMutablePointer<uv_check_t>
    private let deadlineTimer: UnsafeMutablePointer<uv_timer_t>

    /// Opens a loop; what the system refuses is thrown.
    static func open() throws(LoopError) -> LibuvDriver {
        let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        let status = unsafe uv_loop_init(loop)
        guard status == 0 else {
            unsafe loop.deallocate()
            throw LoopError(status)
        }
        return unsafe LibuvDriver(loop)
    }

    private init(_ loop: UnsafeMutablePointer<uv_loop_t>) {
        unsafe self.loop = unsafe loop
        unsafe waker = .allocate(capacity: 1)
        unsafe beforeSleep = .allocate(capacity: 1)
        unsafe afterSleep = .allocate(capacity: 1)
        unsafe deadlineTimer = .allocate(capacity: 1)
    }

    override var now: UInt64 { unsafe uv_now(loop) }

    override var exactTime: UInt64 { uv_hrtime() / 1_000_000 }

    override var sleepLimit: Int32 { unsafe uv_backend_timeout(loop) }

    override var wakeUp: @Sendable () -> Void {
        nonisolated(unsafe) let waker = unsafe waker
        return { unsafe uv_async_send(waker) }
    }

    override func attach(to eventLoop: EventLoop) throws(LoopError) {
        let owner = unsafe Unmanaged.passUnretained(eventLoop).toOpaque()
        var status = unsafe uv_async_init(loop, waker) { handle in
            unsafe Unmanaged<EventLoop>.lend(handle?.pointee.data) { $0.runMailbox() }
        }
        guard status == 0 else { throw LoopError(status) }
        unsafe waker.pointee.data = unsafe owner
        unsafe uv_prepare_init(loop, beforeSleep)
        unsafe beforeSleep.pointee.data = unsafe owner
        unsafe uv_prepare_start(beforeSleep) { handle in
            unsafe Unmanaged<EventLoop>.lend(handle?.pointee.data) { $0.willSleep() }
        }
        unsafe uv_check_init(loop, afterSleep)
        unsafe afterSleep.pointee.data = unsafe owner
        unsafe uv_check_start(afterSleep) { handle in
            unsafe Unmanaged<EventLoop>.lend(handle?.pointee.data) { $0.endTurn() }
        }
        status = unsafe uv_timer_init(loop, deadlineTimer)
        guard status == 0 else { throw LoopError(status) }
        unsafe deadlineTimer.pointee.data = unsafe owner
        // None of the loop's own handles keeps it running but the mailbox.
        unsafe uv_unref(Self.handle(beforeSleep))
        unsafe uv_unref(Self.handle(afterSleep))
        unsafe uv_unref(Self.handle(deadlineTimer))
    }

    private static func handle(
        _ pointer: UnsafeMutableRawPointer
    ) -> UnsafeMutablePointer<uv_handle_t> {
        unsafe pointer.assumingMemoryBound(to: uv_handle_t.self)
    }

    // MARK: Timers

    override func setDeadlineTimer(after milliseconds: UInt64) {
        unsafe uv_timer_start(
            deadlineTimer,
            { handle in unsafe Unmanaged<EventLoop>.lend(handle?.pointee.data) { $0.deadlinesDue() }
            },
            milliseconds,
            0
        )
    }

    override func start(_ timer: LoopTimer, after delay: UInt64, interval: UInt64) {
        let handle = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        unsafe uv_timer_init(loop, handle)
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(timer).toOpaque()
        unsafe timer.handle = UnsafeMutableRawPointer(handle)
        unsafe uv_timer_start(
            handle,
            { handle in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue().fire()
            },
            delay,
            interval
        )
    }

    override func cancel(_ timer: LoopTimer) {
        guard let handle = unsafe timer.handle else { return }
        unsafe timer.handle = nil
        unsafe uv_close(Self.handle(handle)) {
            guard let closed = unsafe $0 else { return }
            if let data = unsafe closed.pointee.data {
                unsafe Unmanaged<LoopTimer>.fromOpaque(data).release()
            }
            unsafe UnsafeMutableRawPointer(closed).deallocate()
        }
    }

    // MARK: Life

    override func run() {
        unsafe uv_run(loop, UV_RUN_DEFAULT)
    }

    override func stop() {
        unsafe uv_timer_stop(deadlineTimer)
        unsafe uv_close(Self.handle(waker), nil)
        unsafe uv_close(Self.handle(beforeSleep), nil)
        unsafe uv_close(Self.handle(afterSleep), nil)
        unsafe uv_close(Self.handle(deadlineTimer), nil)
    }

    override func tearDown() {
        let status = unsafe uv_loop_close(loop)
        assert(status == 0, "a loop is closed after all its handles")
        unsafe waker.deallocate()
        unsafe beforeSleep.deallocate()
        unsafe afterSleep.deallocate()
        unsafe deadlineTimer.deallocate()
        unsafe loop.deallocate()
    }
}
