internal import COpenSSL

// The proof of draft-hixie-76: two numbers hidden in text, and eight raw bytes behind the head. The
// arithmetic is written so that no key whatever can trap: zero blanks, no digit, a number beyond 32
// bits and a number that does not divide are all just nil.

/// What the two keys of a draft-hixie-76 request stand for. draft-hixie-76 section 5.2.
struct Hixie76Keys: Equatable, Sendable {
    /// The length of what follows the head in both directions: key3, and the answer.
    static let key3ByteCount = 8
    static let answerByteCount = 16

    let part1: UInt32
    let part2: UInt32

    init(part1: UInt32, part2: UInt32) {
        self.part1 = part1
        self.part2 = part2
    }

    /// Nil unless both keys are well formed.
    init?(key1: ByteView, key2: ByteView) {
        guard let part1 = Hixie76Keys.part(of: key1), let part2 = Hixie76Keys.part(of: key2)
        else { return nil }
        self.init(part1: part1, part2: part2)
    }

    /// The digits of `key` as one number, divided by the count of its spaces.
    ///
    /// Nil if there is no digit or no space (in the draft's words, a symptom of a cross-protocol
    /// attack), if the number exceeds 32 bits, or if the division leaves a remainder.
    static func part(of key: ByteView) -> UInt32? {
        var number: UInt64 = 0
        var spaces: UInt64 = 0
        var hasDigit = false
        for index in 0..<key.count {
            let byte = key[index]
            if byte == WireByte.space {
                spaces &+= 1
            } else if WireByte.isDigit(byte) {
                // Below 2^32 before, hence below 2^36 after.
                number = number &* 10 &+ UInt64(byte & 0x0F)
                hasDigit = true
                if number > UInt64(UInt32.max) { return nil }
            }
        }
        guard hasDigit, spaces != 0, number % spaces == 0 else { return nil }
        return UInt32(exactly: number / spaces)
    }

    /// Appends the 16 bytes that prove the request was read: MD5 of both parts, big-endian, and of
    /// the eight bytes of key3. Appends nothing and returns false if `key3` has another length, or
    /// if there is no room.
    func appendAnswer(key3: ByteView, to writer: inout HandshakeWriter) -> Bool {
        guard key3.count == Hixie76Keys.key3ByteCount, let bytes = unsafe key3.buffer.baseAddress
        else { return false }
        unsafe writer.append(size: Hixie76Keys.answerByteCount) { room in
            var numbers: (UInt32, UInt32) = (part1.bigEndian, part2.bigEndian)
            var context = MD5_CTX()
            unsafe MD5_Init(&context)
            unsafe MD5_Update(&context, &numbers, 8)
            unsafe MD5_Update(&context, bytes, key3.count)
            unsafe MD5_Final(room.assumingMemoryBound(to: UInt8.self), &context)
        }
        return !writer.hasOverflowed
    }

    /// The answer as an array, or nil if `key3` does not hold eight bytes.
    func answer(key3: [UInt8]) -> [UInt8]? {
        unsafe withUnsafeTemporaryAllocation(byteCount: Hixie76Keys.answerByteCount, alignment: 8) {
            var writer = unsafe HandshakeWriter($0)
            let isWritten = unsafe key3.withUnsafeBytes {
                unsafe appendAnswer(key3: ByteView($0), to: &writer)
            }
            return isWritten ? writer.bytes : nil
        }
    }
}
