internal import CUV
internal import Glibc

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

    /// Writes warnings and errors, a line each, to standard error; drops the rest.
    public static func writeToStandardError(_ entry: LogEntry) {
        guard entry.level != .info else { return }
        var line = "\(entry)\n"
        line.withUTF8 { bytes in
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
