// What one connection of the echo mode has sent and not yet got back. It sees every echo and says
// whether it is the right one.

internal import StargateCore

/// What is wrong with an echo.
enum EchoFault: Equatable, Sendable {
    /// Text came back as binary, or the reverse.
    case wrongType(message: UInt64, isText: Bool)
    case wrongLength(message: UInt64, expected: Int, received: Int)
    /// The length is right, the content is not.
    case corrupt(message: UInt64, offset: Int)
    /// It came after the echo of a message that was sent later.
    case reordered(message: UInt64)
    /// It came before.
    case duplicate(message: UInt64)
    /// Nothing was in flight, and it is no echo of what was.
    case unexpected(length: Int)
}

/// How much of the echoes is compared.
enum CheckMode: String, Sendable, CaseIterable {
    /// Every byte of every echo.
    case full
    /// Every byte of one echo in 64; of the others the type and the length.
    case sample
    /// The type and the length.
    case off
}

/// What an echo turned out to be.
enum EchoVerdict: Equatable, Sendable {
    /// The next in order, byte for byte.
    case good(Departure)
    /// Right, but some that were sent before it are not back yet. Those are lost or late; which of
    /// the two, the rest of the run tells.
    case early(Departure, overtaken: Int)
    case wrong(EchoFault)
}

/// The messages of a connection between sending and return, in order.
///
/// Messages are numbered from 0. In steady state it allocates nothing: its ring is as large as the
/// number of messages in flight, and the other arrays stay empty until a server makes a mistake.
struct EchoVerifier {
    private let deck: PayloadDeck
    /// The position in the deck of message 0: another one for each connection.
    private let base: Int
    /// From `oldest` to `nextToSend`.
    private var departures: DepartureQueue
    private let check: CheckMode
    /// Echoes whose bytes were compared.
    private(set) var checkedCount: UInt64 = 0
    private(set) var nextToSend: UInt64 = 0
    /// The oldest message that is neither back nor overtaken.
    private(set) var oldest: UInt64 = 0
    /// Messages that later ones overtook, oldest first: late or lost, we do not know yet.
    private var overtaken: [Overtaken] = []

    private struct Overtaken {
        let number: UInt64
        let sentAt: UInt64
    }

    init(deck: PayloadDeck, connection: Int, depth: Int, check: CheckMode = .full) {
        self.deck = deck
        self.check = check
        base = Int(
            truncatingIfNeeded: Permutation.mix(UInt64(connection), bits: 32, seed: 0x5EED)
        )
        departures = DepartureQueue(capacity: min(depth, 1024))
    }

    /// The number of messages whose echo is outstanding.
    @inline(__always)
    var inFlight: Int { Int(truncatingIfNeeded: nextToSend &- oldest) + overtaken.count }

    /// When the oldest message that is neither back nor overtaken was sent; nil if there is none.
    var oldestSentAt: UInt64? { departures.oldest?.sentAt }

    /// Gives up overtaken messages sent before a moment, and returns their numbers: they are lost.
    mutating func giveUpOvertaken(sentBefore moment: UInt64) -> [UInt64] {
        guard overtaken.contains(where: { $0.sentAt < moment }) else { return [] }
        let lost = overtaken.filter { $0.sentAt < moment }.map(\.number)
        overtaken.removeAll { $0.sentAt < moment }
        return lost
    }

    /// The position in the deck of the message to be sent next.
    @inline(__always)
    var nextPosition: Int { position(of: nextToSend) }

    /// Notes that the message at ``nextPosition`` was sent.
    @inline(__always)
    mutating func sent(at now: UInt64, due: UInt64? = nil) {
        sent(1, at: now, due: due ?? now)
    }

    /// Notes that so many messages from ``nextPosition`` on were sent together.
    @inline(__always)
    mutating func sent(_ count: Int, at now: UInt64, due: UInt64) {
        nextToSend &+= UInt64(truncatingIfNeeded: count)
        departures.append(upTo: nextToSend, Departure(sentAt: now, dueAt: due))
    }

    /// Takes the frames at the front of a read that are the expected echoes, byte for byte.
    ///
    /// - Parameters:
    ///   - bytes: what arrived.
    ///   - frames: what is expected, made from the same deck.
    ///   - body: called for every run of messages that left together.
    /// - Returns: what was taken: the rest holds something else, or a frame that is not whole.
    @inline(__always)
    mutating func takeFrames(
        _ bytes: UnsafeRawBufferPointer,
        _ frames: FrameDeck,
        _ body: (Departure, Int) -> Void
    ) -> FrameRun {
        var taken = FrameRun.none
        while oldest != nextToSend {
            let run = frames.matching(
                from: position(of: oldest),
                limit: Int(truncatingIfNeeded: nextToSend &- oldest),
                in: bytes,
                at: taken.byteCount
            )
            guard run.count > 0 else { break }
            var left = run.count
            while left > 0 {
                let (departure, count) = departures.take(from: oldest, atMost: left)
                body(departure, count)
                oldest &+= UInt64(truncatingIfNeeded: count)
                left &-= count
            }
            taken.byteCount &+= run.byteCount
            taken.count &+= run.count
        }
        checkedCount &+= UInt64(truncatingIfNeeded: taken.count)
        return taken
    }

    /// Judges an echo.
    @inline(__always)
    mutating func received(isText: Bool, payload: RawSpan) -> EchoVerdict {
        if oldest != nextToSend, isText == deck.kind.isText, isExpected(payload) {
            let (departure, _) = departures.take(from: oldest, atMost: 1)
            oldest &+= 1
            return .good(departure)
        }
        return judgeOddEcho(isText: isText, payload: payload)
    }

    @inline(__always)
    private mutating func isExpected(_ payload: RawSpan) -> Bool {
        switch check {
        case .full: break
        case .sample where oldest & 63 == 0: break
        case .sample, .off: return payload.byteCount == deck.size(at: position(of: oldest))
        }
        checkedCount &+= 1
        return deck.isEqual(at: position(of: oldest), to: payload)
    }

    /// Everything but the expected echo: which of the mistakes a server can make is it?
    @inline(never)
    private mutating func judgeOddEcho(isText: Bool, payload: RawSpan) -> EchoVerdict {
        if let number = (oldest..<nextToSend).first(where: { matches($0, payload) }) {
            return takeEarly(number, isText: isText)
        }
        if let index = overtaken.firstIndex(where: { matches($0.number, payload) }) {
            return .wrong(.reordered(message: overtaken.remove(at: index).number))
        }
        if let number = recentlyReturned.first(where: { matches($0, payload) }) {
            return .wrong(.duplicate(message: number))
        }
        guard oldest != nextToSend else {
            return .wrong(.unexpected(length: payload.byteCount))
        }
        // Unlike anything sent: taken for the next one in order, damaged on the way.
        let number = oldest
        oldest &+= 1
        departures.removeAll(before: oldest)
        let expected = deck.size(at: position(of: number))
        if payload.byteCount != expected {
            return .wrong(
                .wrongLength(
                    message: number,
                    expected: expected,
                    received: payload.byteCount
                )
            )
        }
        let offset = deck.firstDifference(at: position(of: number), from: payload) ?? 0
        return .wrong(.corrupt(message: number, offset: offset))
    }

    private mutating func takeEarly(_ number: UInt64, isText: Bool) -> EchoVerdict {
        let departure = departures.departure(of: number) ?? Departure(sentAt: 0, dueAt: 0)
        let skipped = oldest..<number
        for late in skipped {
            let sentAt = departures.departure(of: late)?.sentAt ?? departure.sentAt
            overtaken.append(Overtaken(number: late, sentAt: sentAt))
        }
        oldest = number &+ 1
        departures.removeAll(before: oldest)
        if isText != deck.kind.isText {
            return .wrong(.wrongType(message: number, isText: isText))
        }
        return .early(departure, overtaken: skipped.count)
    }

    /// What came back lately, newest first: as many as could be told apart, 256 at most. Empty
    /// for messages too short to be told apart at all.
    private var recentlyReturned: ReversedCollection<Range<UInt64>> {
        guard deck.messageSize >= deck.kind.distinctSize, deck.positionCount > 1 else {
            return (0..<0).reversed()
        }
        let span = UInt64(min(256, deck.positionCount / 2))
        return (oldest - min(oldest, span)..<oldest).reversed()
    }

    private func matches(_ number: UInt64, _ payload: RawSpan) -> Bool {
        deck.isEqual(at: position(of: number), to: payload)
    }

    @inline(__always)
    private func position(of number: UInt64) -> Int {
        base &+ Int(truncatingIfNeeded: number)
    }
}
