// The clocks of the client. Latency is taken from the monotonic clock, once per callback.

internal import Glibc

/// Nanoseconds on the clocks of the kernel.
enum MonotonicClock {
    /// Since some moment in the past; never goes back.
    @inline(__always)
    static func now() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// The CPU time that the calling thread has used.
    static func threadCPUTime() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    /// The CPU time that this process has used, all threads together.
    static func processCPUTime() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    @inline(__always)
    static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return 0 }
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000
            &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}
