// Compressed messages, on both ways. RFC 7692 section 6.

extension Connection {
    /// Sends a message by the rules of this connection's protocol and extensions: the way of those
    /// that are not plain RFC 6455 frames.
    @inline(never)
    func sendTransformed(
        _ opcode: Opcode,
        _ payload: UnsafeRawBufferPointer,
        mayCompress: Bool
    ) -> SendResult {
        // RFC 6455 section 5.4: the fragments of one message are not interleaved with another.
        if sendsFragments { return .unfinished }
        if state.version.isHixie {
            guard opcode == .text else { return .unsupported }
            return unsafe sendHixieText(payload)
        }
        let firstByte = 0x80 | opcode.rawValue
        guard mayCompress, let compression = state.compression else {
            return unsafe sendFrame(firstByte, payload)
        }
        // A dropped message must not be in the context that the peer builds up, so room comes first.
        guard hasRoom(for: payload.count) else { return .dropped }
        let result = unsafe compression.withCompressed(payload) { compressed in
            unsafe sendFrame(firstByte | 0x40, compressed, isPromised: true)
        }
        accountCompression()
        return unsafe result ?? sendFrame(firstByte, payload)
    }

    /// Inflates a message and delivers it.
    func deliverCompressed(_ opcode: Opcode, _ bytes: UnsafeRawBufferPointer) {
        guard let compression = state.compression else { return fail(.reservedBits) }
        var isValid = true
        let violation = unsafe compression.withInflated(bytes, limit: limits.maxMessageSize) {
            message in
            if opcode == .text {
                isValid = unsafe UTF8Validator.isValid(message)
                if isValid { unsafe deliverText(message) }
            } else {
                unsafe deliverBinary(message)
            }
        }
        accountCompression()
        if let violation { fail(violation) } else if !isValid { fail(.invalidUTF8) }
    }
}
