// Decompression of received messages, between FrameScanner and MessageAssembler. The peer chooses
// every byte of its input, so that all of its work is bounded: output by the message limit, memory
// by the window, time by the input and output together.

internal import CZlib

/// Decompresses messages of permessage-deflate. RFC 7692 section 7.2.2.
///
/// It has no memory until the first message. Without context takeover one inflater may serve all
/// connections of a loop, one message after the other: while ``isInMessage``, it belongs to the
/// connection whose message it is.
@safe struct Inflater: ~Copyable {
    /// What became of a part of a message.
    enum Outcome: Equatable {
        /// All of it was decompressed; after the final part, the message is complete.
        case done
        /// The message is longer than the limit. Close with 1009.
        case tooBig
        /// It is not what a compressor makes, or refers to what it must not. Close with 1007.
        case invalid
        /// No memory, or no room within the buffer's limit. Close with 1011.
        case outOfMemory
    }

    private enum Phase {
        case betweenMessages
        case inMessage
        /// Directly behind a block with BFINAL set, at which zlib stops.
        case behindFinalBlock
    }

    /// Memory grows in these steps, so that a bomb is noticed before it has gone off.
    private static let stepMax = 16_384
    /// zlib counts in 32 bits: longer parts go through it in pieces of this size.
    private static let pieceMax = 1 << 30

    let windowBits: Int
    let hasContextTakeover: Bool

    /// On the heap, because zlib keeps its address. Nil while no memory is held.
    private var stream: UnsafeMutablePointer<z_stream>?
    private var phase = Phase.betweenMessages
    /// Whether the stream has a history that the next message must not refer to.
    private var needsReset = false
    /// How many bytes of the current message came out so far.
    private(set) var messageByteCount = 0
    /// Whether the current message had any byte of payload.
    private var hasInput = false

    /// - Parameters:
    ///   - windowBits: the agreed size of the peer's window, 8 to 15.
    ///   - hasContextTakeover: whether the peer's messages may refer to the ones before them.
    init(windowBits: Int, hasContextTakeover: Bool) {
        // checked: the negotiation agrees to nothing else.
        precondition((8...15).contains(windowBits), "window bits are 8 to 15, not \(windowBits)")
        // A peer on an old zlib that agreed to 8 writes with 9; a larger window harms nobody.
        self.windowBits = max(9, windowBits)
        self.hasContextTakeover = hasContextTakeover
        unsafe self.stream = nil
    }

    /// A decompressor for one direction of a connection, the one that this endpoint receives in.
    init(_ direction: PerMessageDeflateParameters.Direction) {
        self.init(
            windowBits: Int(truncatingIfNeeded: direction.windowBits),
            hasContextTakeover: direction.hasContextTakeover
        )
    }

    deinit {
        if let stream = unsafe stream { unsafe Self.free(stream) }
    }

    /// Whether memory is held.
    var holdsMemory: Bool { unsafe stream != nil }

    /// What zlib holds, by the formula of its header: the window and the tables.
    var memoryByteCount: Int { holdsMemory ? (1 &<< windowBits) &+ 7168 : 0 }

    /// Whether a message has begun and not ended.
    var isInMessage: Bool { phase != .betweenMessages }

    /// Gives all memory back until the next message, if the peer cannot refer to what is in it:
    /// without context takeover, and between messages. Otherwise does nothing.
    mutating func releaseMemory() {
        if !hasContextTakeover, !isInMessage { discard() }
    }

    /// Forgets the message, the history, and the memory. For the end of a connection that shares
    /// its inflater with others, and after every failure.
    mutating func discard() {
        if let stream = unsafe stream { unsafe Self.free(stream) }
        unsafe stream = nil
        phase = .betweenMessages
        needsReset = false
        messageByteCount = 0
        hasInput = false
    }

    /// Decompresses the next part of a message, which is cut wherever it was cut on the way.
    ///
    /// After anything but `.done` the history is lost, and the connection must be failed.
    ///
    /// - Parameters:
    ///   - part: unmasked payload, the end of the message without the bytes `00 00 FF FF`.
    ///   - isFinal: whether the message ends with this part.
    ///   - limit: the longest message, in bytes, that is decompressed.
    ///   - buffer: where the result is appended.
    /// - Returns: what became of it.
    mutating func inflate(
        _ part: UnsafeRawBufferPointer,
        isFinal: Bool,
        limit: Int,
        into buffer: inout MessageBuffer
    ) -> Outcome {
        if !isInMessage {
            guard begin() else { return .outOfMemory }
        }
        var outcome = unsafe feed(part, limit: limit, into: &buffer)
        if outcome == .done, isFinal { outcome = finish(limit: limit, into: &buffer) }
        if outcome != .done { discard() }
        return outcome
    }
}

extension Inflater {
    /// Decompresses some of the next part of a message: until there is about as much output as was
    /// asked for, so that little input cannot become much output at once.
    ///
    /// - Parameters:
    ///   - part: as in the other; at most 1 GiB.
    ///   - budget: about how many bytes of output are wanted. There may be more, by what zlib holds
    ///     back for input that it has taken already: some 16 KiB.
    ///   - limit: as in the other.
    ///   - buffer: where the result is appended.
    /// - Returns: what became of it, and how many bytes of input were used: all, or fewer when the
    ///   budget was.
    mutating func inflateSome(
        _ part: UnsafeRawBufferPointer,
        budget: Int,
        limit: Int,
        into buffer: inout MessageBuffer
    ) -> (outcome: Outcome, usedByteCount: Int) {
        if !isInMessage {
            guard begin() else { return (.outOfMemory, 0) }
        }
        let outcome = unsafe feed(part, limit: limit, budget: budget, into: &buffer)
        let left = unsafe stream.map { unsafe Int(truncatingIfNeeded: $0.pointee.avail_in) } ?? 0
        if outcome != .done { discard() }
        return (outcome, part.count &- left)
    }

    /// Ends a message whose parts ``inflateSome(_:budget:limit:into:)`` was given.
    mutating func finishParts(limit: Int, into buffer: inout MessageBuffer) -> Outcome {
        // A message without a byte is still one.
        if !isInMessage {
            guard begin() else { return .outOfMemory }
        }
        let outcome = finish(limit: limit, into: &buffer)
        if outcome != .done { discard() }
        return outcome
    }

    /// Makes the stream ready for a message; false if there is no memory.
    private mutating func begin() -> Bool {
        messageByteCount = 0
        hasInput = false
        if let stream = unsafe stream {
            if needsReset, !hasContextTakeover { unsafe inflateReset(stream) }
        } else {
            let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe fresh.initialize(to: z_stream())
            // Negative window bits: no header and no checksum around the blocks.
            let status = unsafe inflateInit2_(
                fresh,
                Int32(truncatingIfNeeded: -windowBits),
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            )
            guard status == Z_OK else {
                unsafe fresh.deallocate()
                return false
            }
            unsafe stream = fresh
        }
        needsReset = true
        phase = .inMessage
        return true
    }

    /// Ends a message: the four bytes that the sender left away come back.
    private mutating func finish(limit: Int, into buffer: inout MessageBuffer) -> Outcome {
        if phase == .inMessage, hasInput {
            let tail: UInt32 = UInt32(littleEndian: 0xFFFF_0000)
            let outcome = unsafe withUnsafeBytes(of: tail) {
                unsafe feed($0, limit: limit, into: &buffer)
            }
            guard outcome == .done else { return outcome }
            // RFC 7692 7.2.2: now all blocks are complete. Bit 7 says so, bits 0 to 2 that no bit
            // of the last byte is left over. If not, the tail was swallowed by a truncated block.
            guard phase == .behindFinalBlock || isBetweenBlocks else { return .invalid }
        }
        // A message that ends with a final block and nothing behind it lacks a byte, but is whole.
        if phase == .behindFinalBlock, let stream = unsafe stream {
            unsafe inflateResetKeep(stream)
        }
        phase = .betweenMessages
        return .done
    }

    private var isBetweenBlocks: Bool {
        guard let stream = unsafe stream else { return false }
        return unsafe stream.pointee.data_type & 0x87 == 0x80
    }

    private mutating func feed(
        _ part: UnsafeRawBufferPointer,
        limit: Int,
        budget: Int = .max,
        into buffer: inout MessageBuffer
    ) -> Outcome {
        guard let stream = unsafe stream else { return .outOfMemory }
        var index = 0
        while index < part.count {
            hasInput = true
            let end = min(part.count, index &+ Self.pieceMax)
            let piece = unsafe UnsafeRawBufferPointer(rebasing: part[index..<end])
            let input = unsafe piece.baseAddress?.assumingMemoryBound(to: Bytef.self)
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
            unsafe stream.pointee.avail_in = uInt(truncatingIfNeeded: piece.count)
            let outcome = unsafe drain(stream, limit: limit, budget: budget, into: &buffer)
            guard outcome == .done, unsafe stream.pointee.avail_in == 0 else { return outcome }
            index = end
        }
        return .done
    }

    /// Runs zlib until it has used its input up and has no output left, in small steps; or until
    /// the budget is used up while there is input.
    private mutating func drain(
        _ stream: UnsafeMutablePointer<z_stream>,
        limit: Int,
        budget: Int,
        into buffer: inout MessageBuffer
    ) -> Outcome {
        while true {
            if phase == .behindFinalBlock {
                if unsafe stream.pointee.avail_in == 0 { return .done }
                // RFC 7692 7.2.3.4: a final block ends nothing here. The history stays: `Keep`.
                guard unsafe inflateResetKeep(stream) == Z_OK else { return .invalid }
                phase = .inMessage
            }
            let room = max(0, limit &- messageByteCount)
            let (status, isFull) =
                room == 0
                ? unsafe probe(stream)
                : unsafe step(stream, min(room, Self.stepMax), into: &buffer)
            switch status {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: phase = .behindFinalBlock
            case Z_MEM_ERROR: return .outOfMemory
            default: return .invalid
            }
            if isFull, room == 0 { return .tooBig }
            if phase == .inMessage, !isFull { return .done }
            if buffer.count >= budget, unsafe stream.pointee.avail_in > 0 { return .done }
        }
    }

    /// One step of at most `count` bytes. Full means that there may be more.
    private mutating func step(
        _ stream: UnsafeMutablePointer<z_stream>,
        _ count: Int,
        into buffer: inout MessageBuffer
    ) -> (status: Int32, isFull: Bool) {
        guard let room = unsafe buffer.reserve(count) else { return (Z_MEM_ERROR, false) }
        unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
        unsafe stream.pointee.avail_out = uInt(truncatingIfNeeded: count)
        let status = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
        let left = unsafe Int(truncatingIfNeeded: stream.pointee.avail_out)
        buffer.commit(count &- left)
        messageByteCount &+= count &- left
        return (status, left == 0)
    }

    /// Looks whether a message that has reached the limit goes on: one byte that is thrown away.
    private mutating func probe(
        _ stream: UnsafeMutablePointer<z_stream>
    ) -> (status: Int32, isFull: Bool) {
        var byte: Bytef = 0
        return unsafe withUnsafeMutablePointer(to: &byte) { byte in
            unsafe stream.pointee.next_out = byte
            unsafe stream.pointee.avail_out = 1
            let status = unsafe CZlib.inflate(stream, Z_SYNC_FLUSH)
            let isFull = unsafe stream.pointee.avail_out == 0
            unsafe stream.pointee.next_out = nil
            return (status, isFull)
        }
    }

    private static func free(_ stream: UnsafeMutablePointer<z_stream>) {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }
}
