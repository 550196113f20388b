import Testing

@testable import StargateCore

@Suite("permessage-deflate, messages")
struct PerMessageDeflateTests {
    static let trades = [
        #"{"type":"trade","symbol":"ABCD","price":101.25,"size":300}"#,
        #"{"type":"trade","symbol":"ABCE","price":101.50,"size":200}"#,
    ]

    /// Payloads that others made, message after message with context takeover, and their meaning.
    static let vectors: [(name: String, payloads: [String], texts: [String])] = [
        ("RFC 7692 7.2.3.1", ["f248cdc9c90700"], ["Hello"]),
        ("RFC 7692 7.2.3.1, two blocks", ["f248050000 00ffffcac9c90700"], ["Hello"]),
        ("RFC 7692 7.2.3.2, takeover", ["f248cdc9c90700", "f200110000"], ["Hello", "Hello"]),
        ("RFC 7692 7.2.3.3, stored", ["000500faff48656c6c6f00"], ["Hello"]),
        ("RFC 7692 7.2.3.4, BFINAL", ["f348cdc9c9070000"], ["Hello"]),
        ("BFINAL without a byte behind it", ["f348cdc9c90700"], ["Hello"]),
        ("BFINAL, then takeover", ["f348cdc9c9070000", "f200110000"], ["Hello", "Hello"]),
        (
            "two final blocks in one message", ["f348cdc9c90700 f348cdc9c90700 00"],
            ["HelloHello"]
        ),
        ("RFC 7692 7.2.3.6, empty", ["00"], [""]),
        ("empty final block", ["0300 00"], [""]),
        ("no payload at all", [""], [""]),
        (
            "empty between others", ["f248cdc9c90700", "00", "", "f200110000"],
            ["Hello", "", "", "Hello"]
        ),
        (
            "zlib, any window, and Python's websockets",
            [
                "aa562aa92c4855b2522a294a4c4955d2512aaecc4dcacf010a383a39bb00f9054599c94079430343"
                    + "3d2353a074661590676c60500b00",
                "aac6a7d31555a7a9014ca711502700",
            ], trades
        ),
        (
            "zlib, finished stream",
            [
                "ab562aa92c4855b2522a294a4c4955d2512aaecc4dcacf010a383a39bb00f9054599c94079430343"
                    + "3d2353a074661590676c60500b00"
            ], [trades[0]]
        ),
        (
            "zlib, dynamic codes, window of 512 bytes",
            [
                "eccb3b0e80201084e1bb6c6dcc82a1b1f375101f14241a09d220f1ee6e63e115c894ff4cbe4c3179"
                    + "4b2dc5306f962abad2b19cbb0c5d3f8cd23eb8557ec5aad6466e774b35cc4f868484848484848"
                    + "42c5f4e7f69f8931a12121212121212b218f902"
            ],
            [String(repeating: trades[0], count: 40) + String(repeating: trades[1], count: 40)]
        ),
    ]

    @Test("payloads of other programs, whole and cut at every point")
    func vectorsInPieces() {
        for (name, payloads, texts) in Self.vectors {
            for cut in 0...(payloads.map(\.count).max() ?? 0) {
                var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
                for (payload, text) in zip(payloads, texts) {
                    let bytes = hex(payload)
                    let split = min(cut, bytes.count)
                    let pieces = [Array(bytes[..<split]), Array(bytes[split...])]
                    let result = inflate(&inflater, pieces)
                    #expect(result.outcome == .done, "\(name) cut at \(cut)")
                    #expect(result.bytes == Array(text.utf8), "\(name) cut at \(cut)")
                }
            }
            var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
            for (payload, text) in zip(payloads, texts) {
                let result = inflate(&inflater, hex(payload).map { [$0] })
                #expect(result == .init(outcome: .done, bytes: Array(text.utf8)), "\(name)")
                #expect(inflater.isInMessage == false)
            }
        }
    }

    @Test(
        "what was compressed is inflated again: all windows, both takeover modes",
        arguments: 9...15
    )
    func roundTrips(windowBits: Int) {
        for hasContextTakeover in [false, true] {
            for (level, memoryLevel) in [(1, 1), (6, 8), (9, 9)] {
                var deflater = Deflater(
                    windowBits: windowBits,
                    memoryLevel: memoryLevel,
                    level: level,
                    hasContextTakeover: hasContextTakeover
                )
                var inflater = Inflater(
                    windowBits: windowBits,
                    hasContextTakeover: hasContextTakeover
                )
                for message in messages() {
                    let (outcome, payload) = compress(&deflater, message)
                    if outcome == .notSmaller {
                        #expect(!hasContextTakeover && payload.isEmpty)
                        continue
                    }
                    #expect(outcome == .compressed)
                    let result = inflate(&inflater, [payload])
                    #expect(result.outcome == .done)
                    #expect(result.bytes == message, "\(message.count) bytes")
                }
            }
        }
    }

    @Test("messages in random pieces give what the whole gives", arguments: 0..<10)
    func randomPieces(seed: UInt64) {
        var random = Xorshift(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        var deflater = Deflater(
            windowBits: 12,
            memoryLevel: 5,
            level: 6,
            hasContextTakeover: true
        )
        var inflater = Inflater(windowBits: 12, hasContextTakeover: true)
        for message in messages() {
            let payload = compress(&deflater, message).payload
            var pieces: [[UInt8]] = [[]]
            var rest = payload[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...700, using: &random))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(inflate(&inflater, pieces) == .init(outcome: .done, bytes: message))
        }
    }

    @Test("takeover makes the second of two equal messages small, and reset makes it as the first")
    func takeover() {
        let message = Array(Self.trades[0].utf8)
        var with = Deflater(windowBits: 15, memoryLevel: 8, level: 6, hasContextTakeover: true)
        let first = compress(&with, message).payload
        let second = compress(&with, message).payload
        #expect(second.count < first.count / 4)

        var without = Deflater(windowBits: 15, memoryLevel: 8, level: 6, hasContextTakeover: false)
        #expect(compress(&without, message).payload == first)
        #expect(compress(&without, message).payload == first)

        // The peer that promised to refer to nothing and does is found out.
        var inflater = Inflater(windowBits: 15, hasContextTakeover: false)
        #expect(inflate(&inflater, [first]).outcome == .done)
        #expect(inflate(&inflater, [second]).outcome == .invalid)
        #expect(inflater.holdsMemory == false)
        // One connection's failure is not the next one's.
        #expect(inflate(&inflater, [first]) == .init(outcome: .done, bytes: message))
    }

    @Test("an empty message is one zero byte and does not disturb the others")
    func empty() {
        for hasContextTakeover in [false, true] {
            var deflater = Deflater(
                windowBits: 15,
                memoryLevel: 8,
                level: 6,
                hasContextTakeover: hasContextTakeover
            )
            var inflater = Inflater(windowBits: 15, hasContextTakeover: hasContextTakeover)
            for message in [[], Array(Self.trades[0].utf8), [], Array(Self.trades[1].utf8), []] {
                let (outcome, payload) = compress(&deflater, message)
                #expect(outcome == .compressed)
                if message.isEmpty { #expect(payload == [0x00]) }
                #expect(inflate(&inflater, [payload]) == .init(outcome: .done, bytes: message))
            }
        }
    }

    @Test("what does not shrink is left alone where that is allowed")
    func incompressible() {
        let noise = noise(5000)
        var without = Deflater(windowBits: 15, memoryLevel: 8, level: 1, hasContextTakeover: false)
        let (outcome, payload) = compress(&without, noise)
        #expect(outcome == .notSmaller && payload.isEmpty)

        var with = Deflater(windowBits: 15, memoryLevel: 8, level: 1, hasContextTakeover: true)
        let larger = compress(&with, noise)
        #expect(larger.outcome == .compressed && larger.payload.count > noise.count)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
        #expect(inflate(&inflater, [larger.payload]) == .init(outcome: .done, bytes: noise))
    }

    @Test("a compressor that lost its memory goes on without its history")
    func releasedCompressor() {
        let message = Array(Self.trades[0].utf8)
        var deflater = Deflater(windowBits: 12, memoryLevel: 5, level: 6, hasContextTakeover: true)
        var inflater = Inflater(windowBits: 12, hasContextTakeover: true)
        #expect(deflater.holdsMemory == false && inflater.holdsMemory == false)
        for _ in 0..<3 {
            let payload = compress(&deflater, message).payload
            #expect(inflate(&inflater, [payload]) == .init(outcome: .done, bytes: message))
            #expect(deflater.holdsMemory == true && inflater.holdsMemory == true)
            deflater.releaseMemory()
            inflater.releaseMemory()
            #expect(deflater.holdsMemory == false)
            #expect(inflater.holdsMemory == true, "the peer may still refer to this history")
        }
        var shared = Inflater(windowBits: 15, hasContextTakeover: false)
        let payload = compress(&deflater, message).payload
        var buffer = MessageBuffer(limit: 1000)
        #expect(feed(&shared, Array(payload.prefix(3)), false, 1000, &buffer) == .done)
        shared.releaseMemory()
        #expect(shared.isInMessage == true && shared.holdsMemory == true, "not inside a message")
        #expect(feed(&shared, Array(payload.dropFirst(3)), true, 1000, &buffer) == .done)
        shared.releaseMemory()
        #expect(shared.holdsMemory == false)
        #expect(inflate(&shared, [payload]) == .init(outcome: .done, bytes: message))
    }

    @Test("a buffer that is too small leaves the message uncompressed and the stream usable")
    func smallBuffer() {
        var deflater = Deflater(windowBits: 15, memoryLevel: 8, level: 6, hasContextTakeover: true)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
        let message = noise(2000)
        for limit in [0, 1, 6, 100, 1999] {
            var buffer = MessageBuffer(limit: limit)
            let outcome = message.withUnsafeBytes { deflater.compress($0, into: &buffer) }
            #expect(outcome == .failed)
            #expect(buffer.count == 0)
        }
        let payload = compress(&deflater, message).payload
        #expect(inflate(&inflater, [payload]) == .init(outcome: .done, bytes: message))
    }
}

/// A generator with a seed, so that a failure can be repeated.
private struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

extension PerMessageDeflateTests {
    private func messages() -> [[UInt8]] {
        var result: [[UInt8]] = [
            [], [0x41], Array(Self.trades[0].utf8), Array(Self.trades[1].utf8),
        ]
        result.append([UInt8](repeating: 0x7A, count: 100_000))
        result.append(Array(String(repeating: Self.trades[0], count: 300).utf8))
        for count in [1, 3, 125, 126, 4096, 16_383, 16_384, 16_385, 40_000] {
            result.append(noise(count))
        }
        result.append(Array(Self.trades[0].utf8))
        return result
    }

    private func noise(_ count: Int) -> [UInt8] {
        var random = Xorshift(state: UInt64(count) | 1)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
