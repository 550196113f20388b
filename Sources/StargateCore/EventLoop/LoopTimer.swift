internal import CUV

/// A timer of an event loop, for the application. On the loop's thread only.
@safe
public final class LoopTimer {
    private var handle: UnsafeMutablePointer<uv_timer_t>?
    private var action: ((EventLoop) -> Void)?
    private let repeats: Bool
    private unowned let eventLoop: EventLoop

    init(
        _ eventLoop: EventLoop,
        delay: Duration,
        interval: Duration?,
        action: @escaping (EventLoop) -> Void
    ) {
        self.eventLoop = eventLoop
        self.action = action
        repeats = interval != nil
        // A loop that ends waits for its timers, so it takes no new ones.
        guard !eventLoop.isStopping else {
            self.action = nil
            return
        }
        let timer = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        unsafe handle = unsafe timer
        unsafe uv_timer_init(eventLoop.uv, timer)
        // The loop keeps the timer alive until it has run for the last time or is cancelled.
        unsafe timer.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe uv_timer_start(
            timer,
            { unsafe LoopTimer.fire($0) },
            delay.milliseconds,
            interval.map { max(1, $0.milliseconds) } ?? 0
        )
        eventLoop.closeOnStop(self) { [unowned self] in cancel() }
    }

    /// Whether it will still run.
    public var isScheduled: Bool { action != nil }

    /// Stops the timer; it does not run again. Does nothing when it is over already.
    public func cancel() {
        action = nil
        guard let timer = unsafe handle else { return }
        unsafe handle = nil
        eventLoop.forget(self)
        unsafe uv_close(UnsafeMutableRawPointer(timer).assumingMemoryBound(to: uv_handle_t.self)) {
            guard let closed = unsafe $0 else { return }
            if let data = unsafe closed.pointee.data {
                unsafe Unmanaged<LoopTimer>.fromOpaque(data).release()
            }
            unsafe UnsafeMutableRawPointer(closed).deallocate()
        }
    }

    private static func fire(_ timer: UnsafeMutablePointer<uv_timer_t>?) {
        guard let data = unsafe timer?.pointee.data else { return }
        let me = unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue()
        guard let action = me.action else { return }
        if !me.repeats { me.cancel() }
        action(me.eventLoop)
    }
}

@available(*, unavailable)
extension LoopTimer: Sendable {}

extension EventLoop {
    /// Runs `action` on this loop once, after `delay`. Must be called on the loop's thread.
    ///
    /// The timer runs whether or not the returned object is kept; a loop that stops drops it.
    @discardableResult
    public func schedule(
        after delay: Duration,
        _ action: @escaping (EventLoop) -> Void
    ) -> LoopTimer {
        LoopTimer(self, delay: delay, interval: nil, action: action)
    }

    /// Runs `action` on this loop again and again, first after `interval`. Must be called on the
    /// loop's thread. Ends when it is cancelled or the loop stops.
    @discardableResult
    public func schedule(
        every interval: Duration,
        _ action: @escaping (EventLoop) -> Void
    ) -> LoopTimer {
        LoopTimer(self, delay: interval, interval: interval, action: action)
    }
}
