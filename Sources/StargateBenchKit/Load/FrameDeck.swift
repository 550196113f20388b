// The frames of a run, made once before it: what goes out, masked, and what has to come back. A run
// of messages is then one copy, and the check of their echoes one comparison.

internal import Glibc
internal import StargateCore

/// The messages of a ``PayloadDeck`` as frames of RFC 6455, one behind the other in memory.
///
/// The frame of a position is masked with one random key, made with the deck: a key comes back when
/// the position does, after some thousand messages of a connection.
final class FrameDeck: Sendable {
    /// Above so many bytes of payload the decks would leave every cache, and the cost of parsing is
    /// small beside that of the bytes.
    static let payloadByteCountMax = 4 << 20

    private let positionCount: Int
    private let outgoing: Frames
    private let incoming: Frames

    /// One direction.
    private struct Frames: Sendable {
        var bytes: [UInt8] = []
        /// The length of every frame; 0 when they differ.
        var size = 0
        /// Where each begins, and the end of the last; empty when all are as long.
        var starts: [Int] = []

        @inline(__always)
        func start(of position: Int) -> Int {
            starts.isEmpty ? position &* size : starts[position]
        }

        /// How many frames from one on fit into so many bytes, `limit` at most.
        @inline(__always)
        func count(from position: Int, in byteCount: Int, limit: Int) -> Int {
            if starts.isEmpty { return min(limit, byteCount / size) }
            let end = starts[position] + byteCount
            var count = 0
            while count < limit, starts[position + count + 1] <= end { count += 1 }
            return count
        }
    }

    /// Nil for a deck that is too large to be doubled.
    ///
    /// - Parameters:
    ///   - deck: the payloads.
    ///   - masks: how they are masked.
    init?(_ deck: PayloadDeck, masks: MaskChoice) {
        positionCount = deck.positionCount
        let total = (0..<deck.positionCount).reduce(0) { $0 + deck.size(at: $1) }
        guard total <= Self.payloadByteCountMax else { return nil }
        var generator = SystemRandomNumberGenerator()
        var outgoing = Frames()
        var incoming = Frames()
        for position in 0..<deck.positionCount {
            let key: UInt32 =
                switch masks {
                case .random: generator.next()
                case .zero: 0
                }
            outgoing.starts.append(outgoing.bytes.count)
            incoming.starts.append(incoming.bytes.count)
            deck.withPayload(at: position) { payload in
                let first: UInt8 = deck.kind.isText ? 0x81 : 0x82
                Self.appendHeader(first, payload.byteCount, isMasked: true, to: &outgoing.bytes)
                Self.append(payload, maskedWith: key, to: &outgoing.bytes)
                Self.appendHeader(first, payload.byteCount, isMasked: false, to: &incoming.bytes)
                Self.append(payload, to: &incoming.bytes)
            }
        }
        self.outgoing = Self.finished(outgoing)
        self.incoming = Self.finished(incoming)
    }

    /// Calls `body` with the frames to be sent from a position on: as many as lie in one piece.
    ///
    /// - Returns: what it returned, and how many frames it was given.
    @inline(__always)
    func withOutgoing<Result>(
        from position: Int,
        limit: Int,
        _ body: (RawSpan, Int) -> Result
    ) -> (Result, Int) {
        let first = position & (positionCount - 1)
        let count = min(limit, positionCount - first)
        let range = outgoing.start(of: first)..<outgoing.start(of: first + count)
        let bytes = outgoing.bytes
        let span = bytes.span.bytes
        return (body(span.extracting(range), count), count)
    }

    /// Compares what arrived with the frames that are expected from a position on.
    ///
    /// - Parameters:
    ///   - position: of the first frame.
    ///   - limit: how many are expected at most.
    ///   - bytes: what arrived.
    ///   - offset: where in it.
    /// - Returns: as many whole frames as lie in one piece, or none when one of them differs.
    @inline(__always)
    func matching(
        from position: Int,
        limit: Int,
        in bytes: UnsafeRawBufferPointer,
        at offset: Int
    ) -> FrameRun {
        let first = position & (positionCount - 1)
        let count = incoming.count(
            from: first,
            in: bytes.count - offset,
            limit: min(limit, positionCount - first)
        )
        guard count > 0, let base = bytes.baseAddress else { return .none }
        let start = incoming.start(of: first)
        let byteCount = incoming.start(of: first + count) - start
        let isEqual = incoming.bytes.withUnsafeBytes { expected in
            guard let expected = expected.baseAddress else { return false }
            return memcmp(base + offset, expected + start, byteCount) == 0
        }
        return isEqual ? FrameRun(byteCount: byteCount, count: count) : .none
    }

    // MARK: Making

    private static func finished(_ frames: Frames) -> Frames {
        var frames = frames
        frames.starts.append(frames.bytes.count)
        let size = frames.starts[1]
        if (1..<frames.starts.count).allSatisfy({ frames.starts[$0] == $0 * size }) {
            (frames.size, frames.starts) = (size, [])
        }
        return frames
    }

    /// RFC 6455 section 5.2: the length in 7, 16 or 64 bits, the shortest that will do.
    private static func appendHeader(
        _ first: UInt8,
        _ length: Int,
        isMasked: Bool,
        to bytes: inout [UInt8]
    ) {
        let mask: UInt8 = isMasked ? 0x80 : 0
        bytes.append(first)
        switch length {
        case ..<126: bytes.append(mask | UInt8(length))
        case ..<65_536:
            bytes.append(mask | 126)
            bytes.append(UInt8(length >> 8))
            bytes.append(UInt8(length & 0xFF))
        default:
            bytes.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(length >> shift & 0xFF))
            }
        }
    }

    private static func append(
        _ payload: RawSpan,
        maskedWith key: UInt32,
        to bytes: inout [UInt8]
    ) {
        let start = bytes.count + 4
        withUnsafeBytes(of: key.bigEndian) { bytes.append(contentsOf: $0) }
        append(payload, to: &bytes)
        // Eight bytes at a time: a deck has megabytes, and is made in debug builds too.
        let word = UInt64(key.bigEndian) | UInt64(key.bigEndian) << 32
        bytes.withUnsafeMutableBytes { bytes in
            var index = start
            while index + 8 <= bytes.count {
                let masked = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
                bytes.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < bytes.count {
                bytes[index] ^= UInt8(truncatingIfNeeded: word >> (8 * UInt64((index - start) & 7)))
                index += 1
            }
        }
    }

    private static func append(_ payload: RawSpan, to bytes: inout [UInt8]) {
        payload.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
}

/// How a client masks its frames.
enum MaskChoice: String, CaseIterable, Sendable {
    /// As RFC 6455 section 5.3 asks.
    case random
    /// A key of zero, which leaves a server nothing to do: it flatters those that look.
    case zero
}
