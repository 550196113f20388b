// A span of time as people type it: `10`, `10s`, `500ms`, `1.5m`, `1h`.

/// A span of time in nanoseconds. A bare number counts seconds.
struct TimeSpan: Equatable, Comparable, Sendable {
    let nanoseconds: UInt64

    static let zero = TimeSpan(nanoseconds: 0)

    init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    init(seconds: Double) {
        nanoseconds = UInt64(exactly: (seconds * 1e9).rounded()) ?? .max
    }

    /// Nil for anything but a decimal number with one unit, and for more than a year.
    init?(_ text: String) {
        let lowered = text.lowercased()
        let digits = lowered.prefix { ($0.isASCII && $0.isNumber) || $0 == "." }
        guard let number = Double(digits), number.isFinite else { return nil }
        let factor: Double
        switch lowered.dropFirst(digits.count) {
        case "us": factor = 1e3
        case "ms": factor = 1e6
        case "", "s", "sec": factor = 1e9
        case "m", "min": factor = 60e9
        case "h": factor = 3600e9
        default: return nil
        }
        let product = number * factor
        guard product <= 366 * 86_400e9 else { return nil }
        nanoseconds = UInt64(product)
    }

    var seconds: Double { Double(nanoseconds) / 1e9 }

    var duration: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

    static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
