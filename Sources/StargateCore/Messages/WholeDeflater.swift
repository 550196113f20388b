// Compression of messages that stand for themselves and are in memory as a whole: nothing needs to be
// kept for the next one, and a library that takes all of it in one call needs half of zlib's time.

internal import CDeflate

/// Compresses whole messages for permessage-deflate with libdeflate, which has no history to take
/// over and cannot be given a message in parts.
///
/// It has no memory until the first message, and may give it back between any two.
@safe struct WholeDeflater: ~Copyable {
    /// Longer messages go through zlib, which takes memory as it goes.
    private static let byteCountMax = 256 << 10

    private let level: Int
    /// Nil while no memory is held.
    private var compressor: OpaquePointer?

    /// - Parameter level: 1 to 9, as zlib's; at each of them the result is a little smaller.
    init(level: Int) {
        self.level = level
        unsafe compressor = nil
    }

    deinit {
        unsafe libdeflate_free_compressor(compressor)
    }

    /// Whether a message is for this compressor. Its window is 32 KiB, so that what a peer with a
    /// smaller one is sent must be no longer than that.
    static func takes(byteCount: Int, windowBits: Int) -> Bool {
        byteCount > 0 && byteCount <= byteCountMax
            && (windowBits == 15 || byteCount <= 1 &<< windowBits)
    }

    /// Compresses one message and appends the result.
    ///
    /// It ends with a block that is marked as the last one, and a zero byte, with which a receiver
    /// that goes on reading finds an empty block: RFC 7692 7.2.3.4.
    mutating func compress(
        _ message: UnsafeRawBufferPointer,
        into buffer: inout MessageBuffer
    ) -> Deflater.Outcome {
        if unsafe compressor == nil {
            unsafe compressor = libdeflate_alloc_compressor(Int32(truncatingIfNeeded: level))
        }
        guard let compressor = unsafe compressor,
            let room = unsafe buffer.reserve(message.count), room.count >= message.count
        else { return .failed }
        // It fails when it has no more room than what would make the message smaller.
        let count = unsafe libdeflate_deflate_compress(
            compressor,
            message.baseAddress,
            message.count,
            room.baseAddress,
            max(0, message.count &- 2)
        )
        guard count > 0 else { return .notSmaller }
        unsafe room[count] = 0x00
        buffer.commit(count &+ 1)
        return .compressed
    }

    /// Gives all memory back until the next message.
    mutating func releaseMemory() {
        unsafe libdeflate_free_compressor(compressor)
        unsafe compressor = nil
    }
}
