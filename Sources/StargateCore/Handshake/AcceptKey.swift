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
            let digest: InlineArray<5, UInt32> = [
                context.h0.bigEndian, context.h1.bigEndian, context.h2.bigEndian,
                context.h3.bigEndian, context.h4.bigEndian,
            ]
            let span = digest.span
            unsafe span.withUnsafeBytes { unsafe Base64.append(ByteView($0), to: &writer) }
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
}
