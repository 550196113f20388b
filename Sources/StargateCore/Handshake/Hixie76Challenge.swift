// The client's side of draft-hixie-76's proof: two numbers, hidden so that no script can make a
// browser send them by other means.

/// The two keys and the eight bytes that a client sends. draft-hixie-76 section 4.1, steps 16 to 26.
struct Hixie76Challenge: Equatable, Sendable {
    let key1: String
    let key2: String
    let key3: [UInt8]
    /// What only a server that read all three can answer.
    let answer: [UInt8]

    init(using generator: inout some RandomNumberGenerator) {
        let first = Hixie76Challenge.key(using: &generator)
        let second = Hixie76Challenge.key(using: &generator)
        key1 = first.text
        key2 = second.text
        key3 = (0..<Hixie76Keys.key3ByteCount).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        answer = Hixie76Keys(part1: first.part, part2: second.part).answer(key3: key3) ?? []
    }

    /// One key, and the number that it hides.
    private static func key(
        using generator: inout some RandomNumberGenerator
    )
        -> (text: String, part: UInt32)
    {
        let spaces = UInt32.random(in: 1...12, using: &generator)
        let part = UInt32.random(in: 0...(UInt32.max / spaces), using: &generator)
        var text = Array(String(part &* spaces).utf8)
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            // U+0021 to U+002F and U+003A to U+007E: 15 and 69 characters, no digit, no space.
            let index = UInt8.random(in: 0..<84, using: &generator)
            let character = index < 15 ? 0x21 &+ index : 0x3A &+ (index &- 15)
            text.insert(character, at: Int.random(in: 0...text.count, using: &generator))
        }
        for _ in 0..<spaces {
            // Never at either end: the text has at least two characters by now.
            text.insert(WireByte.space, at: Int.random(in: 1..<text.count, using: &generator))
        }
        return (text: String(decoding: text, as: UTF8.self), part: part)
    }
}
