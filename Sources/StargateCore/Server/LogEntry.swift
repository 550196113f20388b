internal import Synchronization

/// One thing a server has to say to its operator.
public struct LogEntry: Sendable, CustomStringConvertible {
    /// How much it matters.
    public enum Level: String, Sendable {
        /// For those who want to know everything.
        case info
        /// Something is worse than it should be.
        case warning
        /// Something does not work.
        case error
    }

    /// How much it matters.
    public let level: Level
    /// A sentence for people.
    public let message: String

    /// An entry.
    public init(_ level: Level, _ message: String) {
        self.level = level
        self.message = message
    }

    /// As `warning: message`.
    public var description: String { "\(level.rawValue): \(message)" }

    /// Writes warnings and errors, a line each, to standard error; leaves out the rest.
    ///
    /// Never waits: when standard error takes nothing now (a full pipe, a stopped terminal), is
    /// closed, or its disk is full, or when more than 100 lines come in a second, lines are dropped,
    /// and the next one that is written says how many.
    public static func writeToStandardError(_ entry: LogEntry) {
        guard entry.level != .info else { return }
        StandardErrorLog.shared.withLock { $0.write("\(entry)") }
    }
}
