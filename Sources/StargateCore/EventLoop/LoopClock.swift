/// A monotonic clock that does not count the time a process was not running.
///
/// After a suspended machine or a stopped process wakes up, every peer would seem to have been
/// silent for hours, and all of them would be cut at once. So a sleep counts for no more than the
/// loop asked for, plus a little.
struct LoopClock {
    private static let grace: UInt64 = 1000

    private var start: UInt64 = 0
    /// The latest time that was asked about: the clock never goes back.
    private var latest: UInt64 = 0
    private var lost: UInt64 = 0
    /// When the sleep should have ended that is not accounted for yet.
    private var sleepEnd: UInt64?

    /// Begins to count; all times are libuv's, in milliseconds.
    mutating func start(now: UInt64) {
        start = now
        latest = now
    }

    /// Notes that the loop is about to sleep: for so many milliseconds, or -1 for as long as it
    /// takes.
    mutating func willSleep(atMost timeout: Int32, now: UInt64) {
        sleepEnd = timeout < 0 ? nil : now + UInt64(timeout)
    }

    /// The time in ticks, at least 1.
    mutating func tick(now: UInt64) -> UInt32 {
        latest = max(latest, now)
        if let sleepEnd, now > sleepEnd + Self.grace { lost += now - sleepEnd }
        sleepEnd = nil
        let counted = (latest - start) - min(lost, latest - start)
        return UInt32(truncatingIfNeeded: counted / DeadlineTable.millisecondsPerTick) &+ 1
    }
}
