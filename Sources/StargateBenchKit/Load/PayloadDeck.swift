// The payloads of a run, made once before it. A message is a window on the deck, so sending and
// checking one allocates and copies nothing, and its bytes still differ from those of its
// neighbours.

internal import Glibc

/// What the payload of a message consists of.
enum PayloadKind: String, Sendable, CaseIterable {
    /// Any bytes, in a binary message.
    case binary
    /// Printable ASCII, in a text message.
    case ascii
    /// Characters of one, two, three and four bytes, in a text message.
    case mixed
    /// Lines of JSON, in a text message: what there is to compress in a service's messages.
    case json

    var isText: Bool { self != .binary }

    /// From so many bytes on, no two messages of a deck are alike.
    var distinctSize: Int { self == .json ? JSONCell.distinctSize : PayloadDeck.cellSize }
}

/// Random bytes in cells of eight, or lines of JSON, from which every message of a run is cut.
///
/// The content of a cell is a bijection of its number, so no two cells are alike: a message of
/// eight bytes or more tells by its first cell which one it is, and an echo that comes in another
/// order, twice, or on another connection is found out by comparing bytes. Shorter messages differ
/// as far as their few bits allow.
final class PayloadDeck: Sendable {
    static let cellSize = 8

    /// The bytes of a deck without overlaps, unless more messages must be told apart.
    private static let largestSize = 4 << 20

    let kind: PayloadKind
    /// The length of the longest message in bytes.
    let messageSize: Int
    /// The number of different messages: a power of two.
    let positionCount: Int
    /// From one message's start to the next: messages overlap, but for those that are to be
    /// compressed, which would find themselves in the one before.
    private let stride: Int
    private let bytes: [UInt8]
    /// By position; empty where all messages are as long.
    private let sizes: [Int]

    /// - Parameters:
    ///   - kind: what the payloads consist of.
    ///   - messageSize: their length in bytes.
    ///   - mix: several lengths instead, with their weights; not for mixed text, which can be cut
    ///     at one place only.
    ///   - inFlight: how many messages of one connection must be distinguishable at a time.
    ///   - seed: equal seeds give equal decks.
    init(
        kind: PayloadKind,
        messageSize: Int,
        mix: [SizeShare] = [],
        inFlight: Int,
        seed: UInt64
    ) {
        self.kind = kind
        let longest = mix.map(\.bytes).max() ?? messageSize
        self.messageSize = longest
        let cell = kind == .json ? JSONCell.size : Self.cellSize
        let cellsEach = kind == .json ? max(1, (longest + cell - 1) / cell) : 1
        stride = cell * cellsEach
        var positions = 4096
        while positions > 64, positions * stride > Self.largestSize { positions /= 2 }
        while positions < inFlight * 4 { positions *= 2 }
        positionCount = positions
        sizes = mix.isEmpty ? [] : Self.draw(mix, count: positions, seed: seed)
        let messageSize = longest
        let cellCount = positions * cellsEach + (messageSize + cell - 1) / cell
        var writer = CellWriter(kind: kind, split: messageSize % Self.cellSize, seed: seed)
        writer.bytes.reserveCapacity(cellCount * cell)
        for cell in 0..<cellCount {
            writer.append(cell: UInt64(cell))
        }
        bytes = writer.bytes
    }

    /// A deck of one message, whose content is given: all echoes look alike, so their order cannot
    /// be checked.
    init(content: [UInt8], isText: Bool) {
        kind = isText ? .ascii : .binary
        stride = 0
        messageSize = content.count
        positionCount = 1
        bytes = content
        sizes = []
    }

    /// A length for every position, drawn by weight.
    private static func draw(_ mix: [SizeShare], count: Int, seed: UInt64) -> [Int] {
        let total = UInt64(max(1, mix.reduce(0) { $0 + $1.weight }))
        return (0..<count).map { position in
            let number = Permutation.mix(UInt64(position), bits: 32, seed: seed ^ 0x517E)
            var rest = Int(number % total)
            for share in mix {
                if rest < share.weight { return share.bytes }
                rest -= share.weight
            }
            return mix[0].bytes
        }
    }

    /// The length of the message at a position.
    @inline(__always)
    func size(at position: Int) -> Int {
        sizes.isEmpty ? messageSize : sizes[position & (positionCount - 1)]
    }

    /// Calls `body` with the payload of the message at a position, which may be any number.
    @inline(__always)
    func withPayload<Result>(at position: Int, _ body: (RawSpan) -> Result) -> Result {
        let start = (position & (positionCount - 1)) * stride
        let bytes = bytes
        let span = bytes.span.bytes
        return body(span.extracting(start..<start + size(at: position)))
    }

    /// Calls `body` with the same payload as a message of the deck's type.
    @inline(__always)
    func withText<Result>(at position: Int, _ body: (UTF8Span) -> Result) -> Result {
        let start = (position & (positionCount - 1)) * stride
        // Every cut falls between characters, see CellWriter; the tests hold that against the
        // standard library's validation.
        let bytes = bytes
        let span = bytes.span.extracting(start..<start + size(at: position))
        return body(UTF8Span(unchecked: span, isKnownASCII: kind != .mixed))
    }

    /// Where the bytes differ from the message at a position; nil if they are equal.
    @inline(__always)
    func firstDifference(at position: Int, from received: RawSpan) -> Int? {
        if isEqual(at: position, to: received) { return nil }
        return withPayload(at: position) { expected in
            let shared = min(expected.byteCount, received.byteCount)
            for offset in 0..<shared
            where expected.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
                != received.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            {
                return offset
            }
            return shared
        }
    }

    /// Whether the bytes are those of the message at a position.
    @inline(__always)
    func isEqual(at position: Int, to received: RawSpan) -> Bool {
        guard received.byteCount == size(at: position) else { return false }
        return withPayload(at: position) { expected in
            expected.withUnsafeBytes { left in
                received.withUnsafeBytes { right in
                    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else {
                        return true
                    }
                    return memcmp(leftBase, rightBase, left.count) == 0
                }
            }
        }
    }
}

/// Writes the cells of a deck.
private struct CellWriter {
    let kind: PayloadKind
    /// Where a message may end inside a cell: text needs a character boundary there.
    let split: Int
    let seed: UInt64
    var bytes: [UInt8] = []

    mutating func append(cell: UInt64) {
        switch kind {
        case .binary: appendBinary(cell)
        case .ascii: appendASCII(cell)
        case .mixed: appendMixed(cell)
        case .json: bytes += JSONCell.line(cell, seed: seed)
        }
    }

    private mutating func appendBinary(_ cell: UInt64) {
        var word = Permutation.mix(cell, bits: 64, seed: seed)
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
    }

    private mutating func appendASCII(_ cell: UInt64) {
        var word = Permutation.mix(cell, bits: 48, seed: seed)
        for _ in 0..<8 {
            appendCharacter(length: 1, from: &word)
        }
    }

    /// One cell of characters whose lengths leave a boundary at `split`. The random bits they hold
    /// are 30 at least, far more than the number of a cell needs.
    private mutating func appendMixed(_ cell: UInt64) {
        let lengths = Self.layouts[split]
        let bits = lengths.reduce(0) { $0 + Self.randomBits[$1] }
        var word = Permutation.mix(cell, bits: bits, seed: seed)
        for length in lengths {
            appendCharacter(length: length, from: &word)
        }
    }

    private static let layouts: [[Int]] = [
        [4, 3, 1], [1, 4, 3], [2, 3, 3], [3, 4, 1], [4, 4], [3, 2, 3], [3, 3, 2], [4, 3, 1],
    ]

    /// The random bits in a character, by its length in UTF-8.
    private static let randomBits = [0, 6, 10, 14, 15]

    private mutating func appendCharacter(length: Int, from word: inout UInt64) {
        let bits = Self.randomBits[length]
        let value = UInt32(truncatingIfNeeded: word & (1 << UInt64(bits) - 1))
        word >>= UInt64(bits)
        // Letters and signs of ASCII; Latin to Cyrillic; the unified ideographs and their
        // extension B: ranges without surrogates, as long as the bits above can count.
        let scalar: UInt32
        switch length {
        case 1: scalar = 0x30 + value
        case 2: scalar = 0x100 + value
        case 3: scalar = 0x4E00 + value
        default: scalar = 0x20000 + value
        }
        if let scalar = Unicode.Scalar(scalar) {
            bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
        }
    }
}

/// A bijection of the numbers below a power of two that looks random.
enum Permutation {
    static func mix(_ number: UInt64, bits: Int, seed: UInt64) -> UInt64 {
        let mask = bits >= 64 ? UInt64.max : (1 << UInt64(bits)) - 1
        let half = UInt64(bits) / 2
        // Each step can be undone: exclusive or with a constant, product with an odd constant,
        // and exclusive or with the upper half.
        var value = (number ^ seed) & mask
        value = (value &* 0x9E37_79B9_7F4A_7C15) & mask
        value ^= value >> half
        value = (value &* 0xD6E8_FEB8_6659_FD93) & mask
        value ^= value >> half
        value = (value &* 0xA3B1_9535_4A39_B70D) & mask
        value ^= value >> half
        return value
    }
}
