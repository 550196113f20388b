// Text messages must be UTF-8, and a peer may cut them anywhere: between fragments, between reads,
// inside a code point. This validator remembers the open code point in three bytes, so that it can
// live in every connection; whole messages take the faster way in UTF8Validator+Whole.swift.

/// Checks a stream of bytes for UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates,
/// nothing above U+10FFFF.
///
/// It fails fast: the first byte that cannot continue any valid text ends it, even when the code
/// point it belongs to is not complete yet. After a failure everything is refused until ``reset()``.
@safe struct UTF8Validator: Equatable {
    /// How many continuation bytes the open code point still needs; 0 between code points.
    private var missing: UInt8 = 0
    /// The smallest value that the next continuation byte may have.
    private var lowerBound: UInt8 = 0x80
    /// The largest value that the next continuation byte may have.
    private var upperBound: UInt8 = 0xBF

    /// A validator at the beginning of a message.
    init() {}

    /// Whether no code point is open: a message may end here.
    var isComplete: Bool { missing == 0 }

    /// Forgets the message: the next byte is the first of another one.
    mutating func reset() {
        self = UTF8Validator()
    }

    /// Takes the next bytes of the message.
    ///
    /// - Returns: whether some continuation of what was seen so far is valid. That the end was
    ///   reached properly is asked of ``isComplete``.
    mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let count = bytes.count
        var index = 0
        while missing != 0 {
            if index == count { return missing != Self.failed }
            guard unsafe step(bytes[index]) else { return false }
            index &+= 1
        }
        let end = unsafe Self.boundary(before: count, notBefore: index, in: bytes)
        guard unsafe Self.isValid(UnsafeRawBufferPointer(rebasing: bytes[index..<end])) else {
            fail()
            return false
        }
        index = end
        while index < count {
            guard unsafe step(bytes[index]) else { return false }
            index &+= 1
        }
        return true
    }

    /// The value of `missing` that nothing ever satisfies.
    private static let failed: UInt8 = 0xFF

    /// Enters the state in which every byte is refused.
    private mutating func fail() {
        missing = Self.failed
        lowerBound = 0xFF
        upperBound = 0
    }

    /// Takes one byte. The bounds of the second byte carry all the rules: they exclude overlong
    /// forms (E0, F0), surrogates (ED) and what lies above U+10FFFF (F4).
    private mutating func step(_ byte: UInt8) -> Bool {
        if missing != 0 {
            guard byte >= lowerBound, byte <= upperBound else {
                fail()
                return false
            }
            missing &-= 1
            lowerBound = 0x80
            upperBound = 0xBF
            return true
        }
        switch byte {
        case 0x00...0x7F: break
        case 0xC2...0xDF: missing = 1
        case 0xE0...0xEF:
            missing = 2
            if byte == 0xE0 { lowerBound = 0xA0 }
            if byte == 0xED { upperBound = 0x9F }
        case 0xF0...0xF4:
            missing = 3
            if byte == 0xF0 { lowerBound = 0x90 }
            if byte == 0xF4 { upperBound = 0x8F }
        default:
            fail()
            return false
        }
        return true
    }

    /// Where the last code point begins when the bytes end inside of it; otherwise `count`.
    ///
    /// Only the last three bytes can tell: a lead byte farther back has all the bytes it needs.
    private static func boundary(
        before count: Int,
        notBefore start: Int,
        in bytes: UnsafeRawBufferPointer
    ) -> Int {
        var distance = 1
        while distance <= 3, count &- distance >= start {
            let byte = unsafe bytes[count &- distance]
            if byte >= 0xC0 {
                let needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
                return needed > distance ? count &- distance : count
            }
            if byte < 0x80 { return count }
            distance &+= 1
        }
        return count
    }
}
