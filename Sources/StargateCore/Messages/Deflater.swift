// Compression of outgoing messages: MessageAssembler's counterpart on the way out. One per loop
// when messages stand for themselves, one per connection when they refer to earlier ones.

internal import CZlib

/// Compresses messages for permessage-deflate. RFC 7692 section 7.2.1.
///
/// It has no memory until the first message, and may give it back between any two calls. Not more
/// than one message at a time; it is given whole, or fragment by fragment.
@safe struct Deflater: ~Copyable {
    /// What became of a message.
    enum Outcome: Equatable {
        /// The compressed payload stands at the end of the buffer; set RSV1.
        case compressed
        /// It would not become smaller. The buffer is unchanged: send the message as it is. Never
        /// with context takeover, because the peer must see every message that may be referred to.
        case notSmaller
        /// No memory, or no room within the buffer's limit. The buffer is unchanged: send the
        /// message as it is.
        case failed
    }

    let windowBits: Int
    let memoryLevel: Int
    let level: Int
    let hasContextTakeover: Bool

    /// On the heap, because zlib keeps its address. Nil while no memory is held.
    private var stream: UnsafeMutablePointer<z_stream>?
    /// Whether the stream has a history that the next message must not see.
    private var needsReset = false

    /// - Parameters:
    ///   - windowBits: the agreed size of the window, 9 to 15.
    ///   - memoryLevel: zlib's memory level, 1 to 9.
    ///   - level: zlib's compression level, 1 to 9.
    ///   - hasContextTakeover: whether a message may refer to the ones before it.
    init(windowBits: Int, memoryLevel: Int, level: Int, hasContextTakeover: Bool) {
        // checked: the negotiation agrees to nothing else.
        precondition((9...15).contains(windowBits), "window bits are 9 to 15, not \(windowBits)")
        self.windowBits = windowBits
        self.memoryLevel = memoryLevel
        self.level = level
        self.hasContextTakeover = hasContextTakeover
        unsafe self.stream = nil
    }

    /// A compressor for one direction of a connection.
    ///
    /// - Parameters:
    ///   - direction: the one that this endpoint sends in; its window is 9 bits or more, because
    ///     no negotiation here agrees to write with 8.
    ///   - options: where the level and the memory level come from.
    init(_ direction: PerMessageDeflateParameters.Direction, _ options: PerMessageDeflate) {
        self.init(
            windowBits: Int(truncatingIfNeeded: direction.windowBits),
            memoryLevel: options.memoryLevel,
            level: options.level,
            hasContextTakeover: direction.hasContextTakeover
        )
    }

    deinit {
        if let stream = unsafe stream { unsafe Self.free(stream) }
    }

    /// Whether memory is held.
    var holdsMemory: Bool { unsafe stream != nil }

    /// What zlib holds, by the formula of its header: window, hash chains and pending output.
    var memoryByteCount: Int {
        holdsMemory ? (1 &<< (windowBits &+ 2)) &+ (1 &<< (memoryLevel &+ 9)) &+ 6144 : 0
    }

    /// Gives all memory back until the next message.
    ///
    /// Allowed even with context takeover: the sender may refer to earlier messages, but need not.
    mutating func releaseMemory() {
        if let stream = unsafe stream { unsafe Self.free(stream) }
        unsafe stream = nil
        needsReset = false
    }

    /// Compresses one whole message and appends the result, without the four bytes `00 00 FF FF`
    /// that the receiver adds again.
    mutating func compress(
        _ message: UnsafeRawBufferPointer,
        into buffer: inout MessageBuffer
    ) -> Outcome {
        unsafe compress(message, into: &buffer, keepsTail: false)
    }

    private mutating func compress(
        _ message: UnsafeRawBufferPointer,
        into buffer: inout MessageBuffer,
        keepsTail: Bool
    ) -> Outcome {
        let start = buffer.count
        // RFC 7692 7.2.3.6: an empty message is one empty block, of which only this byte is left.
        if message.count == 0 {
            guard let room = unsafe buffer.reserve(1) else { return .failed }
            unsafe room[0] = 0x00
            buffer.commit(1)
            return .compressed
        }
        guard let stream = unsafe preparedStream() else { return .failed }
        needsReset = true
        guard unsafe Self.run(stream, message, into: &buffer),
            keepsTail || Self.dropTail(&buffer, start)
        else {
            buffer.truncate(to: start)
            // The history may hold what the peer never gets; without it nothing can refer to it.
            releaseMemory()
            return .failed
        }
        if !hasContextTakeover, buffer.count &- start >= message.count {
            buffer.truncate(to: start)
            return .notSmaller
        }
        return .compressed
    }

    /// Compresses the next fragment of a message and appends the result: what was given so far can
    /// be inflated when it has arrived. Only with context takeover, which here is the one from
    /// fragment to fragment.
    ///
    /// RFC 7692 7.2.1: the fragments are one stream of blocks, and only behind the last of them is a
    /// tail taken off.
    ///
    /// - Returns: false if there is no memory. Nothing was appended then, and the fragment can be
    ///   given again.
    mutating func compressFragment(
        _ fragment: UnsafeRawBufferPointer,
        isFinal: Bool,
        into buffer: inout MessageBuffer
    ) -> Bool {
        assert(hasContextTakeover, "fragments refer to those before them")
        // What was flushed before has no tail left that could be taken off: RFC 7692 7.2.3.6.
        if fragment.count == 0, !isFinal { return true }
        return unsafe compress(fragment, into: &buffer, keepsTail: !isFinal) == .compressed
    }

    /// A stream that is ready for a message, or nil if there is no memory.
    private mutating func preparedStream() -> UnsafeMutablePointer<z_stream>? {
        if let stream = unsafe stream {
            if needsReset, !hasContextTakeover { unsafe deflateReset(stream) }
            return unsafe stream
        }
        let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe fresh.initialize(to: z_stream())
        // Negative window bits: no header and no checksum around the blocks.
        let status = unsafe deflateInit2_(
            fresh,
            Int32(truncatingIfNeeded: level),
            Z_DEFLATED,
            Int32(truncatingIfNeeded: -windowBits),
            Int32(truncatingIfNeeded: memoryLevel),
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else {
            unsafe fresh.deallocate()
            return nil
        }
        unsafe stream = fresh
        return unsafe fresh
    }

    private static func free(_ stream: UnsafeMutablePointer<z_stream>) {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// zlib counts in 32 bits: longer messages go through it in parts of this size.
    private static let partMax = 1 << 30

    private static func run(
        _ stream: UnsafeMutablePointer<z_stream>,
        _ message: UnsafeRawBufferPointer,
        into buffer: inout MessageBuffer
    ) -> Bool {
        var index = 0
        while index < message.count {
            let end = min(message.count, index &+ partMax)
            let part = unsafe UnsafeRawBufferPointer(rebasing: message[index..<end])
            let flush = end == message.count ? Z_SYNC_FLUSH : Z_NO_FLUSH
            guard unsafe run(stream, part: part, flush: flush, into: &buffer) else { return false }
            index = end
        }
        return true
    }

    private static func run(
        _ stream: UnsafeMutablePointer<z_stream>,
        part: UnsafeRawBufferPointer,
        flush: Int32,
        into buffer: inout MessageBuffer
    ) -> Bool {
        let input = unsafe part.baseAddress?.assumingMemoryBound(to: Bytef.self)
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
        unsafe stream.pointee.avail_in = uInt(truncatingIfNeeded: part.count)
        // Text shrinks to a third or less; what does not shrink grows by a few bytes per 16 KiB.
        var wanted = part.count / 2 &+ 64
        while true {
            // A flush needs more than six bytes at a time, or zlib would repeat its marker.
            guard let room = unsafe buffer.reserve(min(wanted, buffer.limit &- buffer.count)),
                room.count > 6
            else { return false }
            let offered = min(room.count, partMax)
            unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
            unsafe stream.pointee.avail_out = uInt(truncatingIfNeeded: offered)
            let status = unsafe deflate(stream, flush)
            let left = unsafe Int(truncatingIfNeeded: stream.pointee.avail_out)
            buffer.commit(offered &- left)
            // Z_BUF_ERROR: the output ended exactly with the room before this call.
            guard status == Z_OK || status == Z_BUF_ERROR else { return false }
            if left > 0 { return unsafe stream.pointee.avail_in == 0 }
            wanted = 4096
        }
    }

    /// RFC 7692 7.2.1: the flush ends with an empty stored block, whose last four bytes are not
    /// sent.
    private static func dropTail(_ buffer: inout MessageBuffer, _ start: Int) -> Bool {
        let count = buffer.count
        guard count &- start > 4 else { return false }
        let tail = unsafe buffer.bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        guard UInt32(littleEndian: tail) == 0xFFFF_0000 else { return false }
        buffer.truncate(to: count &- 4)
        return true
    }
}
