internal import CVector

/// The masking of RFC 6455 section 5.3: payload byte i is combined with byte i mod 4 of the key.
///
/// Keys are 32-bit words as they lie in memory, so the words of the payload can be combined without
/// regard to the byte order of the machine.
enum Masking {
    /// From here on, vectors of 32 bytes save more than the call costs, where the processor has
    /// them: an echo of 64 KiB takes 8,200 instructions instead of 16,500.
    private static let wideByteCountMin = 512

    /// Masks or unmasks bytes where they lie.
    ///
    /// - Parameters:
    ///   - start: at least `count` bytes.
    ///   - count: how many bytes.
    ///   - key: the masking key; see ``rotate(_:by:)`` for a run that does not begin the payload.
    @inline(__always)
    static func apply(_ start: UnsafeMutableRawPointer, count: Int, key: UInt32) {
        unsafe apply(from: UnsafeRawPointer(start), to: start, count: count, key: key)
    }

    /// Copies bytes and masks or unmasks them on the way. Both runs may be the same.
    @inline(__always)
    static func apply(
        from source: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer,
        count: Int,
        key: UInt32
    ) {
        let word = UInt64(truncatingIfNeeded: key) | UInt64(truncatingIfNeeded: key) &<< 32
        var offset = 0
        if count >= 64 {
            offset = unsafe applyBlocks(from: source, to: target, count: count, word: word)
        }
        while count &- offset >= 8 {
            let bytes = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            unsafe target.storeBytes(of: bytes ^ word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        if count &- offset >= 4 {
            let bytes = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            unsafe target.storeBytes(of: bytes ^ key, toByteOffset: offset, as: UInt32.self)
            offset &+= 4
        }
        // The offset is a multiple of 4, so the rest begins with the key's first byte.
        var rest = key
        while offset < count {
            let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self)
            #if _endian(little)
            let mask = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            #else
            let mask = UInt8(truncatingIfNeeded: rest >> 24)
            rest &<<= 8
            #endif
            unsafe target.storeBytes(of: byte ^ mask, toByteOffset: offset, as: UInt8.self)
            offset &+= 1
        }
    }

    /// Unmasks bytes in a buffer of the loop, in words to the end: the last one may reach up to 7
    /// bytes behind the payload, and leaves those as they are.
    ///
    /// - Parameters:
    ///   - start: at least `count` bytes, and 7 more that belong to the buffer.
    ///   - count: how many bytes.
    ///   - key: the masking key.
    ///   - notesASCII: whether the answer matters; a constant, so that it costs nothing if not.
    /// - Returns: whether all bytes are ASCII now. Only true if `notesASCII`.
    @inline(__always)
    static func applyWithSlack(
        _ start: UnsafeMutableRawPointer,
        count: Int,
        key: UInt32,
        notesASCII: Bool
    ) -> Bool {
        // A call is not worth its while for the messages that come by the thousand.
        guard count >= 16, count <= 32 else {
            guard notesASCII else {
                unsafe applyInWords(start, count: count, key: key)
                return false
            }
            return unsafe applyInWordsNotingASCII(start, count: count, key: key)
        }
        // Two steps that may overlap: both are read before either is written.
        let last = count &- 16
        // checked: both are followed by 16 of the bytes.
        let (front, back) = unsafe (start, start + last)
        let mask = Words(repeating: key)
        let turned = Words(repeating: rotate(key, by: last))
        let head = unsafe front.loadUnaligned(as: Words.self) ^ mask
        let tail = unsafe back.loadUnaligned(as: Words.self) ^ turned
        unsafe front.storeBytes(of: head, as: Words.self)
        unsafe back.storeBytes(of: tail, as: Words.self)
        guard notesASCII else { return false }
        let seen = head | tail
        return (seen[0] | seen[1] | seen[2] | seen[3]) & 0x8080_8080 == 0
    }

    @inline(never)
    private static func applyInWords(
        _ start: UnsafeMutableRawPointer,
        count: Int,
        key: UInt32
    ) {
        _ = unsafe applyInWords(start, count: count, key: key, notesASCII: false)
    }

    @inline(never)
    private static func applyInWordsNotingASCII(
        _ start: UnsafeMutableRawPointer,
        count: Int,
        key: UInt32
    ) -> Bool {
        unsafe applyInWords(start, count: count, key: key, notesASCII: true)
    }

    @inline(__always)
    private static func applyInWords(
        _ start: UnsafeMutableRawPointer,
        count: Int,
        key: UInt32,
        notesASCII: Bool
    ) -> Bool {
        let word = UInt64(truncatingIfNeeded: key) | UInt64(truncatingIfNeeded: key) &<< 32
        var seen: UInt64 = 0
        var offset = 0
        if count >= 64 {
            if notesASCII {
                seen = unsafe applyBlocksNotingBits(start, count: count, word: word)
                offset = count & ~63
            } else {
                offset = unsafe applyBlocks(from: start, to: start, count: count, word: word)
            }
        }
        let pair = Vector(repeating: word)
        // At most three turns, so that nothing is gained by more than a plain loop.
        while count &- offset >= 16 {
            let bytes = unsafe start.loadUnaligned(fromByteOffset: offset, as: Vector.self) ^ pair
            unsafe start.storeBytes(of: bytes, toByteOffset: offset, as: Vector.self)
            if notesASCII { seen |= bytes[0] | bytes[1] }
            offset &+= 16
        }
        if count &- offset >= 8 {
            let bytes = unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ word
            unsafe start.storeBytes(of: bytes, toByteOffset: offset, as: UInt64.self)
            if notesASCII { seen |= bytes }
            offset &+= 8
        }
        let rest = count &- offset
        if rest > 0 {
            // checked: 1 to 7 bytes are left, so that 8 to 56 bits are not.
            let unused = UInt64(truncatingIfNeeded: 64 &- rest &* 8)
            #if _endian(little)
            let used = UInt64.max &>> unused
            #else
            let used = UInt64.max &<< unused
            #endif
            let bytes =
                unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ (word & used)
            unsafe start.storeBytes(of: bytes, toByteOffset: offset, as: UInt64.self)
            if notesASCII { seen |= bytes & used }
        }
        return notesASCII && seen & 0x8080_8080_8080_8080 == 0
    }

    /// 64 bytes a turn, in vectors that every 64-bit processor has. Returns how many were done.
    private static func applyBlocks(
        from source: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer,
        count: Int,
        word: UInt64
    ) -> Int {
        let end = count & ~63
        if end >= wideByteCountMin, stargate_has_avx2() != 0 {
            unsafe stargate_mask_blocks(
                source.assumingMemoryBound(to: UInt8.self),
                target.assumingMemoryBound(to: UInt8.self),
                end,
                word
            )
            return end
        }
        let mask = SIMD2<UInt64>(repeating: word)
        var offset = 0
        while offset < end {
            // checked: both are followed by `count` bytes.
            let (from, to) = unsafe (source + offset, target + offset)
            let (a, b, c, d) = unsafe load(from, mask)
            unsafe store(a, b, c, d, to: to)
            offset &+= 64
        }
        return end
    }

    /// The same where the bytes lie. Returns a word in which the top bits of all bytes are gathered.
    private static func applyBlocksNotingBits(
        _ start: UnsafeMutableRawPointer,
        count: Int,
        word: UInt64
    ) -> UInt64 {
        let end = count & ~63
        if end >= wideByteCountMin, stargate_has_avx2() != 0 {
            let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
            return unsafe stargate_mask_blocks_noting(bytes, end, word)
        }
        let mask = SIMD2<UInt64>(repeating: word)
        var offset = 0
        var seen = SIMD2<UInt64>()
        while offset < end {
            let place = unsafe start + offset
            let (a, b, c, d) = unsafe load(place, mask)
            unsafe store(a, b, c, d, to: place)
            seen |= (a | b) | (c | d)
            offset &+= 64
        }
        return seen[0] | seen[1]
    }

    private typealias Vector = SIMD2<UInt64>
    private typealias Words = SIMD4<UInt32>

    @inline(__always)
    private static func load(
        _ source: UnsafeRawPointer,
        _ mask: Vector
    ) -> (Vector, Vector, Vector, Vector) {
        unsafe (
            source.loadUnaligned(as: Vector.self) ^ mask,
            source.loadUnaligned(fromByteOffset: 16, as: Vector.self) ^ mask,
            source.loadUnaligned(fromByteOffset: 32, as: Vector.self) ^ mask,
            source.loadUnaligned(fromByteOffset: 48, as: Vector.self) ^ mask
        )
    }

    @inline(__always)
    private static func store(
        _ a: Vector,
        _ b: Vector,
        _ c: Vector,
        _ d: Vector,
        to target: UnsafeMutableRawPointer
    ) {
        unsafe target.storeBytes(of: a, as: Vector.self)
        unsafe target.storeBytes(of: b, toByteOffset: 16, as: Vector.self)
        unsafe target.storeBytes(of: c, toByteOffset: 32, as: Vector.self)
        unsafe target.storeBytes(of: d, toByteOffset: 48, as: Vector.self)
    }

    /// The key for a run that begins `count` bytes into the payload.
    @inline(__always)
    static func rotate(_ key: UInt32, by count: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: (count & 3) &* 8)
        #if _endian(little)
        return key &>> bits | key &<< ((32 &- bits) & 31)
        #else
        return key &<< bits | key &>> ((32 &- bits) & 31)
        #endif
    }
}
