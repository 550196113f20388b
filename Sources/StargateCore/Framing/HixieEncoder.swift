// The way out for hixie-75 and hixie-76. These drafts carry text and nothing else: there is no
// function here for binary data, pings or close codes, and none may be added.

/// Writes the frames of draft-hixie-75 and -76.
enum HixieEncoder {
    /// What a frame has besides its text: the 00 in front and the FF behind it.
    static let overhead = 2

    /// The Close frame of hixie-76. Hixie-75 has none: there the connection is simply closed.
    static let closeFrame: [UInt8] = [0xFF, 0x00]

    /// Writes `text` as one frame.
    ///
    /// It takes a `UTF8Span` because an FF inside of the payload would end the frame and let the
    /// rest pass for frames of its own; in valid UTF-8 there is no FF.
    ///
    /// - Parameters:
    ///   - text: the message.
    ///   - destination: at least ``overhead`` bytes longer than the text.
    /// - Returns: the number of bytes written.
    static func writeText(_ text: UTF8Span, to destination: UnsafeMutableRawBufferPointer) -> Int {
        let count = text.count
        // checked: the caller has made the room, no peer chooses it.
        precondition(
            destination.count >= count &+ overhead,
            "a text frame of \(count) bytes does not fit into \(destination.count)"
        )
        // The precondition has made sure that there is memory.
        guard let start = destination.baseAddress else { return 0 }
        unsafe text.span.withUnsafeBytes { unsafe write($0, to: start) }
        return count &+ overhead
    }

    /// Writes text that is known to be valid UTF-8 as one frame.
    ///
    /// - Parameters:
    ///   - text: valid UTF-8: the caller has it from a `UTF8Span` or a `String`.
    ///   - destination: room for ``overhead`` bytes more than the text.
    @inline(__always)
    static func write(_ text: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
        unsafe destination.storeBytes(of: 0x00, as: UInt8.self)
        if let source = text.baseAddress {
            unsafe (destination + 1).copyMemory(from: source, byteCount: text.count)
        }
        unsafe destination.storeBytes(of: 0xFF, toByteOffset: text.count &+ 1, as: UInt8.self)
    }
}
