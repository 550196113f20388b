import Testing

@testable import StargateCore

@Suite("Bytes of a head")
struct HeadByteTests {
    @Test("exactly the token characters are token characters")
    func tokens() {
        let punctuation = "!#$%&'*+-.^_`|~"
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let expected = Set((punctuation + letters + "0123456789").utf8)
        let found = Set((UInt8.min...UInt8.max).filter(HeadByte.isToken))
        #expect(found == expected)
    }

    @Test("eight bytes at once say the same as one by one", arguments: [0x20, 0x21] as [UInt8])
    func words(bound: UInt8) {
        for byte in UInt8.min...UInt8.max {
            let isMarked = byte < bound || byte == 0x7F
            for place in 0..<8 {
                for filler in [0x21, 0x7E, 0x80, 0xFF] as [UInt8] {
                    var bytes = [UInt8](repeating: filler, count: 8)
                    bytes[place] = byte
                    let word = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                    let marks = HeadWord.controls(in: word, below: bound)
                    #expect((marks != 0) == isMarked)
                    if isMarked { #expect(HeadWord.firstIndex(marks) == place) }
                }
            }
        }
    }

    @Test("the first of two marks is the one that is found")
    func firstMark() {
        for first in 0..<8 {
            for second in first..<8 {
                var bytes = [UInt8](repeating: 0x41, count: 8)
                bytes[first] = 0x7F
                bytes[second] = 0x0A
                let word = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                #expect(HeadWord.firstIndex(HeadWord.controls(in: word, below: 0x20)) == first)
            }
        }
    }

    @Test(
        "hexadecimal digits",
        arguments: zip(
            "0123456789abcdefABCDEF".utf8,
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 10, 11, 12, 13, 14, 15]
                as [UInt8]
        )
    )
    func hexDigits(digit: UInt8, value: UInt8) {
        #expect(HeadByte.hexValue(digit) == value)
    }

    @Test("what is no hexadecimal digit", arguments: "/:@G`g \0".utf8)
    func noHexDigits(digit: UInt8) {
        #expect(HeadByte.hexValue(digit) == nil)
    }

    /// Every byte at every place, between bytes that belong.
    @Test("words are tested against the alphabets of base64 and of usual hosts")
    func alphabets() {
        let word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        let base64 = Set((word + "+/").utf8)
        let hosts = Set((word + "-.").utf8)
        for byte in 0...255 as ClosedRange<UInt8> {
            for place in 0..<8 {
                let shift = UInt64(place * 8)
                let others = 0x7A41_3930_5A61_6239 & ~(0xFF << shift) as UInt64
                let word = others | UInt64(byte) << shift
                let mark = 0x80 << shift as UInt64
                #expect(HeadWord.notBase64(in: word) == (base64.contains(byte) ? 0 : mark))
                #expect(HeadWord.notUsualInHosts(in: word) == (hosts.contains(byte) ? 0 : mark))
            }
        }
    }
}
