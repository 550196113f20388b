internal import COpenSSL

// The proof of RFC 6455 that a server read the request: SHA-1 of the key and a constant. OpenSSL's
// low-level digest is used because it lives on the stack; the EVP interface looks the algorithm up
// and allocates for every call. SHA-1 is no secret here: section 10.8 says why it is enough.

/// The value of Sec-WebSocket-Accept. RFC 6455 section 4.2.2, step 5.4.
enum AcceptKey {
    /// How long the value is: base64 of 20 bytes.
    static let byteCount = 28
    /// How long a key is: base64 of 16 bytes.
    static let keyByteCount = 24

    private static let suffix: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Whether the bytes are base64 of exactly 16 octets and nothing else: RFC 4648 section 4, with
    /// its padding, and with the four unused bits zero as section 3.5 allows to demand.
    static func isValidKey(_ key: ByteView) -> Bool {
        guard key.count == keyByteCount, key[22] == 0x3D, key[23] == 0x3D else { return false }
        // The last word holds the six letters that are left, and the padding.
        let others =
            HeadWord.notBase64(in: key.word(at: 0)) | HeadWord.notBase64(in: key.word(at: 8))
            | (HeadWord.notBase64(in: key.word(at: 16)) & 0xFFFF_FFFF_FFFF)
        guard others == 0 else { return false }
        switch key[21] {
        case UInt8(ascii: "A"), UInt8(ascii: "Q"), UInt8(ascii: "g"), UInt8(ascii: "w"):
            return true
        default: return false
        }
    }

    /// How many bits are hashed: those of 24 bytes of key and 36 of suffix.
    private static let bitCount: UInt64 = 480

    /// Writes the 28 bytes that answer `key`, taken as it was sent; it has 24 bytes.
    ///
    /// 60 bytes make two blocks, laid out here as FIPS 180-4 section 5.1.1 pads them: key and
    /// suffix fill the first one up to its end mark, and the second holds nothing but their length.
    static func append(for key: ByteView, to writer: inout HandshakeWriter) {
        assert(key.count == keyByteCount, "keys have one length")
        guard key.count == keyByteCount, let source = unsafe key.buffer.baseAddress else { return }
        unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 16) { blocks in
            guard let first = blocks.baseAddress else { return }
            unsafe first.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
            unsafe first.copyMemory(from: source, byteCount: keyByteCount)
            unsafe first.advanced(by: keyByteCount).copyMemory(
                from: suffix.utf8Start,
                byteCount: suffix.utf8CodeUnitCount
            )
            unsafe first.storeBytes(of: 0x80, toByteOffset: 60, as: UInt8.self)
            unsafe first.storeBytes(of: bitCount.bigEndian, toByteOffset: 120, as: UInt64.self)
            var context = SHA_CTX()
            unsafe SHA1_Init(&context)
            unsafe SHA1_Transform(&context, first)
            unsafe SHA1_Transform(&context, first.advanced(by: 64))
            append(context, to: &writer)
        }
    }
}

extension AcceptKey {
    /// Appends the digest in base64.
    private static func append(_ digest: SHA_CTX, to writer: inout HandshakeWriter) {
        let (h0, h1, h2) = (
            UInt64(truncatingIfNeeded: digest.h0), UInt64(truncatingIfNeeded: digest.h1),
            UInt64(truncatingIfNeeded: digest.h2)
        )
        let (h3, h4) = (
            UInt64(truncatingIfNeeded: digest.h3), UInt64(truncatingIfNeeded: digest.h4)
        )
        unsafe writer.append(size: byteCount) { room in
            // Six bytes make eight letters. Of the last six two are there, which make three letters
            // and the padding.
            unsafe room.storeBytes(of: Base64.letters(h0 &<< 16 | h1 &>> 16), as: UInt64.self)
            unsafe room.storeBytes(
                of: Base64.letters((h1 & 0xFFFF) &<< 32 | h2),
                toByteOffset: 8,
                as: UInt64.self
            )
            unsafe room.storeBytes(
                of: Base64.letters(h3 &<< 16 | h4 &>> 16),
                toByteOffset: 16,
                as: UInt64.self
            )
            let rest = Base64.letters((h4 & 0xFFFF) &<< 32)
            let padded = UInt32(truncatingIfNeeded: rest.littleEndian) & 0xFF_FFFF | 0x3D00_0000
            unsafe room.storeBytes(of: padded.littleEndian, toByteOffset: 24, as: UInt32.self)
        }
    }
}

/// Base64 with the standard alphabet and padding. RFC 4648 section 4.
enum Base64 {
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    static func append(_ bytes: ByteView, to writer: inout HandshakeWriter) {
        unsafe writer.append(size: (bytes.count &+ 2) / 3 &* 4) { room in
            let letters = unsafe alphabet.utf8Start
            var target = unsafe room.assumingMemoryBound(to: UInt8.self)
            var index = 0
            while index < bytes.count {
                // A view reads as 0 behind its end: the padding bits.
                let group =
                    Int(bytes[index]) &<< 16 | Int(bytes[index &+ 1]) &<< 8 | Int(bytes[index &+ 2])
                unsafe target[0] = letters[group >> 18]
                unsafe target[1] = letters[group >> 12 & 0x3F]
                unsafe target[2] = letters[group >> 6 & 0x3F]
                unsafe target[3] = letters[group & 0x3F]
                unsafe target += 4
                index &+= 3
            }
            if index &- bytes.count >= 1 { unsafe target[-1] = 0x3D }
            if index &- bytes.count == 2 { unsafe target[-2] = 0x3D }
        }
    }

    /// The eight letters of six bytes, which are the lower ones of a word, as they lie in memory.
    @inline(__always)
    static func letters(_ bytes: UInt64) -> UInt64 {
        // Six bits to each byte, in three steps.
        let halves = bytes & 0xFF_FFFF | (bytes & 0xFFFF_FF00_0000) &<< 8
        let quarters = halves & 0xFFF_0000_0FFF | (halves & 0xFF_F000_00FF_F000) &<< 4
        let numbers =
            quarters & 0x003F_003F_003F_003F | (quarters & 0x0FC0_0FC0_0FC0_0FC0) &<< 2
        // A to Z, a to z, 0 to 9, + and /: what each adds to the one before. No sum exceeds its byte,
        // and no difference falls below 0.
        let letters =
            numbers &+ ones &* 0x41 &+ those(numbers, from: 26) &* 6
            &- those(numbers, from: 52) &* 75 &- those(numbers, from: 62) &* 15
            &+ those(numbers, from: 63) &* 3
        return letters.bigEndian
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// 1 for each byte that is not below the bound; both are less than 128.
    @inline(__always)
    private static func those(_ numbers: UInt64, from bound: UInt64) -> UInt64 {
        ((numbers &+ ones &* (0x80 &- bound)) &>> 7) & ones
    }
}
