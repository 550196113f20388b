// A number of bytes as people type it: `20`, `512b`, `16k`, `1m`, `2MiB`.

/// A size in bytes. The suffixes count in 1,024s, as in every tool for payload sizes.
struct ByteCount: Equatable, Sendable {
    let bytes: Int

    init(_ bytes: Int) {
        self.bytes = bytes
    }

    /// Nil for anything but digits and one suffix, and for what does not fit in an `Int`.
    init?(_ text: String) {
        let lowered = text.lowercased()
        let digits = lowered.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let factor: Int
        switch lowered.dropFirst(digits.count) {
        case "", "b": factor = 1
        case "k", "kb", "kib": factor = 1 << 10
        case "m", "mb", "mib": factor = 1 << 20
        case "g", "gb", "gib": factor = 1 << 30
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        bytes = product
    }
}

extension ByteCount: CustomStringConvertible {
    /// The largest unit that divides the size: `512 B`, `16 KiB`, `1 MiB`.
    var description: String {
        if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20) MiB" }
        if bytes >= 1 << 10, bytes % (1 << 10) == 0 { return "\(bytes >> 10) KiB" }
        return "\(bytes) B"
    }
}
