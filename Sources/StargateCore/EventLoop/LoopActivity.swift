internal import Synchronization

/// What a loop may be busy with when it does not come back.
enum LoopWork: UInt8 {
    case nothing
    case accepting
    /// A request is read, and the application's closure for it called.
    case request
    case upgrade
    case opened
    case received
    case closed
    case timer
    case deadline
    /// What was posted to the loop, or a task that was resumed on it.
    case posted

    var words: String {
        switch self {
        case .nothing: "nothing"
        case .accepting: "accepting connections"
        case .request: "answering a request"
        case .upgrade: "deciding about an upgrade"
        case .opened: "opened"
        case .received: "received"
        case .closed: "closed"
        case .timer: "a timer"
        case .deadline: "a deadline"
        case .posted: "work that was posted to the loop, or a task"
        }
    }
}

/// What one loop is doing, noted by it and looked at by the watchdog's thread.
///
/// A store into memory of the loop's own per callback of libuv, and one per turn; nothing per
/// message.
final class LoopActivity: Sendable {
    /// Counts the loop's turns.
    private let turn = Atomic<UInt>(0)
    /// The kind of work in the lowest byte, the route above it; 0 while the loop waits.
    private let work = Atomic<UInt>(0)

    @inline(__always)
    func note(_ work: LoopWork, _ route: RouteMark) {
        self.work.store(UInt(route.index) << 8 | UInt(work.rawValue), ordering: .relaxed)
    }

    func willSleep() {
        work.store(0, ordering: .relaxed)
        turn.store(turn.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// What a loop was seen at.
    struct Glance: Equatable {
        let turn: UInt
        let work: LoopWork
        let route: RouteMark
    }

    func glance() -> Glance {
        let work = work.load(ordering: .relaxed)
        return Glance(
            turn: turn.load(ordering: .relaxed),
            work: LoopWork(rawValue: UInt8(truncatingIfNeeded: work)) ?? .nothing,
            route: RouteMark(index: UInt16(truncatingIfNeeded: work >> 8))
        )
    }
}

/// A route's pattern as two bytes, so that a connection can carry it.
struct RouteMark: Equatable, Sendable {
    let index: UInt16

    /// No route, or one too many.
    static let none = RouteMark(index: 0)
    /// The patterns of the process, in the order in which they were first used.
    private static let patterns = Lock<[String]>([""])

    init(index: UInt16) { self.index = index }

    /// The mark of a pattern: always the same one.
    init(_ pattern: String) {
        let index = Self.patterns.withLock { patterns -> Int in
            if let known = patterns.firstIndex(of: pattern) { return known }
            guard patterns.count < Int(UInt16.max) else { return 0 }
            patterns.append(pattern)
            return patterns.count - 1
        }
        self.index = UInt16(clamping: index)
    }

    /// The pattern; nil for no route.
    var pattern: String? {
        guard index > 0 else { return nil }
        return Self.patterns.withLock { $0.indices.contains(Int(index)) ? $0[Int(index)] : nil }
    }
}
