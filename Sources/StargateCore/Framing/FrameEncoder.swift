/// Writes frame headers. RFC 6455 section 5.2.
enum FrameEncoder {
    /// The longest header: 2 bytes, 8 of length, 4 of masking key.
    static let headerByteCountMax = 14

    /// The bytes of the header in front of a payload.
    @inline(__always)
    static func headerByteCount(payloadByteCount: Int, isMasked: Bool) -> Int {
        let length = payloadByteCount < 126 ? 2 : (payloadByteCount <= 0xFFFF ? 4 : 10)
        return isMasked ? length &+ 4 : length
    }

    /// Writes a header, with the length in the fewest bytes.
    ///
    /// - Parameters:
    ///   - target: room for ``headerByteCount(payloadByteCount:isMasked:)`` bytes.
    ///   - firstByte: FIN, reserved bits and opcode.
    ///   - payloadByteCount: the length of the payload.
    ///   - maskingKey: the key as it is to lie in memory, or nil for an unmasked frame.
    /// - Returns: the number of bytes written.
    @inline(__always)
    static func writeHeader(
        to target: UnsafeMutableRawPointer,
        firstByte: UInt8,
        payloadByteCount: Int,
        maskingKey: UInt32?
    ) -> Int {
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        unsafe target.storeBytes(of: firstByte, as: UInt8.self)
        var count = 2
        if payloadByteCount < 126 {
            let length = UInt8(truncatingIfNeeded: payloadByteCount) | maskBit
            unsafe target.storeBytes(of: length, toByteOffset: 1, as: UInt8.self)
        } else if payloadByteCount <= 0xFFFF {
            unsafe target.storeBytes(of: 126 | maskBit, toByteOffset: 1, as: UInt8.self)
            let length = UInt16(truncatingIfNeeded: payloadByteCount).bigEndian
            unsafe target.storeBytes(of: length, toByteOffset: 2, as: UInt16.self)
            count = 4
        } else {
            unsafe target.storeBytes(of: 127 | maskBit, toByteOffset: 1, as: UInt8.self)
            let length = UInt64(truncatingIfNeeded: payloadByteCount).bigEndian
            unsafe target.storeBytes(of: length, toByteOffset: 2, as: UInt64.self)
            count = 10
        }
        if let maskingKey {
            unsafe target.storeBytes(of: maskingKey, toByteOffset: count, as: UInt32.self)
            count &+= 4
        }
        return count
    }
}
