// The few bytes that mean something in the head of a message, and the tests for the rest, one
// byte and eight bytes at a time.

/// Single bytes of a head.
enum HeadByte {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let blank = UInt8(ascii: " ")
    static let colon = UInt8(ascii: ":")
    static let slash = UInt8(ascii: "/")
    static let questionMark = UInt8(ascii: "?")

    /// A to Z, a to z.
    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }

    /// 0 to 9.
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// What names are made of: letters, digits and !#$%&'*+-.^_`|~. RFC 9110 section 5.6.2.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if isLetter(byte) || byte == UInt8(ascii: "-") { return true }
        // One bit per ASCII character, the first 64 and the last 64.
        let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 128 && (bits &>> UInt64(byte & 63)) & 1 == 1
    }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- UInt8(ascii: "0") }
        let letter = (byte | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }

    /// The byte with A to Z made small.
    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}

/// Eight bytes of a head at once, as they lie in memory.
enum HeadWord {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Marks bytes that are less than the bound, and DEL, by their highest bit.
    ///
    /// Every mark is certain: no sum here exceeds its byte.
    @inline(__always)
    static func controls(in word: UInt64, below bound: UInt8) -> UInt64 {
        let word = UInt64(littleEndian: word)
        let lowBits = word & ~highBits
        let notBelow = lowBits &+ ones &* UInt64(truncatingIfNeeded: 0x80 &- bound)
        let deletes = lowBits &+ ones
        // DEL is not below either, and so the exclusive or has neither kind.
        return ~(word | (notBelow ^ deletes)) & highBits
    }

    /// Marks bytes that are neither letters nor a hyphen by their highest bit.
    ///
    /// Every mark is certain: no sum here exceeds its byte.
    @inline(__always)
    static func neitherLettersNorHyphens(in word: UInt64) -> UInt64 {
        let word = UInt64(littleEndian: word)
        let lowercased = (word | ones &* 0x20) & ~highBits
        let fromA = lowercased &+ ones &* (0x80 - 0x61)
        let beyondZ = lowercased &+ ones &* (0x80 - 0x7B)
        let differenceToHyphen = word ^ (ones &* 0x2D)
        let otherThanHyphen =
            ((differenceToHyphen & ~highBits) &+ ~highBits) | differenceToHyphen
        return otherThanHyphen & (~(fromA ^ beyondZ) | word) & highBits
    }

    /// Marks bytes that are neither letters nor digits, nor `+` or `/`, by their highest bit.
    /// RFC 4648 section 4. The first byte of `word` is its lowest.
    @inline(__always)
    static func notBase64(in word: UInt64) -> UInt64 {
        let lowBits = word & ~highBits
        // The slash stands right before the digits.
        let belongs =
            letters(lowBits) | bytes(lowBits, from: 0x2F, upTo: 0x3A)
            | bytes(lowBits, from: 0x2B, upTo: 0x2C)
        return (~belongs | word) & highBits
    }

    /// Marks bytes that are neither letters nor digits, nor a hyphen or a dot, by their highest bit:
    /// what nearly all hosts are made of. The first byte of `word` is its lowest.
    @inline(__always)
    static func notUsualInHosts(in word: UInt64) -> UInt64 {
        let lowBits = word & ~highBits
        let belongs =
            letters(lowBits) | bytes(lowBits, from: 0x30, upTo: 0x3A)
            | bytes(lowBits, from: 0x2D, upTo: 0x2F)
        return (~belongs | word) & highBits
    }

    @inline(__always)
    private static func letters(_ lowBits: UInt64) -> UInt64 {
        bytes(lowBits | ones &* 0x20, from: 0x61, upTo: 0x7B)
    }

    /// Marks the bytes of a range by their highest bit, which must be 0 before. No sum exceeds its
    /// byte.
    @inline(__always)
    private static func bytes(_ lowBits: UInt64, from first: UInt64, upTo end: UInt64) -> UInt64 {
        (lowBits &+ ones &* (0x80 &- first)) ^ (lowBits &+ ones &* (0x80 &- end))
    }

    /// Which of the eight bytes is the first one marked.
    @inline(__always)
    static func firstIndex(_ marks: UInt64) -> Int { marks.trailingZeroBitCount &>> 3 }
}
