import Testing

@testable import StargateBenchKit

@Suite struct PayloadDeckTests {
    private static func payload(_ deck: PayloadDeck, _ position: Int) -> [UInt8] {
        deck.withPayload(at: position) { span in
            span.withUnsafeBytes { Array($0) }
        }
    }

    @Test(arguments: PayloadKind.allCases, [0, 1, 7, 8, 9, 20, 125, 126, 127, 4096, 65_536])
    func `a message has the size asked for`(kind: PayloadKind, size: Int) {
        let deck = PayloadDeck(kind: kind, messageSize: size, inFlight: 1, seed: 1)
        #expect(Self.payload(deck, 0).count == size)
        #expect(Self.payload(deck, deck.positionCount - 1).count == size)
        #expect(Self.payload(deck, -1) == Self.payload(deck, deck.positionCount - 1))
    }

    @Test(arguments: [PayloadKind.ascii, .mixed], Array(0...17) + [125, 1000])
    func `a text is valid at every cut`(kind: PayloadKind, size: Int) throws {
        let deck = PayloadDeck(kind: kind, messageSize: size, inFlight: 1, seed: 42)
        for position in 0..<deck.positionCount {
            let bytes = Self.payload(deck, position)
            let text = try #require(String(validating: bytes, as: UTF8.self))
            if kind == .ascii { #expect(text.utf8.allSatisfy { $0 < 0x80 }) }
            deck.withText(at: position) { #expect($0.count == size) }
        }
    }

    @Test func `mixed text holds characters of every length`() throws {
        let deck = PayloadDeck(kind: .mixed, messageSize: 18, inFlight: 1, seed: 1)
        var lengths: Set<Int> = []
        let other = PayloadDeck(kind: .mixed, messageSize: 24, inFlight: 1, seed: 1)
        for bytes in [Self.payload(deck, 0), Self.payload(other, 0)] {
            let text = try #require(String(validating: bytes, as: UTF8.self))
            lengths.formUnion(text.unicodeScalars.map { UTF8.width($0) })
        }
        #expect(lengths == [1, 2, 3, 4])
    }

    @Test(arguments: PayloadKind.allCases, [8, 9, 12, 15, 16, 20])
    func `no two messages of a deck are alike`(kind: PayloadKind, size: Int) {
        guard size >= kind.distinctSize else { return }
        let deck = PayloadDeck(kind: kind, messageSize: size, inFlight: 3000, seed: 7)
        #expect(deck.positionCount >= 4 * 3000)
        let distinct = Set((0..<deck.positionCount).map { Self.payload(deck, $0) })
        #expect(distinct.count == deck.positionCount)
    }

    @Test func `JSON comes in whole lines, each of them an object`() throws {
        let deck = PayloadDeck(kind: .json, messageSize: 1024, inFlight: 1, seed: 3)
        var seen: Set<Substring> = []
        for position in 0..<deck.positionCount {
            let text = try #require(
                String(validating: Self.payload(deck, position), as: UTF8.self)
            )
            #expect(text.utf8.allSatisfy { $0 < 0x80 })
            #expect(text.hasSuffix("\n"))
            let lines = text.split(separator: "\n")
            #expect(lines.count == 8)
            // A compressor with a memory must not find a message in the one before.
            #expect(seen.isDisjoint(with: lines))
            seen.formUnion(lines)
            guard position % 64 == 0 else { continue }
            for line in lines {
                let object = try JSONValue(parsing: String(line))
                #expect(object["device"] != nil, "\(line)")
                #expect(object["site"] != nil, "\(line)")
            }
        }
    }

    @Test func `the seed decides`() {
        let decks = [1, 1, 2].map {
            PayloadDeck(kind: .binary, messageSize: 64, inFlight: 1, seed: $0)
        }
        #expect(Self.payload(decks[0], 5) == Self.payload(decks[1], 5))
        #expect(Self.payload(decks[0], 5) != Self.payload(decks[2], 5))
    }

    @Test(arguments: [0, 1, 7, 8, 63])
    func `the first difference is found`(offset: Int) {
        let deck = PayloadDeck(kind: .binary, messageSize: 64, inFlight: 1, seed: 1)
        var bytes = Self.payload(deck, 3)
        bytes.withUnsafeBytes { #expect(deck.firstDifference(at: 3, from: $0.bytes) == nil) }
        bytes[offset] ^= 0x10
        bytes.withUnsafeBytes {
            #expect(deck.firstDifference(at: 3, from: $0.bytes) == offset)
            let isEqual = deck.isEqual(at: 3, to: $0.bytes)
            #expect(!isEqual)
        }
    }

    @Test(arguments: [10, 35, 48, 64])
    func `the permutation is one`(bits: Int) {
        let numbers: Range<UInt64> = 0..<1024
        let mixed = Set(numbers.map { Permutation.mix($0, bits: bits, seed: 99) })
        #expect(mixed.count == 1024)
        #expect(mixed.allSatisfy { bits == 64 || $0 < 1 << UInt64(bits) })
    }
}
