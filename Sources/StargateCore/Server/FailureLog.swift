/// Says when the application's closures throw, but not every time: what fails for one client fails
/// for the thousand that come back after it.
struct FailureLog {
    /// At most one line in so many ticks, per loop: one a second.
    private static let interval = DeadlineTable.ticksPerSecond

    private var lastTick: UInt32?
    private var suppressedCount = 0

    /// Notes a failure.
    ///
    /// - Parameters:
    ///   - what: what failed, such as the pattern of a route: nothing that a peer sent.
    ///   - error: what the application threw.
    ///   - now: the loop's clock.
    /// - Returns: the line to log, or nil when one was logged a moment ago.
    mutating func line(_ what: String, _ error: any Error, now: UInt32) -> String? {
        if let lastTick, now &- lastTick < Self.interval {
            suppressedCount += 1
            return nil
        }
        lastTick = now
        defer { suppressedCount = 0 }
        let others = suppressedCount == 0 ? "" : " (and \(suppressedCount) failures before it)"
        // The error may quote what a peer sent: it stays on its line.
        let text = String(
            String.UnicodeScalarView(
                "\(error)".unicodeScalars.map { Self.isControl($0) ? " " : $0 }
            )
        )
        return "\(what) failed: \(text)\(others)"
    }

    /// Whether a terminal, or whoever reads the log line by line, would act on it: C0, C1, and the
    /// separators of lines.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            || (0x2028...0x2029).contains(scalar.value)
    }
}
