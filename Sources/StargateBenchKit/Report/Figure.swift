// Numbers as people read them: three to four significant digits and a unit.

/// Renders figures for the report. No locale: the same everywhere.
enum Figure {
    /// A decimal number with a fixed number of decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard let whole = UInt64(exactly: scaled) else { return "\(value)" }
        let divisor = UInt64(scale)
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(whole) }
        let fraction = String(whole % divisor)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(sign)\(whole / divisor).\(zeros)\(fraction)"
    }

    /// Three significant digits for what is below 1,000.
    static func significant(_ value: Double) -> String {
        switch value.magnitude {
        case ..<9.995: fixed(value, 2)
        case ..<99.95: fixed(value, 1)
        default: fixed(value, 0)
        }
    }

    /// A count with its thousands apart: `1,234,567`.
    static func grouped(_ value: UInt64) -> String {
        let digits = String(value)
        var text = ""
        for (offset, digit) in digits.enumerated() {
            if offset > 0, (digits.count - offset) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// A rate: without decimals from 100 on.
    static func rate(_ value: Double) -> String {
        value >= 100 ? grouped(UInt64(value.rounded())) : significant(value)
    }

    /// A time given in nanoseconds: `870 ns`, `12.3 us`, `4.56 ms`, `1.23 s`.
    static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999.5: "\(fixed(nanoseconds, 0)) ns"
        case ..<999_500: "\(significant(nanoseconds / 1e3)) us"
        case ..<999_500_000: "\(significant(nanoseconds / 1e6)) ms"
        default: "\(significant(nanoseconds / 1e9)) s"
        }
    }

    /// A time that somebody chose, given in nanoseconds: as `time`, without idle zeros.
    static func span(_ nanoseconds: UInt64) -> String {
        let text = time(Double(nanoseconds))
        guard let space = text.lastIndex(of: " "), text.contains(".") else { return text }
        var number = text[..<space]
        while number.last == "0" { number.removeLast() }
        if number.last == "." { number.removeLast() }
        return String(number + text[space...])
    }

    /// A time that somebody chose, given in seconds.
    static func duration(_ seconds: Double) -> String {
        span(TimeSpan(seconds: seconds).nanoseconds)
    }

    /// A number of bytes in decimal units, as networks and disks count: `3.65 MB`.
    static func bytes(_ value: Double) -> String {
        switch value {
        case ..<999.5: "\(fixed(value, 0)) B"
        case ..<999_500: "\(significant(value / 1e3)) kB"
        case ..<999_500_000: "\(significant(value / 1e6)) MB"
        default: "\(significant(value / 1e9)) GB"
        }
    }

    /// A share as a percentage.
    static func percent(_ share: Double) -> String {
        let value = share * 100
        return "\(value < 9.95 ? fixed(value, 1) : fixed(value, 0)) %"
    }

    /// A noun with its number: `1 loop`, `2 loops`.
    static func counted(_ count: Int, _ noun: String) -> String {
        "\(grouped(UInt64(max(0, count)))) \(noun)\(count == 1 ? "" : "s")"
    }
}
