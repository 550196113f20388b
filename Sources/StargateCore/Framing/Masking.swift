/// The masking of RFC 6455 section 5.3: payload byte i is combined with byte i mod 4 of the key.
///
/// Keys are 32-bit words as they lie in memory, so the words of the payload can be combined without
/// regard to the byte order of the machine.
enum Masking {
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

    /// 64 bytes a turn, in vectors that every 64-bit processor has. Returns how many were done.
    private static func applyBlocks(
        from source: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer,
        count: Int,
        word: UInt64
    ) -> Int {
        let mask = SIMD2<UInt64>(repeating: word)
        let end = count & ~63
        var offset = 0
        while offset < end {
            let a = unsafe source.loadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
            let b = unsafe source.loadUnaligned(
                fromByteOffset: offset &+ 16,
                as: SIMD2<UInt64>.self
            )
            let c = unsafe source.loadUnaligned(
                fromByteOffset: offset &+ 32,
                as: SIMD2<UInt64>.self
            )
            let d = unsafe source.loadUnaligned(
                fromByteOffset: offset &+ 48,
                as: SIMD2<UInt64>.self
            )
            unsafe target.storeBytes(of: a ^ mask, toByteOffset: offset, as: SIMD2<UInt64>.self)
            unsafe target.storeBytes(
                of: b ^ mask,
                toByteOffset: offset &+ 16,
                as: SIMD2<UInt64>.self
            )
            unsafe target.storeBytes(
                of: c ^ mask,
                toByteOffset: offset &+ 32,
                as: SIMD2<UInt64>.self
            )
            unsafe target.storeBytes(
                of: d ^ mask,
                toByteOffset: offset &+ 48,
                as: SIMD2<UInt64>.self
            )
            offset &+= 64
        }
        return end
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
