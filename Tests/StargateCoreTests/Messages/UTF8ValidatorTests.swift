import Testing

@testable import StargateCore

@Suite("UTF-8 validation")
struct UTF8ValidatorTests {
    /// One member of every family of invalid text, with the index of the first impossible byte;
    /// `nil` where the bytes are only incomplete.
    static let invalid: [(name: String, bytes: [UInt8], firstBad: Int?)] = [
        ("lone continuation 80", [0x80], 0),
        ("lone continuation BF", [0xBF], 0),
        ("continuation behind ASCII", [0x41, 0x80, 0x41], 1),
        ("one continuation too many", [0xC3, 0xA9, 0xA9], 2),
        ("overlong slash, two bytes", [0xC0, 0xAF], 0),
        ("overlong C1", [0xC1, 0xBF], 0),
        ("overlong slash, three bytes", [0xE0, 0x80, 0xAF], 1),
        ("largest overlong of three", [0xE0, 0x9F, 0xBF], 1),
        ("overlong slash, four bytes", [0xF0, 0x80, 0x80, 0xAF], 1),
        ("largest overlong of four", [0xF0, 0x8F, 0xBF, 0xBF], 1),
        ("first high surrogate", [0xED, 0xA0, 0x80], 1),
        ("last low surrogate", [0xED, 0xBF, 0xBF], 1),
        ("surrogate pair (CESU-8)", [0xED, 0xA0, 0x81, 0xED, 0xB0, 0x80], 1),
        ("U+110000", [0xF4, 0x90, 0x80, 0x80], 1),
        ("U+13FFFF", [0xF4, 0xBF, 0xBF, 0xBF], 1),
        ("lead F5", [0xF5, 0x80, 0x80, 0x80], 0),
        ("five-byte form", [0xF8, 0x88, 0x80, 0x80, 0x80], 0),
        ("six-byte form", [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 0),
        ("byte FE", [0xFE], 0),
        ("byte FF", [0x61, 0xFF], 1),
        ("two leads", [0xC3, 0xC3, 0xA9], 1),
        ("ASCII inside three bytes", [0xE2, 0x98, 0x41], 2),
        ("ASCII inside four bytes", [0xF0, 0x9F, 0x98, 0x41], 3),
        ("UTF-16 mark", [0xFF, 0xFE, 0x41, 0x00], 0),
        ("open, one of two", [0xC3], nil),
        ("open, one of three", [0xE2], nil),
        ("open, two of three", [0xE2, 0x98], nil),
        ("open, one of four", [0xF0], nil),
        ("open, two of four", [0xF0, 0x9F], nil),
        ("open, three of four", [0xF0, 0x9F, 0x98], nil),
    ]

    static let valid: [String] = [
        "", "a", "\0", "é", "☃", "😀", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}",
        "\u{D7FF}\u{E000}\u{FFFD}\u{FFFE}\u{FEFF}", "Grüße, Κόσμε, 世界, 🌍🌎🌏 and back to ASCII",
        String(repeating: "ASCII only, of some length. ", count: 20),
        String(repeating: "ab世界é😀", count: 40),
    ]

    @Test("invalid text is refused, whole and at every distance from a block's edge")
    func refusesInvalid() {
        for (name, bytes, _) in Self.invalid {
            for padding in 0...140 {
                let ascii = [UInt8](repeating: 0x61, count: padding)
                #expect(!isValid(ascii + bytes), "\(name) behind \(padding)")
                #expect(!isValid(ascii + bytes + ascii), "\(name) between \(padding)")
                let wide = Array(String(repeating: "☃", count: padding).utf8)
                #expect(!isValid(wide + bytes + wide), "\(name) among \(padding) wide ones")
            }
        }
    }

    @Test("valid text is accepted, whole and at every distance from a block's edge")
    func acceptsValid() {
        for text in Self.valid {
            for padding in 0...140 {
                let ascii = [UInt8](repeating: 0x61, count: padding)
                #expect(isValid(ascii + Array(text.utf8)))
                #expect(isValid(Array(text.utf8) + ascii))
                #expect(isValid(Array((String(repeating: "é", count: padding) + text).utf8)))
            }
        }
    }

    @Test("the first impossible byte is the one that fails, not a later one")
    func failsFast() {
        for (name, bytes, firstBad) in Self.invalid {
            var validator = UTF8Validator()
            for (index, byte) in bytes.enumerated() {
                let goesOn = feed(&validator, [byte])
                #expect(goesOn == (index < firstBad ?? bytes.count), "\(name), byte \(index)")
                if !goesOn { break }
            }
            #expect(!validator.isComplete, "\(name)")
        }
    }

    @Test("a validator that failed stays failed until it is reset")
    func staysFailed() {
        var validator = UTF8Validator()
        #expect(!feed(&validator, [0xFF]))
        #expect(!feed(&validator, []))
        #expect(!feed(&validator, [0x61]))
        #expect(!feed(&validator, [0x80]))
        #expect(!validator.isComplete)
        validator.reset()
        #expect(validator.isComplete)
        #expect(feed(&validator, [0x61]))
    }

    @Test("two pieces give what the whole gives, whatever the split")
    func everySplit() {
        let texts = Self.valid.map { Array($0.utf8) } + Self.invalid.map(\.bytes)
        for bytes in texts {
            for split in 0...bytes.count {
                var validator = UTF8Validator()
                let first = feed(&validator, Array(bytes[..<split]))
                let second = first && feed(&validator, Array(bytes[split...]))
                #expect((second && validator.isComplete) == isValid(bytes), "\(bytes) at \(split)")
            }
        }
    }

    @Test("all sequences of one, two and three bytes agree with the standard library")
    func exhaustive() {
        var mismatches = 0
        var bytes: [UInt8] = [0, 0, 0]
        func compare(_ count: Int) {
            let slice = bytes[..<count]
            let expected = String(validating: slice, as: UTF8.self) != nil
            let whole = slice.withUnsafeBytes { UTF8Validator.isValid($0) }
            var validator = UTF8Validator()
            let streamed = slice.withUnsafeBytes { validator.validate($0) }
            if whole != expected || (streamed && validator.isComplete) != expected {
                mismatches += 1
            }
        }
        compare(0)
        for first in UInt8.min...UInt8.max {
            bytes[0] = first
            compare(1)
            for second in UInt8.min...UInt8.max {
                bytes[1] = second
                compare(2)
                for third in thirdBytes(behind: first, second) {
                    bytes[2] = third
                    compare(3)
                }
            }
        }
        #expect(mismatches == 0)
    }

    @Test("random text in random pieces gives what the whole gives", arguments: 0..<40)
    func randomPieces(seed: UInt64) {
        var random = SplitMix(state: seed)
        for _ in 0..<50 {
            var bytes = randomText(&random, count: Int.random(in: 0...300, using: &random))
            if Bool.random(using: &random), !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let expected = String(validating: bytes, as: UTF8.self) != nil
            #expect(isValid(bytes) == expected)

            var validator = UTF8Validator()
            var rest = bytes[...]
            var goesOn = true
            while goesOn, !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 90), using: &random)
                goesOn = feed(&validator, Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect((goesOn && validator.isComplete) == expected)
        }
    }

    @Test("the state is three bytes, for it lives in every connection that sends fragments")
    func size() {
        #expect(MemoryLayout<UTF8Validator>.size == 3)
    }

    /// The third bytes worth a look: all of them in an optimised build; without optimisation the
    /// edges of every class of bytes, and only where the first two bytes leave the third a choice.
    private func thirdBytes(behind first: UInt8, _ second: UInt8) -> [UInt8] {
        #if DEBUG
        guard first >= 0xC0, second >= 0x7F, second <= 0xC0 else { return [0x41, 0x80] }
        return [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xF0, 0xFF]
        #else
        return Array(UInt8.min...UInt8.max)
        #endif
    }

    private func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { UTF8Validator.isValid($0) }
    }

    private func feed(_ validator: inout UTF8Validator, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { validator.validate($0) }
    }

    private func randomText(_ random: inout SplitMix, count: Int) -> [UInt8] {
        var text: [UInt8] = []
        while text.count < count {
            let scalar =
                switch Int.random(in: 0..<5, using: &random) {
                case 0, 1: Unicode.Scalar(UInt32.random(in: 0...0x7F, using: &random))
                case 2: Unicode.Scalar(UInt32.random(in: 0x80...0x7FF, using: &random))
                case 3: Unicode.Scalar(UInt32.random(in: 0x800...0xFFFF, using: &random))
                default: Unicode.Scalar(UInt32.random(in: 0x10000...0x10FFFF, using: &random))
                }
            if let scalar { text.append(contentsOf: Array(String(Character(scalar)).utf8)) }
        }
        return text
    }
}

/// A generator with a seed, so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
