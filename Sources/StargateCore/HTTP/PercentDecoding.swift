// From the escapes of a URL to text. Done only when a handler asks for the text: routes are
// matched on the bytes that were sent, so that an escape can never hide a slash from them.

/// Decodes percent escapes. RFC 3986 section 2.1.
enum PercentDecoding {
    /// The text that the bytes stand for.
    ///
    /// An escape without two hexadecimal digits stays as it is; what is not UTF-8 in the end
    /// becomes U+FFFD. The result may hold any character, NUL and line ends among them: it is
    /// not fit for a file name or a header without another look.
    ///
    /// - Parameters:
    ///   - bytes: a part of a URL.
    ///   - plusIsBlank: as in the query of a form.
    /// - Returns: valid UTF-8, never longer than the bytes.
    static func string(_ bytes: UnsafeRawBufferPointer, plusIsBlank: Bool = false) -> String {
        unsafe String(unsafeUninitializedCapacity: bytes.count) { text in
            var count = 0
            var index = 0
            while index < bytes.count {
                let byte = unsafe bytes[index]
                index &+= 1
                if byte == UInt8(ascii: "%"), let value = unsafe escape(in: bytes, at: index) {
                    unsafe text[count] = value
                    index &+= 2
                } else {
                    unsafe text[count] = plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte
                }
                count &+= 1
            }
            return count
        }
    }

    /// The byte that the two digits at a position stand for.
    private static func escape(in bytes: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
        guard bytes.count &- index >= 2,
            let high = unsafe HeadByte.hexValue(bytes[index]),
            let low = unsafe HeadByte.hexValue(bytes[index &+ 1])
        else { return nil }
        return high &<< 4 | low
    }
}
