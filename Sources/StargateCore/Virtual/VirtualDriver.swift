internal import Synchronization

/// A clock in milliseconds that only moves when it is told to. Shared by loops that live together.
package final class VirtualClock {
    /// The time. It may be set forward as far as one likes; it must not go back.
    package var now: UInt64 = 1_000

    /// A clock that stands still.
    package init() {}
}

/// An event loop's driver without a system under it: time is a ``VirtualClock``, and turns are made
/// one by one from outside, see ``VirtualLoop``.
final class VirtualDriver: LoopDriver {
    /// Set from any thread, looked at by the thread that makes the turns.
    final class Bell: Sendable {
        let isRung = Atomic<Bool>(false)
        let listener = Lock<(@Sendable () -> Void)?>(nil)

        func ring() {
            isRung.store(true, ordering: .releasing)
            listener.withLock { $0 }?()
        }
    }

    private struct Entry {
        let timer: LoopTimer
        /// Decides between timers that are due at the same time: the one that was set first.
        let order: UInt64
        var due: UInt64
        let interval: UInt64
    }

    let clock: VirtualClock
    let bell = Bell()
    private unowned(unsafe) var eventLoop: EventLoop?
    private var deadline: UInt64?
    private var timers: [Entry] = []
    private var orderCount: UInt64 = 0

    init(_ clock: VirtualClock) {
        self.clock = clock
    }

    override var now: UInt64 { clock.now }

    override var sleepLimit: Int32 {
        if bell.isRung.load(ordering: .acquiring) { return 0 }
        guard let next = nextDue else { return -1 }
        return next > now ? Int32(clamping: next - now) : 0
    }

    override var wakeUp: @Sendable () -> Void {
        let bell = bell
        return { bell.ring() }
    }

    override func attach(to eventLoop: EventLoop) {
        unsafe self.eventLoop = eventLoop
    }

    // MARK: Timers

    /// When the next timer is due.
    var nextDue: UInt64? {
        let first = timers.lazy.map(\.due).min()
        guard let deadline else { return first }
        return first.map { min($0, deadline) } ?? deadline
    }

    /// The timers that will still run.
    var timerCount: Int { timers.count }

    override func setDeadlineTimer(after milliseconds: UInt64) {
        deadline = now + milliseconds
    }

    override func start(_ timer: LoopTimer, after delay: UInt64, interval: UInt64) {
        orderCount += 1
        timers.append(
            Entry(timer: timer, order: orderCount, due: now + delay, interval: interval)
        )
    }

    override func cancel(_ timer: LoopTimer) {
        timers.removeAll { $0.timer === timer }
    }

    /// Runs what is due, each timer once.
    func fireDueTimers() {
        if let due = deadline, due <= now {
            deadline = nil
            unsafe eventLoop?.deadlinesDue()
        }
        let due = timers.filter { $0.due <= now }.sorted { ($0.due, $0.order) < ($1.due, $1.order) }
        for entry in due {
            guard let index = timers.firstIndex(where: { $0.order == entry.order }) else {
                continue
            }
            if entry.interval > 0 { timers[index].due = now + entry.interval }
            entry.timer.fire()
        }
    }

    override func stop() {
        deadline = nil
        timers = []
    }
}
