/// A timer of an event loop, for the application. On the loop's thread only.
@safe
public final class LoopTimer {
    private var action: ((EventLoop) -> Void)?
    private let repeats: Bool
    private unowned let eventLoop: EventLoop
    /// What the loop's driver knows the timer by.
    var handle: UnsafeMutableRawPointer?

    init(
        _ eventLoop: EventLoop,
        delay: Duration,
        interval: Duration?,
        action: @escaping (EventLoop) -> Void
    ) {
        self.eventLoop = eventLoop
        repeats = interval != nil
        // A loop that ends waits for its timers, so it takes no new ones.
        guard !eventLoop.isStopping else { return }
        self.action = action
        eventLoop.driver.start(
            self,
            after: delay.milliseconds,
            interval: interval.map { max(1, $0.milliseconds) } ?? 0
        )
        eventLoop.closeOnStop(self) { [unowned self] in cancel() }
    }

    /// Whether it will still run.
    public var isScheduled: Bool { action != nil }

    /// Stops the timer; it does not run again. Does nothing when it is over already.
    public func cancel() {
        guard action != nil else { return }
        action = nil
        eventLoop.forget(self)
        eventLoop.driver.cancel(self)
    }

    /// Its time has come.
    func fire() {
        guard let action else { return }
        if !repeats { cancel() }
        action(eventLoop)
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
