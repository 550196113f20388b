/// What an event loop waits on, and what tells it the time: libuv, or a test.
///
/// It calls back into ``EventLoop``: `willSleep()` before it waits, `endTurn()` after the events of a
/// turn, `runMailbox()` when it was woken, and `deadlinesDue()` when the deadline timer is over.
/// None of this is on the path of a message: the clock is asked once per turn.
class LoopDriver {
    /// A monotonic clock in milliseconds, as of the beginning of this turn.
    var now: UInt64 { 0 }

    /// The same clock, asked at this moment.
    var exactTime: UInt64 { now }

    /// For how many milliseconds the loop is about to sleep; -1 for as long as it takes.
    var sleepLimit: Int32 { -1 }

    /// Ends the loop's sleep. May be called on any thread until the mailbox is closed.
    var wakeUp: @Sendable () -> Void { {} }

    /// Begins to work for a loop, which outlives the driver's callbacks.
    func attach(to eventLoop: EventLoop) throws(LoopError) {}

    /// Waits and calls back until ``stop()``; then until everything is closed.
    func run() {}

    /// Sets the one timer of all connections, in milliseconds from now.
    func setDeadlineTimer(after milliseconds: UInt64) {}

    /// Starts a timer of the application, in milliseconds; it does not repeat with an interval of 0.
    /// The timer is kept alive until it has been cancelled.
    func start(_ timer: LoopTimer, after delay: UInt64, interval: UInt64) {}

    /// Ends a timer that was started and was not cancelled before.
    func cancel(_ timer: LoopTimer) {}

    /// Closes what the driver itself has opened.
    func stop() {}

    /// Frees everything. Nothing is called afterwards.
    func tearDown() {}
}
