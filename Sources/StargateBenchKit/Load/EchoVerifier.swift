// What one connection of the echo mode has sent and not yet got back. It sees every echo and says
// whether it is the right one.

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

/// When a message left, and when it should have.
struct Departure: Equatable, Sendable {
    var sentAt: UInt64
    /// With a rate the moment at which it was due; without one that of sending.
    var dueAt: UInt64
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
    /// The moments of sending, by number modulo the capacity.
    private var departures: [Departure]
    private var ringMask: UInt64
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
        var capacity = 1
        while capacity < min(depth, 1024) { capacity *= 2 }
        departures = [Departure](repeating: Departure(sentAt: 0, dueAt: 0), count: capacity)
        ringMask = UInt64(capacity - 1)
    }

    /// The number of messages whose echo is outstanding.
    @inline(__always)
    var inFlight: Int { Int(truncatingIfNeeded: nextToSend &- oldest) + overtaken.count }

    /// When the oldest message that is neither back nor overtaken was sent; nil if there is none.
    var oldestSentAt: UInt64? {
        oldest == nextToSend ? nil : departures[slot(oldest)].sentAt
    }

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
        if nextToSend &- oldest > ringMask { growRing() }
        departures[slot(nextToSend)] = Departure(sentAt: now, dueAt: due ?? now)
        nextToSend &+= 1
    }

    /// With a rate nobody knows how many messages a slow server lets pile up.
    @inline(never)
    private mutating func growRing() {
        let old = departures
        let oldMask = ringMask
        departures += old
        ringMask = UInt64(departures.count - 1)
        for number in oldest..<nextToSend {
            departures[slot(number)] = old[Int(truncatingIfNeeded: number & oldMask)]
        }
    }

    /// Judges an echo.
    @inline(__always)
    mutating func received(isText: Bool, payload: RawSpan) -> EchoVerdict {
        if oldest != nextToSend, isText == deck.kind.isText, isExpected(payload) {
            let departure = departures[slot(oldest)]
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
        let departure = departures[slot(number)]
        let skipped = oldest..<number
        for late in skipped {
            overtaken.append(Overtaken(number: late, sentAt: departures[slot(late)].sentAt))
        }
        oldest = number &+ 1
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

    @inline(__always)
    private func slot(_ number: UInt64) -> Int {
        Int(truncatingIfNeeded: number & ringMask)
    }
}
