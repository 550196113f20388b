import Testing

@testable import StargateCore

/// Feeds an assembler as a connection does, and owns what it needs.
private final class Assembly {
    var assembler = MessageAssembler()
    var pool = BufferPool()

    /// Takes in a frame in pieces of a size. Returns the violation, with how many payload bytes
    /// had been given when it was found.
    func take(
        _ first: UInt8,
        _ payload: [UInt8],
        key: [UInt8] = [7, 0, 0xFF, 0x42],
        piece: Int = .max,
        limit: Int = 1 << 20,
        fragmentLimit: Int = 100
    ) -> (ProtocolViolation, given: Int)? {
        let masked = payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
        let header = FrameHeader(
            firstByte: first,
            headerByteCount: 6,
            payloadByteCount: payload.count,
            maskingKey: key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        )
        if let violation = assembler.begin(
            header,
            messageByteCountMax: limit,
            fragmentCountMax: fragmentLimit
        ) {
            return (violation, 0)
        }
        var given = 0
        while given < masked.count {
            let end = min(masked.count, given + min(piece, masked.count))
            let violation = masked[given..<end].withUnsafeBytes {
                assembler.append($0, pool: &pool)
            }
            given = end
            if let violation { return (violation, given) }
        }
        return nil
    }

    var payload: [UInt8] { Array(assembler.payload.bytes) }

    /// Ends the message; true if all memory came back.
    func finish() -> Bool {
        assembler.reset(pool: &pool)
        let isClean = pool.lentByteCount == 0 && !assembler.isInProgress
        pool.removeAll()
        return isClean
    }
}

@Suite("Messages, assembled")
struct MessageAssemblerTests {
    static let text = Array("aé☃𝄞 – žluťoučký kůň".utf8)

    @Test("a frame in pieces of every size is the whole frame", arguments: 1...30)
    func pieces(piece: Int) {
        for first: UInt8 in [0x81, 0x82] {
            let assembly = Assembly()
            #expect(assembly.take(first, Self.text, piece: piece) == nil)
            #expect(assembly.assembler.isComplete)
            #expect(assembly.payload == Self.text)
            #expect(assembly.finish())
        }
    }

    @Test(
        "text split into two fragments at every byte, fed in pieces",
        arguments: 0...text.count,
        [1, 3, Int.max]
    )
    func fragments(cut: Int, piece: Int) {
        let assembly = Assembly()
        #expect(assembly.take(0x01, Array(Self.text[..<cut]), piece: piece) == nil)
        #expect(!assembly.assembler.isComplete)
        #expect(
            assembly.take(0x80, Array(Self.text[cut...]), key: [1, 1, 2, 9], piece: piece) == nil
        )
        #expect(assembly.assembler.isComplete)
        #expect(assembly.assembler.opcode == .text)
        #expect(assembly.payload == Self.text)
        #expect(assembly.finish())
    }

    @Test(
        "bad text is refused at the byte that makes it bad",
        arguments: [
            ([UInt8]([0x61, 0x80, 0x61, 0x61]), 2), ([0xC0, 0xAF, 0x61], 1),
            ([0x61, 0xED, 0xA0, 0x80], 3),
            ([0xF4, 0x90, 0x80, 0x80], 2), ([0xE2, 0x98, 0x61, 0x61], 3), ([0xFF, 0x61], 1),
            ([0xF8, 0x88, 0x80, 0x80, 0x80], 1),
        ]
    )
    func failsFast(text: [UInt8], bad: Int) throws {
        let assembly = Assembly()
        let found = try #require(assembly.take(0x01, text, piece: 1))
        #expect(found.0 == .invalidUTF8)
        #expect(found.given == bad)
        #expect(assembly.finish())
        // The same bytes are no concern of a binary message.
        let binary = Assembly()
        #expect(binary.take(0x82, text, piece: 1) == nil)
        #expect(binary.finish())
    }

    @Test(
        "text that ends within a character is refused at its end, not before",
        arguments: [1, 2, 3]
    )
    func unfinished(count: Int) throws {
        let assembly = Assembly()
        let part = Array("𝄞".utf8)[..<count]
        #expect(assembly.take(0x01, Array(part)) == nil)
        let found = try #require(assembly.take(0x80, []))
        #expect(found.0 == .invalidUTF8)
        #expect(assembly.finish())
    }

    @Test("the sequence of frames is that of RFC 6455 section 5.4")
    func sequence() throws {
        let nothing = Assembly()
        #expect(nothing.take(0x80, [1])?.0 == .continuationWithoutStart)
        #expect(nothing.take(0x00, [])?.0 == .continuationWithoutStart)
        #expect(nothing.finish())
        for second: UInt8 in [0x81, 0x82, 0x01, 0x02] {
            let assembly = Assembly()
            #expect(assembly.take(0x02, [1]) == nil)
            #expect(assembly.take(second, [1])?.0 == .messageInsideMessage)
            #expect(assembly.finish())
        }
    }

    @Test(
        "empty fragments in any place",
        arguments: [
            [[], []], [[], [], [65]], [[65], []], [[], [65], [], [66], []], [[UInt8]](),
        ]
    )
    func emptyFragments(parts: [[UInt8]]) {
        let assembly = Assembly()
        var first: UInt8 = 0x01
        for part in parts {
            #expect(assembly.take(first, part) == nil)
            #expect(!assembly.assembler.isComplete)
            first = 0x00
        }
        #expect(assembly.take(first | 0x80, []) == nil)
        #expect(assembly.assembler.isComplete)
        #expect(assembly.payload == parts.flatMap { $0 })
        #expect(assembly.finish())
    }

    @Test("the limit is for the sum of the fragments", arguments: [1, 10, 100, 5000])
    func sizeLimit(limit: Int) {
        for first in [0, 1, limit / 2, limit] {
            let assembly = Assembly()
            let start = [UInt8](repeating: 1, count: first)
            #expect(assembly.take(0x02, start, limit: limit) == nil)
            let tooMuch = [UInt8](repeating: 1, count: limit - first + 1)
            let found = assembly.take(0x00, tooMuch, limit: limit)
            #expect(found?.0 == .messageTooBig)
            #expect(found?.given == 0)
            #expect(assembly.finish())

            let exact = Assembly()
            #expect(exact.take(0x02, start, limit: limit) == nil)
            #expect(exact.take(0x80, Array(tooMuch.dropLast()), limit: limit) == nil)
            #expect(exact.assembler.isComplete)
            #expect(exact.finish())
        }
    }

    @Test("the sum cannot overflow")
    func sumOverflow() {
        let assembly = Assembly()
        #expect(assembly.take(0x02, [1, 2, 3], limit: .max) == nil)
        let header = FrameHeader(
            firstByte: 0x80,
            headerByteCount: 14,
            payloadByteCount: .max,
            maskingKey: 1
        )
        let violation = assembly.assembler.begin(
            header,
            messageByteCountMax: .max,
            fragmentCountMax: 100
        )
        #expect(violation == .messageTooBig)
        #expect(assembly.finish())
    }

    @Test("fragments are counted", arguments: [1, 2, 10])
    func fragmentLimit(limit: Int) {
        let assembly = Assembly()
        #expect(assembly.take(0x02, [], fragmentLimit: limit) == nil)
        for _ in 1..<limit { #expect(assembly.take(0x00, [], fragmentLimit: limit) == nil) }
        #expect(assembly.take(0x00, [], fragmentLimit: limit)?.0 == .tooManyFragments)
        #expect(assembly.finish())
    }

    @Test("memory grows with what arrived, not with what was announced")
    func announced() {
        let assembly = Assembly()
        let header = FrameHeader(
            firstByte: 0x82,
            headerByteCount: 14,
            payloadByteCount: 1 << 30,
            maskingKey: 1
        )
        let violation = assembly.assembler.begin(
            header,
            messageByteCountMax: 1 << 30,
            fragmentCountMax: 100
        )
        #expect(violation == nil)
        let one: [UInt8] = [1]
        let second = one.withUnsafeBytes { assembly.assembler.append($0, pool: &assembly.pool) }
        #expect(second == nil)
        #expect(assembly.pool.lentByteCount <= 256 << 10)
        #expect(assembly.finish())
    }

    @Test(
        "a large message in pieces of all kinds of sizes",
        arguments: [1000, 4095, 65536, 300_000]
    )
    func large(piece: Int) {
        var generator = SeededGenerator(state: 7)
        let payload = (0..<1_000_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let assembly = Assembly()
        #expect(assembly.take(0x82, payload, piece: piece) == nil)
        #expect(assembly.payload == payload)
        #expect(assembly.finish())
    }
}
