import Testing

@testable import StargateCore

@Suite("permessage-deflate, attacked")
struct PerMessageDeflateAttackTests {
    @Test("a bomb stops at the limit, and so does the memory", arguments: [true, false])
    func bomb(hasContextTakeover: Bool) {
        var deflater = Deflater(windowBits: 15, memoryLevel: 9, level: 9, hasContextTakeover: true)
        let payload = compress(&deflater, [UInt8](repeating: 0, count: 32 << 20)).payload
        #expect(payload.count < 40_000)
        for limit in [0, 1, 1000, 65_536, 1 << 20] {
            var inflater = Inflater(windowBits: 15, hasContextTakeover: hasContextTakeover)
            let whole = inflate(&inflater, [payload], limit: limit)
            #expect(whole.outcome == .tooBig)
            #expect(whole.bytes.count <= limit)
            #expect(inflater.holdsMemory == false)
            // Unfinished, and in pieces: noticed without waiting for the end.
            var buffer = MessageBuffer(limit: limit)
            let half = Array(payload.prefix(payload.count / 2))
            #expect(feed(&inflater, half, false, limit, &buffer) == .tooBig)
            #expect(buffer.capacity <= limit)
        }
    }

    @Test(
        "the limit is exact",
        arguments: [0, 1, 255, 256, 16_383, 16_384, 16_385, 32_768, 70_000]
    )
    func exactLimit(count: Int) {
        for byte in [UInt8(0x61), 0x00] {
            let message = [UInt8](repeating: byte, count: count)
            var deflater = Deflater(
                windowBits: 15,
                memoryLevel: 8,
                level: 6,
                hasContextTakeover: true
            )
            var inflater = Inflater(windowBits: 15, hasContextTakeover: false)
            let payload = compress(&deflater, message).payload
            let fitting = inflate(&inflater, [payload], limit: count)
            #expect(fitting == .init(outcome: .done, bytes: message))
            if count > 0 {
                #expect(inflate(&inflater, [payload], limit: count - 1).outcome == .tooBig)
            }
            let pieces = payload.map { [$0] }
            #expect(inflate(&inflater, pieces, limit: count).outcome == .done)
        }
    }

    @Test("many messages below the limit leave no memory behind")
    func manyMessages() {
        var deflater = Deflater(windowBits: 15, memoryLevel: 8, level: 6, hasContextTakeover: false)
        let payload = compress(&deflater, [UInt8](repeating: 0x20, count: 100_000)).payload
        var inflater = Inflater(windowBits: 15, hasContextTakeover: false)
        var buffer = MessageBuffer(limit: 100_000)
        for _ in 0..<200 {
            buffer.removeAll(keepingAtMost: 4096)
            #expect(buffer.capacity <= 4096)
            #expect(feed(&inflater, payload, true, 100_000, &buffer) == .done)
            #expect(buffer.count == 100_000)
        }
    }

    @Test("a hundred thousand empty stored blocks are nothing, in linear time")
    func emptyBlocks() {
        let block: [UInt8] = [0x00, 0x00, 0x00, 0xFF, 0xFF]
        var payload: [UInt8] = []
        payload.reserveCapacity(500_001)
        for _ in 0..<100_000 { payload += block }
        payload.append(0x00)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
        #expect(inflate(&inflater, [payload], limit: 10) == .init(outcome: .done, bytes: []))
        // The same with every block final: each is a stop and a start of zlib.
        payload = []
        for _ in 0..<100_000 { payload += [0x01, 0x00, 0x00, 0xFF, 0xFF] }
        payload.append(0x00)
        #expect(inflate(&inflater, [payload], limit: 10) == .init(outcome: .done, bytes: []))
        payload = []
        for _ in 0..<100_000 { payload += [0x03, 0x00] }
        #expect(inflate(&inflater, [payload], limit: 10) == .init(outcome: .done, bytes: []))
    }

    @Test(
        "broken streams are refused, and the inflater is usable afterwards",
        arguments: [
            "07",  // block type 3
            "ff", "ffffffffffff",
            "000500fafe48656c6c6f00",  // a stored length that contradicts its complement
            "f248cdc9c9",  // truncated inside a code
            "f248cdc9c907",  // truncated before the end of the block
            "000500faff4865",  // truncated inside a stored block
            "000500faff48656c6c6f",  // without the empty block's first byte
            "f200110000",  // refers to what never was
            "0001", "00000000ffff0001",
            "ed fd",  // a dynamic block with impossible codes
            "f348cdc9c90700 07",  // broken behind a final block
        ]
    )
    func broken(payload: String) {
        for hasContextTakeover in [false, true] {
            var inflater = Inflater(windowBits: 15, hasContextTakeover: hasContextTakeover)
            let bytes = hex(payload)
            #expect(inflate(&inflater, [bytes]).outcome == .invalid)
            #expect(inflater.isInMessage == false && inflater.holdsMemory == false)
            #expect(inflate(&inflater, bytes.map { [$0] }).outcome == .invalid)
            let hello = inflate(&inflater, [hex("f248cdc9c90700")])
            #expect(hello == .init(outcome: .done, bytes: Array("Hello".utf8)))
        }
    }

    @Test("a reference beyond the agreed window is refused")
    func window() {
        var deflater = Deflater(windowBits: 15, memoryLevel: 9, level: 9, hasContextTakeover: true)
        var message: [UInt8] = []
        var state: UInt64 = 88_172_645_463_325_252
        for _ in 0..<4000 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            message.append(UInt8(truncatingIfNeeded: state))
        }
        let first = compress(&deflater, message).payload
        let second = compress(&deflater, message).payload
        #expect(second.count < 200)
        var wide = Inflater(windowBits: 15, hasContextTakeover: true)
        #expect(inflate(&wide, [first]).outcome == .done)
        #expect(inflate(&wide, [second]) == .init(outcome: .done, bytes: message))
        var narrow = Inflater(windowBits: 9, hasContextTakeover: true)
        #expect(inflate(&narrow, [first]).outcome == .done)
        #expect(inflate(&narrow, [second]).outcome == .invalid)
    }

    @Test(
        "random payloads never trap, and their pieces give what the whole gives",
        arguments: 0..<50
    )
    func randomPayloads(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let good = hex(
            "aa562aa92c4855b2522a294a4c4955d2512aaecc4dcacf010a383a39bb00f9054599c940794303433d2353a0"
                + "74661590676c60500b00"
        )
        for _ in 0..<20 {
            var payload = random(2) == 0 ? good : (0..<random(60)).map { _ in UInt8(random(256)) }
            if !payload.isEmpty { payload[random(payload.count)] ^= UInt8(1 << random(8)) }
            var whole = Inflater(windowBits: 15, hasContextTakeover: false)
            var pieces = Inflater(windowBits: 15, hasContextTakeover: false)
            let expected = inflate(&whole, [payload], limit: 4000)
            let result = inflate(&pieces, payload.map { [$0] } + [[]], limit: 4000)
            #expect(result.outcome == expected.outcome)
            if expected.outcome == .done { #expect(result.bytes == expected.bytes) }
        }
    }
}
