// The character classes of HTTP that the opening handshake needs. Sets are two words of bits, which
// the compiler lays into the program; a test spells them out.

/// Bytes as ASCII characters.
enum WireByte {
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let slash = UInt8(ascii: "/")
    static let quote = UInt8(ascii: "\"")

    /// Whether `byte` is one of the digits 0 to 9.
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Whether `byte` is a letter.
    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool {
        let folded = byte | 0x20
        return folded >= 0x61 && folded <= 0x7A
    }

    /// Whether `byte` is a hexadecimal digit.
    static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        let folded = byte | 0x20
        return isDigit(byte) || (folded >= 0x61 && folded <= 0x66)
    }

    /// `byte`, made a small letter if it is a capital one.
    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    /// What a host's name may hold. RFC 3986 section 3.2.2.
    /// Letters, digits and `!$%&'()*+,-.;=_~`.
    static let hostBytes = ASCIISet(low: 0x2BFF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    /// What a token may hold. RFC 9110 section 5.6.2.
    /// Letters, digits, the grave accent and `!#$%&'*+-.^_|~`.
    static let tokenBytes = ASCIISet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)

    /// Whether `byte` may stand in a token.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { tokenBytes.contains(byte) }

    /// Whether `byte` is a blank inside a field value.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// Whether `text` is a token: one or more token characters.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isToken)
    }

    /// Whether `text` may stand in a field value. Anything but CR, LF, NUL and the other control
    /// characters may; the tab may, too.
    static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == tab }
    }
}

/// A set of ASCII characters, one bit for each.
struct ASCIISet {
    private let low: UInt64
    private let high: UInt64

    /// - Parameters:
    ///   - low: U+0000 in the lowest bit, U+003F in the highest.
    ///   - high: the same from U+0040 to U+007F.
    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        return (byte < 0x40 ? low : high) &>> UInt64(byte) & 1 != 0
    }
}
