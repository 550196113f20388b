/// What a frame carries: its interpretation, from the low four bits of its first byte.
///
/// A struct over the raw value and not a closed enum, so that a reserved opcode sent by a peer
/// is a value that can be reported. RFC 6455 section 5.2.
public struct Opcode: RawRepresentable, Hashable, Sendable {
    /// The number, 0 to 15.
    public let rawValue: UInt8

    /// Keeps the low four bits of `rawValue`, which is what the wire has room for.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue & 0x0F
    }

    /// The next fragment of a message that an earlier frame began.
    public static let continuation = Opcode(rawValue: 0x0)
    /// A text message, or the first fragment of one.
    public static let text = Opcode(rawValue: 0x1)
    /// A binary message, or the first fragment of one.
    public static let binary = Opcode(rawValue: 0x2)
    /// The closing handshake. RFC 6455 section 5.5.1.
    public static let close = Opcode(rawValue: 0x8)
    /// A ping. RFC 6455 section 5.5.2.
    public static let ping = Opcode(rawValue: 0x9)
    /// A pong. RFC 6455 section 5.5.3.
    public static let pong = Opcode(rawValue: 0xA)

    /// Whether this is a control frame's opcode, reserved ones included (the top bit is set).
    public var isControl: Bool { rawValue & 0x8 != 0 }

    /// Whether RFC 6455 section 5.2 leaves this opcode without a meaning (3 to 7, 11 to 15).
    public var isReserved: Bool { rawValue & 0x7 > 2 }
}
