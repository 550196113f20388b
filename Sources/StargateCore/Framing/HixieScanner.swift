// The frames of the two oldest drafts, hixie-75 and hixie-76: text lies between a 00 and an FF byte
// and is not masked; everything else is old ballast that must be read over. This scanner takes the
// bytes as they were received and hands out ranges of them; the connection acts on its events.

/// What a ``HixieScanner`` met.
enum HixieEvent: Equatable {
    /// The chunk is used up. The state of the scanner covers what it ended in.
    case needMore
    /// Bytes of a text frame, as a range of the chunk; never empty unless the frame ends with it.
    case text(Range<Int>, isEndOfFrame: Bool)
    /// The closing handshake of hixie-76 (`FF 00`). Whatever follows it is discarded.
    case closeFrame
    /// The peer's bytes cannot be followed any farther. Every later call repeats it.
    case violation(HixieViolation)
}

/// Why a ``HixieScanner`` gave up.
enum HixieViolation: Equatable {
    /// A frame that would only be discarded is longer than the longest message.
    case frameTooBig
    /// A length prefix of more than five bytes, which no honest peer has a use for.
    case lengthPrefixTooLong
}

/// Splits received bytes into the frames of draft-hixie-75 (section 4.2) and -76 (section 5.3).
///
/// It copies nothing and allocates nothing. How long a text message may grow is the caller's to
/// judge, by ``textByteCount``, for the caller has the buffer; frames that are discarded are
/// bounded here, because nobody else sees them. That the text is UTF-8 is checked elsewhere.
@safe struct HixieScanner {
    private enum State: Equatable {
        case betweenFrames
        /// Behind a 00 byte: text, until FF.
        case text
        /// Behind a byte 01 to 7F: nothing that is known, until FF.
        case discarding(byteCount: Int)
        /// Behind a byte 80 to FF: groups of seven bits that make a length.
        case length(type: UInt8, groups: Int, value: Int)
        /// Behind such a length.
        case skipping(remaining: Int)
        /// Behind the Close frame.
        case closed
        case failed(HixieViolation)
    }

    /// Five groups hold 35 bits, which is more than any message has bytes.
    private static let groupsMax = 5

    private var state: State = .betweenFrames
    private let maxMessageSize: Int
    private let hasClosingHandshake: Bool

    /// How many bytes of the current text frame were handed out, those of the latest event
    /// included.
    private(set) var textByteCount = 0

    /// - Parameters:
    ///   - version: `.hixie76` has a Close frame; in `.hixie75` the same bytes mean nothing.
    ///   - maxMessageSize: the longest frame, in bytes, that is read over and discarded.
    init(version: ProtocolVersion, maxMessageSize: Int) {
        self.hasClosingHandshake = version != .hixie75
        self.maxMessageSize = max(0, maxMessageSize)
    }

    /// Whether the bytes so far end where a frame ends: the end of the connection cuts no frame.
    var isBetweenFrames: Bool { state == .betweenFrames || state == .closed }

    /// Walks on to the next event.
    ///
    /// - Parameters:
    ///   - bytes: what was received, in which the ranges of the events lie.
    ///   - cursor: where to go on, 0 for a new chunk; left behind the last byte that was used.
    /// - Returns: what was met; call again until it is `.needMore` or a violation.
    mutating func next(_ bytes: UnsafeRawBufferPointer, from cursor: inout Int) -> HixieEvent {
        let count = bytes.count
        assert(cursor >= 0 && cursor <= count, "cursor \(cursor) outside of \(count) bytes")
        while cursor < count {
            switch state {
            case .betweenFrames:
                beginFrame(unsafe bytes[cursor])
                cursor &+= 1
            case .text:
                return unsafe takeText(bytes, from: &cursor)
            case .discarding(let byteCount):
                unsafe discard(bytes, from: &cursor, after: byteCount)
            case .length(let type, let groups, let value):
                let byte = unsafe bytes[cursor]
                cursor &+= 1
                extendLength(by: byte, type: type, groups: groups, value: value)
                if state == .closed { return .closeFrame }
            case .skipping(let remaining):
                let skipped = min(remaining, count &- cursor)
                cursor &+= skipped
                state =
                    skipped == remaining
                    ? .betweenFrames : .skipping(remaining: remaining &- skipped)
            case .closed:
                cursor = count
            case .failed(let violation):
                return .violation(violation)
            }
        }
        if case .failed(let violation) = state { return .violation(violation) }
        return .needMore
    }

    private mutating func beginFrame(_ type: UInt8) {
        switch type {
        case 0x00:
            textByteCount = 0
            state = .text
        case 0x01...0x7F: state = .discarding(byteCount: 0)
        default: state = .length(type: type, groups: 0, value: 0)
        }
    }

    private mutating func takeText(
        _ bytes: UnsafeRawBufferPointer,
        from cursor: inout Int
    ) -> HixieEvent {
        let start = cursor
        let end = unsafe Self.indexOfSentinel(bytes, from: start)
        textByteCount &+= end &- start
        guard end < bytes.count else {
            cursor = end
            return .text(start..<end, isEndOfFrame: false)
        }
        cursor = end &+ 1
        state = .betweenFrames
        return .text(start..<end, isEndOfFrame: true)
    }

    private mutating func discard(
        _ bytes: UnsafeRawBufferPointer,
        from cursor: inout Int,
        after earlier: Int
    ) {
        let end = unsafe Self.indexOfSentinel(bytes, from: cursor)
        let byteCount = earlier &+ (end &- cursor)
        if byteCount > maxMessageSize {
            cursor = end
            state = .failed(.frameTooBig)
        } else if end < bytes.count {
            cursor = end &+ 1
            state = .betweenFrames
        } else {
            cursor = end
            state = .discarding(byteCount: byteCount)
        }
    }

    /// Takes one byte of a length: seven bits of it, and in the top bit whether more bytes come.
    ///
    /// The value stays below 2^35 by the number of groups, so that the arithmetic cannot overflow.
    private mutating func extendLength(by byte: UInt8, type: UInt8, groups: Int, value: Int) {
        let value = value &<< 7 | Int(byte & 0x7F)
        let groups = groups &+ 1
        if value > maxMessageSize {
            state = .failed(.frameTooBig)
        } else if byte & 0x80 != 0 {
            // Judged at the fifth byte, which announces a sixth: there is nothing to wait for.
            state =
                groups >= Self.groupsMax
                ? .failed(.lengthPrefixTooLong)
                : .length(type: type, groups: groups, value: value)
        } else if value > 0 {
            state = .skipping(remaining: value)
        } else {
            state = type == 0xFF && hasClosingHandshake ? .closed : .betweenFrames
        }
    }

    /// The index of the next FF byte, or the number of bytes.
    private static func indexOfSentinel(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        let count = bytes.count
        var index = start
        while count &- index >= 64 {
            let first = unsafe base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            let second = unsafe base.loadUnaligned(
                fromByteOffset: index &+ 32,
                as: SIMD4<UInt64>.self
            )
            let found = sentinels(in: first) | sentinels(in: second)
            if found[0] | found[1] | found[2] | found[3] != 0 { break }
            index &+= 64
        }
        while count &- index >= 8 {
            let word = unsafe base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // The first byte in memory is the lowest one once the word is little-endian.
            let found = sentinels(in: UInt64(littleEndian: word))
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count, unsafe base.load(fromByteOffset: index, as: UInt8.self) != 0xFF {
            index &+= 1
        }
        return index
    }

    /// Not zero if a byte of `word` is FF, that is, if a byte of its complement is zero; the lowest
    /// bit set marks the first of them.
    @inline(__always)
    private static func sentinels(in word: UInt64) -> UInt64 {
        (~word &- 0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080
    }

    /// The same for four words at a time.
    @inline(__always)
    private static func sentinels(in words: SIMD4<UInt64>) -> SIMD4<UInt64> {
        (~words &- 0x0101_0101_0101_0101) & words & 0x8080_8080_8080_8080
    }
}
