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
        for index in 0..<22 where !isBase64(key[index]) { return false }
        switch key[21] {
        case UInt8(ascii: "A"), UInt8(ascii: "Q"), UInt8(ascii: "g"), UInt8(ascii: "w"):
            return true
        default: return false
        }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        WireByte.isLetter(byte) || WireByte.isDigit(byte) || byte == 0x2B || byte == 0x2F
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
        unsafe writer.append(size: (bytes.count + 2) / 3 * 4) { room in
            var target = unsafe room
            for index in stride(from: 0, to: bytes.count, by: 3) {
                // A view reads as 0 behind its end: the padding bits.
                let group =
                    UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8
                    | UInt32(bytes[index + 2])
                for shift in stride(from: 18, through: 0, by: -6) {
                    let letter = unsafe alphabet.utf8Start[Int(group >> shift & 0x3F)]
                    unsafe target.storeBytes(of: letter, as: UInt8.self)
                    unsafe target += 1
                }
            }
            let padding = (3 - bytes.count % 3) % 3
            for back in 0..<padding {
                unsafe target.storeBytes(of: 0x3D, toByteOffset: -1 - back, as: UInt8.self)
            }
        }
    }
}
