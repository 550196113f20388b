// A handler that blocks its loop stops every connection of that loop, and from the outside it
// looks like a slow network. So somebody else looks at the loops now and then.

internal import Glibc
internal import Synchronization

/// Looks at the loops of a server from a thread of its own, and says which callback does not come
/// back.
final class Watchdog: Sendable {
    /// A loop that was seen in the same turn so many times in a row is blocked. Counted in looks
    /// and not in time, so that a process that was stopped for a while is not blamed for it.
    private static let looksPerLimit = 2

    private let activities: [LoopActivity]
    private let limit: Duration
    private let stalled: @Sendable (Int, String) -> Void
    private let looked: @Sendable (_ isWell: Bool) -> Void
    private let isStopped = Atomic<Bool>(false)

    /// - Parameters:
    ///   - activities: what the loops are doing.
    ///   - limit: how long a turn may take.
    ///   - stalled: told once per incident which loop it is, and a sentence about it.
    ///   - looked: told after every look whether all loops turn.
    init(
        _ activities: [LoopActivity],
        limit: Duration,
        stalled: @escaping @Sendable (Int, String) -> Void,
        looked: @escaping @Sendable (_ isWell: Bool) -> Void
    ) {
        self.activities = activities
        self.limit = limit
        self.stalled = stalled
        self.looked = looked
    }

    /// Starts the thread, which ends some time after ``stop()``.
    func start() {
        // Without a thread to be had, nobody looks.
        try? PlatformThread { self.run() }.detach()
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func run() {
        var watch = LoopWatch(count: activities.count, looksPerLimit: Self.looksPerLimit)
        let microseconds = limit.milliseconds * 1000 / UInt64(Self.looksPerLimit)
        while true {
            usleep(UInt32(clamping: max(1000, microseconds)))
            guard !isStopped.load(ordering: .relaxed) else { return }
            for (index, activity) in activities.enumerated() {
                if let glance = watch.look(activity.glance(), at: index) {
                    stalled(index, describe(glance, index))
                }
            }
            looked(watch.isWell)
        }
    }

    private func describe(_ glance: LoopActivity.Glance, _ index: Int) -> String {
        let route = glance.route.pattern.map { "the handler of \($0): " } ?? ""
        let seconds = Double(limit.milliseconds) / 1000
        return "loop \(index) has been blocked for more than \(seconds) s by "
            + "\(route)\(glance.work.words)"
    }
}

/// What the watchdog remembers between two looks.
struct LoopWatch {
    private struct Memory {
        var glance: LoopActivity.Glance?
        var count = 0
    }

    private let looksPerLimit: Int
    private var memories: [Memory]

    init(count: Int, looksPerLimit: Int) {
        self.looksPerLimit = looksPerLimit
        memories = Array(repeating: Memory(), count: count)
    }

    /// Whether no loop is blocked.
    var isWell: Bool { memories.allSatisfy { $0.count < looksPerLimit } }

    /// Takes a look in. Returns it when this makes an incident of it, once for each.
    mutating func look(_ glance: LoopActivity.Glance, at index: Int) -> LoopActivity.Glance? {
        guard memories[index].glance?.turn == glance.turn, glance.work != .nothing else {
            memories[index] = Memory(glance: glance)
            return nil
        }
        memories[index].glance = glance
        memories[index].count += 1
        return memories[index].count == looksPerLimit ? glance : nil
    }
}

extension Server {
    /// Watches the loops, for the log and for the service manager; nil where nobody wants that.
    func makeWatchdog(over group: LoopGroup) -> Watchdog? {
        let alive =
            configuration.notifiesServiceManager ? ServiceManager.watchdogInterval : nil
        guard let limit = configuration.watchdogLimit ?? alive.map({ $0 / 2 }) else {
            return nil
        }
        let (log, mailboxes) = (configuration.log, group.mailboxes)
        return Watchdog(
            group.activities,
            // Heard of twice as often as the manager asks.
            limit: min(limit, alive ?? limit),
            stalled: { index, sentence in
                log(LogEntry(.warning, sentence))
                // Counted by the loop itself, once it goes on.
                mailboxes[index].post { $0.loop.state.counters[Counter.stalls] &+= 1 }
            },
            looked: { isWell in
                if alive != nil, isWell { ServiceManager.notify(.alive) }
            }
        )
    }
}
