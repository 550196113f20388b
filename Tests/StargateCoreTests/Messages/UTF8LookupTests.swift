#if arch(x86_64)
import CVector
import Testing

@testable import StargateCore

/// The vector code against the scalar code, which UTF8ValidatorTests hold against the standard
/// library.
@Suite("UTF-8 validation by vectors", .enabled(if: stargate_utf8_has_lookup() != 0))
struct UTF8LookupTests {
    /// The edges of every class of bytes.
    static let edges: [UInt8] = [
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
        0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF,
    ]

    /// The edges that matter behind the second byte, where no rule is but to be a continuation.
    static let laterEdges: [UInt8] = [0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xF0, 0xFF]

    @Test(
        "sequences of four bytes agree, across the edges of blocks and at the end",
        arguments: edges
    )
    func fourBytes(first: UInt8) {
        // Behind ASCII, among wide characters, across the first edge, and at the end of the text.
        let places: [(before: [UInt8], after: [UInt8])] = [
            ([UInt8](repeating: 0x61, count: 14), [UInt8](repeating: 0x61, count: 30)),
            (Array(String(repeating: "é☃", count: 6).utf8), [UInt8](repeating: 0x61, count: 61)),
            ([UInt8](repeating: 0x61, count: 77), []),
        ]
        var mismatches: [[UInt8]] = []
        for (before, after) in places {
            var text = before + [first, 0, 0, 0] + after
            let index = before.count
            for second in Self.edges {
                text[index + 1] = second
                for third in Self.laterEdges {
                    text[index + 2] = third
                    for fourth in Self.laterEdges {
                        text[index + 3] = fourth
                        if !allAgree(text) { mismatches.append([second, third, fourth]) }
                    }
                }
            }
        }
        #expect(mismatches.isEmpty)
    }

    @Test(
        "every length agrees, with an error at every place and with none",
        arguments: [
            "a", "é", "☃", "😀", "aé☃😀b",
        ]
    )
    func everyPlace(pattern: String) {
        let shortest = Int(STARGATE_UTF8_LOOKUP_MIN)
        for count in [shortest, 20, 31, 32, 33, 34, 35, 47, 48, 49, 63, 64, 65, 80, 81, 111, 112] {
            var text = Array(String(repeating: pattern, count: count).utf8.prefix(count))
            #expect(allAgree(text))
            for index in text.indices {
                let byte = text[index]
                for wrong: UInt8 in [0x61, 0x80, 0xC3, 0xFF] {
                    text[index] = wrong
                    if !allAgree(text) { Issue.record("\(wrong) at \(index) of \(count)") }
                }
                text[index] = byte
            }
        }
    }

    /// Whether every function that this processor can run says the same.
    private func allAgree(_ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            let count = bytes.count
            let expected = UTF8Validator.isValidScalar(base, from: 0, to: count)
            let start = base.assumingMemoryBound(to: UInt8.self)
            guard UTF8Validator.isValid(bytes) == expected,
                (stargate_utf8_is_valid(start, count) != 0) == expected
            else { return false }
            // The two below leave an open end to the function that calls them.
            guard !endsOpen(text) else { return !expected }
            guard (stargate_utf8_is_valid_ssse3(start, count) != 0) == expected else {
                return false
            }
            guard count >= 35, stargate_has_avx2() != 0 else { return true }
            return (stargate_utf8_is_valid_avx2(start, count) != 0) == expected
        }
    }

    private func endsOpen(_ text: [UInt8]) -> Bool {
        let count = text.count
        return text[count - 1] >= 0xC0 || text[count - 2] >= 0xE0 || text[count - 3] >= 0xF0
    }
}
#endif
