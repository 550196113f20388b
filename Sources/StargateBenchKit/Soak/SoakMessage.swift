// What the connections of a soak say: numbered, and filled so that a byte in a wrong place shows.

/// Writes and checks messages: sixteen hexadecimal digits of a number, eight of a sender, and a
/// fill that follows from the number.
struct SoakMessage {
    static let headByteCount = 24
    static let fillByteCountMax = 128 << 10

    private let deck: [UInt8]
    private var buffer: [UInt8] = []

    init() {
        var word: UInt64 = 88_172_645_463_325_252
        deck = (0..<Self.fillByteCountMax + (64 << 10)).map { _ in
            word ^= word << 13
            word ^= word >> 7
            word ^= word << 17
            // Letters and digits, so that it can be text, and is compressible by half.
            return UInt8(ascii: "0") + UInt8(truncatingIfNeeded: word >> 60) * 4
        }
    }

    private static func offset(_ number: UInt64) -> Int {
        Int(truncatingIfNeeded: (number &* 977) & 0xFFFF)
    }

    /// Lends a message; the memory is used again for the next one.
    mutating func with<Result>(
        number: UInt64,
        sender: UInt32,
        fill: Int,
        _ body: (Span<UInt8>) -> Result
    ) -> Result {
        buffer.removeAll(keepingCapacity: true)
        Self.append(number, digits: 16, to: &buffer)
        Self.append(UInt64(sender), digits: 8, to: &buffer)
        let start = Self.offset(number)
        buffer += deck[start..<start + min(fill, Self.fillByteCountMax)]
        return body(buffer.span)
    }

    /// The number of a message and who sent it; nil when a byte is not what it was.
    func read(_ bytes: UnsafeRawBufferPointer) -> (number: UInt64, sender: UInt32)? {
        guard bytes.count >= Self.headByteCount,
            bytes.count <= Self.headByteCount + Self.fillByteCountMax,
            let number = Self.number(bytes[..<16]), let sender = Self.number(bytes[16..<24])
        else { return nil }
        let fill = bytes[Self.headByteCount...]
        let start = Self.offset(number)
        guard fill.elementsEqual(deck[start..<start + fill.count]) else { return nil }
        return (number, UInt32(truncatingIfNeeded: sender))
    }

    private static func append(_ number: UInt64, digits: Int, to bytes: inout [UInt8]) {
        for place in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: (number >> UInt64(place * 4)) & 15)
            bytes.append(digit < 10 ? digit + 48 : digit + 87)
        }
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 48...57: number = number << 4 | UInt64(digit - 48)
            case 97...102: number = number << 4 | UInt64(digit - 87)
            default: return nil
            }
        }
        return number
    }
}
