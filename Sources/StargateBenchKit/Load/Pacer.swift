// A loop's own timers count milliseconds, which is too coarse to send on time. This thread sleeps
// to the microsecond and rings.

internal import Glibc
internal import StargateCore
internal import Synchronization

/// Has something done on a loop at an even pace.
final class Pacer: Sendable {
    /// Closer together than this the rings would cost more than they are worth; what is due
    /// meanwhile leaves together, and its latency counts from its own due time.
    static let shortestInterval: UInt64 = 50_000

    private let isStopped = Atomic(false)
    /// A ring that the loop has not heard yet: there is no use in another.
    private let isRinging = Atomic(false)

    /// - Parameters:
    ///   - start: the first moment, on the monotonic clock.
    ///   - interval: nanoseconds from one to the next.
    ///   - mailbox: the loop's.
    ///   - ring: called on the loop.
    func start(
        at start: UInt64,
        every interval: UInt64,
        mailbox: Mailbox,
        ring: @escaping @Sendable () -> Void
    ) {
        let interval = max(interval, Self.shortestInterval)
        let thread = try? PlatformThread { [self] in
            var next = start
            while !isStopped.load(ordering: .relaxed) {
                var moment = timespec(
                    tv_sec: Int(next / 1_000_000_000),
                    tv_nsec: Int(next % 1_000_000_000)
                )
                if clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nil) == EINTR {
                    continue
                }
                if !isRinging.exchange(true, ordering: .acquiringAndReleasing) {
                    let taken = mailbox.post { [self] _ in
                        isRinging.store(false, ordering: .releasing)
                        ring()
                    }
                    guard taken else { return }
                }
                let now = MonotonicClock.now()
                next &+= interval
                if next < now { next += (now - next) / interval * interval }
            }
        }
        thread?.detach()
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }
}
