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
        for index in 0..<22 where !WireByte.base64Bytes.contains(key[index]) { return false }
        switch key[21] {
        case UInt8(ascii: "A"), UInt8(ascii: "Q"), UInt8(ascii: "g"), UInt8(ascii: "w"):
            return true
        default: return false
        }
    }

    /// Writes the 28 bytes that answer `key`, taken as it was sent.
    static func append(for key: ByteView, to writer: inout HandshakeWriter) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { digest in
            var context = SHA_CTX()
            unsafe SHA1_Init(&context)
            unsafe SHA1_Update(&context, key.buffer.baseAddress, key.count)
            unsafe SHA1_Update(&context, suffix.utf8Start, suffix.utf8CodeUnitCount)
            unsafe SHA1_Final(digest.baseAddress, &context)
            unsafe Base64.append(ByteView(UnsafeRawBufferPointer(digest)), to: &writer)
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
