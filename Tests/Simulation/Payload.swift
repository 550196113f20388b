/// Messages that say who sent them, as which of his messages, and what the rest of them must be.
enum Payload {
    /// A message of `count` bytes behind its head.
    static func make(_ kind: Character, _ sender: Int, _ number: Int, count: Int) -> [UInt8] {
        var bytes = Array("\(kind)\(sender):\(number):\(count):".utf8)
        bytes.reserveCapacity(bytes.count + count)
        var state = UInt32(truncatingIfNeeded: sender &* 7919 &+ number &* 104_729 &+ count)
        for _ in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            bytes.append(0x20 + UInt8(truncatingIfNeeded: state >> 25) % 95)
        }
        return bytes
    }

    struct Head: Equatable {
        let kind: UInt8
        let sender: Int
        let number: Int
        let count: Int
    }

    /// The head of a message that is exactly what its sender has made; nil for another.
    static func check(_ bytes: [UInt8]) -> Head? {
        guard let kind = bytes.first else { return nil }
        var numbers: [Int] = []
        var value = 0
        for byte in bytes.dropFirst().prefix(40) {
            if byte == UInt8(ascii: ":") {
                numbers.append(value)
                value = 0
                if numbers.count == 3 { break }
            } else {
                guard (0x30...0x39).contains(byte), value < 1 << 40 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
        }
        guard numbers.count == 3, numbers[2] <= bytes.count else { return nil }
        let head = Head(kind: kind, sender: numbers[0], number: numbers[1], count: numbers[2])
        let letter = Character(UnicodeScalar(kind))
        return bytes == make(letter, head.sender, head.number, count: head.count) ? head : nil
    }
}
