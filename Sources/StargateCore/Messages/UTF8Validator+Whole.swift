// The hot path of text: most messages are one frame, so that their bytes lie in one piece.

internal import CVector

extension UTF8Validator {
    /// Whether `bytes` are valid UTF-8 from beginning to end; an open code point at the end is not.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        let count = bytes.count
        // Most text is ASCII, or begins with it, and nothing is faster for that.
        let index = unsafe endOfASCII(base, from: 0, to: count)
        if index == count { return true }
        let shortest = Int(truncatingIfNeeded: STARGATE_UTF8_LOOKUP_MIN)
        if count >= shortest, stargate_utf8_has_lookup() != 0 {
            // A rest that is too short takes some of the ASCII before it along.
            let start = min(index, count &- shortest)
            let text = unsafe (base + start).assumingMemoryBound(to: UInt8.self)
            return unsafe stargate_utf8_is_valid(text, count &- start) != 0
        }
        return unsafe isValidScalar(base, from: index, to: count)
    }

    /// The way without vector instructions: runs of ASCII in wide steps, the rest one code point
    /// at a time.
    static func isValidScalar(_ base: UnsafeRawPointer, from start: Int, to count: Int) -> Bool {
        var index = start
        while true {
            index = unsafe endOfASCII(base, from: index, to: count)
            // Text that is not ASCII seldom goes back to it for one character only: stay here as
            // long as code points have more than one byte.
            while index < count {
                let length = unsafe lengthOfSequence(base, at: index, to: count)
                if length == 0 { return false }
                index &+= length
                if length == 1 { break }
            }
            if index == count { return true }
        }
    }

    /// The index of the first byte from `start` on that is not ASCII, or a little before it, or
    /// `count`.
    @inline(__always)
    private static func endOfASCII(_ base: UnsafeRawPointer, from start: Int, to count: Int) -> Int
    {
        var index = start
        let highBits: UInt64 = 0x8080_8080_8080_8080
        while count &- index >= 64 {
            let first = unsafe base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            let second = unsafe base.loadUnaligned(
                fromByteOffset: index &+ 32,
                as: SIMD4<UInt64>.self
            )
            let both = first | second
            if (both[0] | both[1] | both[2] | both[3]) & highBits != 0 { break }
            index &+= 64
        }
        while count &- index >= 8 {
            let word = unsafe base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & highBits
            if word != 0 { return index &+ word.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count, unsafe base.load(fromByteOffset: index, as: UInt8.self) < 0x80 {
            index &+= 1
        }
        return index
    }

    /// How many bytes the code point at `index` has: 1 to 4, or 0 if it is not valid.
    @inline(__always)
    private static func lengthOfSequence(
        _ base: UnsafeRawPointer,
        at index: Int,
        to count: Int
    ) -> Int {
        let available = count &- index
        let lead = unsafe base.load(fromByteOffset: index, as: UInt8.self)
        if lead < 0x80 { return 1 }
        guard lead >= 0xC2, available >= 2 else { return 0 }
        let second = unsafe base.load(fromByteOffset: index &+ 1, as: UInt8.self)
        if lead < 0xE0 { return isContinuation(second) ? 2 : 0 }
        guard available >= 3 else { return 0 }
        let third = unsafe base.load(fromByteOffset: index &+ 2, as: UInt8.self)
        if lead < 0xF0 {
            // E0 80...9F would be overlong, ED A0...BF a surrogate.
            let lower: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let upper: UInt8 = lead == 0xED ? 0x9F : 0xBF
            return second >= lower && second <= upper && isContinuation(third) ? 3 : 0
        }
        guard lead <= 0xF4, available >= 4 else { return 0 }
        let fourth = unsafe base.load(fromByteOffset: index &+ 3, as: UInt8.self)
        // F0 80...8F would be overlong, F4 90...BF lies above U+10FFFF.
        let lower: UInt8 = lead == 0xF0 ? 0x90 : 0x80
        let upper: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
        let isValid =
            second >= lower && second <= upper && isContinuation(third) && isContinuation(fourth)
        return isValid ? 4 : 0
    }

    @inline(__always)
    private static func isContinuation(_ byte: UInt8) -> Bool {
        byte & 0xC0 == 0x80
    }
}
