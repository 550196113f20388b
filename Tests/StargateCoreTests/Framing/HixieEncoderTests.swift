import Testing

@testable import StargateCore

@Suite("Hixie frames, sent")
struct HixieEncoderTests {
    @Test(
        "text lies between 00 and FF",
        arguments: [
            "", "Hello", "é☃", "\u{0}", "\u{10FFFF}", String(repeating: "long ", count: 5000),
        ]
    )
    func text(_ text: String) {
        var text = text
        text.makeContiguousUTF8()
        var buffer = [UInt8](repeating: 0xAA, count: text.utf8.count + 3)
        let count = buffer.withUnsafeMutableBytes {
            HixieEncoder.writeText(text.utf8Span, to: $0)
        }
        #expect(buffer == [0x00] + Array(text.utf8) + [0xFF, 0xAA])
        #expect(count == text.utf8.count + HixieEncoder.overhead)
    }

    @Test("the drafts' own examples")
    func examples() {
        let text = "Hello"
        var buffer = [UInt8](repeating: 0, count: 7)
        let count = buffer.withUnsafeMutableBytes {
            HixieEncoder.writeText(text.utf8Span, to: $0)
        }
        #expect(buffer == [0x00, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0xFF])
        #expect(count == 7)
        #expect(HixieEncoder.closeFrame == [0xFF, 0x00])
    }

    @Test("the scanner reads back what the encoder wrote")
    func roundTrip() {
        for count in [0, 1, 7, 8, 9, 125, 126, 65_535, 65_536] {
            let text = String(repeating: "x", count: count)
            var buffer = [UInt8](repeating: 0, count: count + HixieEncoder.overhead)
            _ = buffer.withUnsafeMutableBytes { HixieEncoder.writeText(text.utf8Span, to: $0) }
            var scanner = HixieScanner(version: .hixie76, maxMessageSize: 0)
            var cursor = 0
            let event = buffer.withUnsafeBytes { scanner.next($0, from: &cursor) }
            #expect(event == .text(1..<(count + 1), isEndOfFrame: true))
            #expect(cursor == buffer.count)
        }
    }
}
