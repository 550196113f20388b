/// The header of a frame. RFC 6455 section 5.2.
struct FrameHeader: Equatable {
    /// FIN, RSV1 to RSV3 and the opcode, as on the wire.
    var firstByte: UInt8
    /// 2 to 14 bytes.
    var headerByteCount: Int
    var payloadByteCount: Int
    /// The masking key as it lies in memory; 0 for an unmasked frame.
    var maskingKey: UInt32

    @inline(__always)
    var opcode: Opcode { Opcode(rawValue: firstByte) }
    /// Whether this is the last fragment of its message.
    @inline(__always)
    var isFinal: Bool { firstByte & 0x80 != 0 }
    /// RSV1: the message is compressed, on its first frame. RFC 7692 section 6.
    @inline(__always)
    var isCompressed: Bool { firstByte & 0x40 != 0 }
    /// An unfragmented data message without compression: FIN and text or binary, nothing else.
    @inline(__always)
    var isWholeMessage: Bool { firstByte == 0x81 || firstByte == 0x82 }
}

/// What a connection allows in a frame.
struct FrameRules {
    /// A server demands the mask, a client refuses it. RFC 6455 section 5.1.
    var expectsMask: Bool
    /// The reserved bits that an extension has given a meaning, in their place in the first byte.
    var allowedReservedBits: UInt8
    /// The longest payload of a data frame, in bytes.
    var payloadByteCountMax: Int
}

/// What ``FrameScanner`` found at the start of some bytes.
enum FrameHeaderScan {
    case complete(FrameHeader)
    /// The header is not whole yet; nothing in it is wrong so far.
    case incomplete
    case violation(ProtocolViolation)
}
