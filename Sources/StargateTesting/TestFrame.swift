public import StargateCore

/// A frame as it lies on the wire, unmasked: for tests that care about more than messages.
///
///     peer.send(TestFrame(.text, "hel", isFinal: false))
///     peer.send(TestFrame(.ping, "still there?"))
///     peer.send(TestFrame(.continuation, "lo"))
///
/// What it says need not make sense: RFC 6455 forbids much that a frame can express, and a server
/// has to answer that, too. The hixie drafts have two kinds only: ``Opcode/text`` and
/// ``Opcode/close``.
public struct TestFrame: Hashable, Sendable, CustomStringConvertible {
    /// The four bits that say what the frame is. RFC 6455 section 5.2.
    public struct Opcode: RawRepresentable, Hashable, Sendable {
        /// The four bits.
        public let rawValue: UInt8
        /// Any four bits; those above are ignored.
        public init(rawValue: UInt8) { self.rawValue = rawValue & 0x0F }

        /// A fragment that is not the first one.
        public static let continuation = Opcode(rawValue: 0)
        /// A text message, or its first fragment.
        public static let text = Opcode(rawValue: 1)
        /// A binary message, or its first fragment.
        public static let binary = Opcode(rawValue: 2)
        /// The closing handshake.
        public static let close = Opcode(rawValue: 8)
        /// Asks for a pong.
        public static let ping = Opcode(rawValue: 9)
        /// Answers a ping.
        public static let pong = Opcode(rawValue: 10)

        /// Whether the frame is about the connection and not part of a message.
        public var isControl: Bool { rawValue & 8 != 0 }
    }

    /// What the frame is.
    public var opcode: Opcode
    /// The payload data, unmasked.
    public var payload: [UInt8]
    /// FIN: whether this is the last fragment of its message.
    public var isFinal: Bool
    /// RSV1 to RSV3, as the three lowest bits: RSV1 is 4.
    public var reservedBits: UInt8
    /// Whether the frame is masked. RFC 6455 section 5.1: a client's is, a server's is not.
    public var isMasked: Bool

    /// A frame with a payload of bytes, masked as a client has to.
    public init(
        _ opcode: Opcode,
        _ payload: [UInt8] = [],
        isFinal: Bool = true,
        reservedBits: UInt8 = 0,
        isMasked: Bool = true
    ) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
        self.reservedBits = reservedBits & 0x07
        self.isMasked = isMasked
    }

    /// A frame with a payload of text, masked as a client has to.
    public init(_ opcode: Opcode, _ text: String, isFinal: Bool = true) {
        self.init(opcode, Array(text.utf8), isFinal: isFinal)
    }

    /// A Close frame. RFC 6455 section 5.5.1.
    ///
    /// - Parameters:
    ///   - code: two bytes; whether it may be sent is not checked.
    ///   - reason: what follows it; whether it fits is not checked.
    /// - Returns: the frame.
    public static func close(_ code: CloseCode, reason: String = "") -> TestFrame {
        let bytes = [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
        return TestFrame(.close, bytes + Array(reason.utf8))
    }

    /// As `text fin 5 bytes "hello"`.
    public var description: String {
        let name =
            switch opcode {
            case .continuation: "continuation"
            case .text: "text"
            case .binary: "binary"
            case .close: "close"
            case .ping: "ping"
            case .pong: "pong"
            default: "opcode \(opcode.rawValue)"
            }
        let bits = reservedBits == 0 ? "" : " rsv \(reservedBits)"
        let text = String(decoding: payload.prefix(32), as: UTF8.self)
        return "\(name)\(isFinal ? " fin" : "")\(bits) \(payload.count) bytes \"\(text)\""
    }
}

// Written on its own, and plainly: what it says about the engine's frames is a second opinion.
extension TestFrame {
    /// The frame's bytes in a HyBi draft or RFC 6455. The key is used if the frame is masked.
    package func encoded(maskingKey: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | reservedBits << 4 | opcode.rawValue]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: bytes.append(mask | UInt8(payload.count))
        case ..<65536:
            bytes.append(mask | 126)
            bytes += [UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(mask | 127)
            bytes += (0..<8).reversed().map { UInt8(UInt64(payload.count) >> ($0 * 8) & 0xFF) }
        }
        guard isMasked else { return bytes + payload }
        bytes += maskingKey
        bytes.reserveCapacity(bytes.count + payload.count)
        for index in payload.indices { bytes.append(payload[index] ^ maskingKey[index & 3]) }
        return bytes
    }

    /// The frame's bytes in draft-hixie-75 or -76: text between 00 and FF, or FF 00.
    package var hixieEncoded: [UInt8] {
        opcode == .close ? [0xFF, 0x00] : [0x00] + payload + [0xFF]
    }

    /// Takes the first frame off the bytes of a HyBi draft or RFC 6455; nil if it is not whole.
    package static func take(from bytes: inout ArraySlice<UInt8>) -> TestFrame? {
        let start = bytes.startIndex
        guard bytes.count >= 2 else { return nil }
        let isMasked = bytes[start + 1] & 0x80 != 0
        let short = Int(bytes[start + 1] & 0x7F)
        let lengthByteCount = short == 127 ? 8 : short == 126 ? 2 : 0
        let headerByteCount = 2 + lengthByteCount + (isMasked ? 4 : 0)
        guard bytes.count >= headerByteCount else { return nil }
        let lengthBytes = bytes[start + 2..<start + 2 + lengthByteCount]
        let long = lengthBytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let count = lengthByteCount == 0 ? short : Int(clamping: long)
        guard count <= bytes.count - headerByteCount else { return nil }
        let payloadStart = start + headerByteCount
        var payload = Array(bytes[payloadStart..<payloadStart + count])
        if isMasked {
            let key = Array(bytes[payloadStart - 4..<payloadStart])
            for index in payload.indices { payload[index] ^= key[index & 3] }
        }
        let first = bytes[start]
        bytes = bytes[(payloadStart + count)...]
        return TestFrame(
            Opcode(rawValue: first),
            payload,
            isFinal: first & 0x80 != 0,
            reservedBits: first >> 4 & 0x07,
            isMasked: isMasked
        )
    }

    /// Takes the first frame off the bytes of draft-hixie-75 or -76; nil if it is not whole.
    package static func takeHixie(from bytes: inout ArraySlice<UInt8>) -> TestFrame? {
        guard let first = bytes.first else { return nil }
        if first == 0xFF {
            guard bytes.count >= 2 else { return nil }
            bytes = bytes.dropFirst(2)
            return TestFrame(.close, [], isMasked: false)
        }
        guard let end = bytes.firstIndex(of: 0xFF) else { return nil }
        let payload = Array(bytes[(bytes.startIndex + 1)..<end])
        bytes = bytes[(end + 1)...]
        return TestFrame(.text, payload, isMasked: false)
    }
}
