/// A monotonic clock that does not count the time a process was not running.
///
/// After a suspended machine or a stopped process wakes up, every peer would seem to have been
/// silent for hours, and all of them would be cut at once. So a sleep counts for no more than the
/// loop asked for, plus a little.
struct LoopClock {
    private static let grace: UInt64 = 1000
    private static let forever = UInt64.max / 4

    private var start: UInt64 = 0
    private var last: UInt64 = 0
    private var lost: UInt64 = 0
    private var allowed: UInt64 = forever

    /// Begins to count; all times are libuv's, in milliseconds.
    mutating func start(now: UInt64) {
        start = now
        last = now
    }

    /// Notes how long the loop is about to sleep: milliseconds, or -1 for as long as it takes.
    mutating func willSleep(atMost timeout: Int32) {
        allowed = timeout < 0 ? Self.forever : UInt64(timeout)
    }

    /// The time in ticks, at least 1.
    mutating func tick(now: UInt64) -> UInt32 {
        if now > last {
            let elapsed = now - last
            if elapsed > allowed &+ Self.grace { lost += elapsed - allowed }
            last = now
        }
        let counted = (last - start) - lost
        return UInt32(truncatingIfNeeded: counted / DeadlineTable.millisecondsPerTick) &+ 1
    }
}
