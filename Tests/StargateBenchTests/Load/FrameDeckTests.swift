import StargateCore
import Testing

@testable import StargateBenchKit

struct FrameDeckTests {
    private static let mix = [SizeShare(bytes: 3, weight: 2), SizeShare(bytes: 200, weight: 1)]

    private func echoes(of deck: PayloadDeck, from position: Int, count: Int) -> [UInt8] {
        (position..<position + count).flatMap { position in
            deck.withPayload(at: position) { payload in
                let size = payload.byteCount
                let first: UInt8 = deck.kind.isText ? 0x81 : 0x82
                let head: [UInt8] =
                    size < 126
                    ? [first, UInt8(size)] : [first, 126, UInt8(size >> 8), UInt8(size & 255)]
                return head + payload.withUnsafeBytes { Array($0) }
            }
        }
    }

    @Test(arguments: [0, 1, 20, 126], [PayloadKind.binary, .ascii])
    func `echoes match in runs, up to the first that does not`(size: Int, kind: PayloadKind) throws
    {
        let deck = PayloadDeck(kind: kind, messageSize: size, inFlight: 8, seed: 1)
        let frames = try #require(FrameDeck(deck, masks: .random))
        var bytes = echoes(of: deck, from: 7, count: 5)
        let all = bytes.count
        func match(_ limit: Int) -> FrameRun {
            bytes.withUnsafeBytes { frames.matching(from: 7, limit: limit, in: $0, at: 0) }
        }
        #expect(match(8) == FrameRun(byteCount: all, count: 5))
        #expect(match(3) == FrameRun(byteCount: all / 5 * 3, count: 3))
        bytes.append(0x81)
        #expect(match(8).count == 5)
        bytes[0] ^= 1
        #expect(match(8) == .none)
    }

    @Test func `sizes may differ, and runs end with the deck`() throws {
        let deck = PayloadDeck(kind: .binary, messageSize: 0, mix: Self.mix, inFlight: 8, seed: 3)
        let frames = try #require(FrameDeck(deck, masks: .random))
        let last = deck.positionCount - 2
        let bytes = echoes(of: deck, from: last, count: 4)
        bytes.withUnsafeBytes { bytes in
            let run = frames.matching(from: last, limit: 4, in: bytes, at: 0)
            #expect(run.count == 2)
            let rest = frames.matching(
                from: last + 2,
                limit: 2,
                in: bytes,
                at: run.byteCount
            )
            #expect(rest.count == 2)
            #expect(run.byteCount + rest.byteCount == bytes.count)
        }
    }

    @Test(arguments: [MaskChoice.random, .zero])
    func `what goes out is masked, and is the payload without it`(masks: MaskChoice) throws {
        let deck = PayloadDeck(kind: .ascii, messageSize: 20, inFlight: 8, seed: 1)
        let frames = try #require(FrameDeck(deck, masks: masks))
        var keys: Set<[UInt8]> = []
        let (bytes, count) = frames.withOutgoing(from: 5, limit: 4) { span, _ in
            span.withUnsafeBytes { Array($0) }
        }
        #expect(count == 4)
        #expect(bytes.count == 4 * 26)
        for index in 0..<4 {
            let frame = Array(bytes[index * 26..<(index + 1) * 26])
            #expect(frame[0] == 0x81 && frame[1] == 0x80 | 20)
            let key = Array(frame[2..<6])
            keys.insert(key)
            let payload = frame[6...].enumerated().map { $1 ^ key[$0 & 3] }
            #expect(deck.withPayload(at: 5 + index) { $0.withUnsafeBytes { Array($0) } } == payload)
        }
        #expect(masks == .zero ? keys == [[0, 0, 0, 0]] : keys.count > 1)
    }

    @Test func `a deck too large for the caches stays as it is`() {
        let deck = PayloadDeck(kind: .binary, messageSize: 64 << 10, inFlight: 1, seed: 1)
        #expect(FrameDeck(deck, masks: .random) == nil)
    }

    @Test func `messages that left together are one entry`() {
        var queue = DepartureQueue(capacity: 1)
        for number in 0..<100 {
            let moment = UInt64(number / 10)
            queue.append(upTo: UInt64(number + 1), Departure(sentAt: moment, dueAt: moment))
        }
        #expect(queue.departure(of: 55)?.sentAt == 5)
        #expect(queue.take(from: 0, atMost: 7).count == 7)
        let (departure, count) = queue.take(from: 7, atMost: 7)
        #expect(departure.sentAt == 0 && count == 3)
        queue.removeAll(before: 42)
        #expect(queue.oldest?.sentAt == 4)
        queue.removeAll(before: 100)
        #expect(queue.isEmpty && queue.oldest == nil)
    }

    @Test func `what is due can be counted without sending it`() {
        let table = Timetable(rate: 1000, connections: 4, turn: 1, phase: 0, ramp: 0)
        for moment in [0, 999_999, 1_000_000, 5_000_000, 123_456_789] as [UInt64] {
            for first in [0, 3, 20] as [UInt64] {
                let plain = (first..<first + 60).prefix { table.moment(of: $0, since: 5) <= moment }
                let count = table.count(from: first, dueBy: moment, since: 5, limit: 60)
                #expect(count == UInt64(plain.count), "\(moment) \(first)")
            }
        }
    }

    @Test func `late and repeated messages of a stream are told apart`() {
        var check = SequenceCheck()
        #expect((0...2).map { check.take($0) } == [.next, .next, .next])
        #expect(check.take(5) == .ahead(skipped: 2))
        #expect(check.take(4) == .late)
        #expect(check.take(4) == .again)
        #expect(check.take(3) == .late)
        #expect(check.take(0) == .again)
        #expect(check.take(6) == .next)
    }
}
