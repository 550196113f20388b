// Messages that tell which one they are and when they left: what a broadcast carries, and what the
// reference server pushes. Text, so that any server passes them on in either type.

internal import StargateCore

/// A message of the form `number:nanoseconds:filler`, the two numbers as 16 hexadecimal digits.
enum NumberedMessage {
    /// Sixteen digits, a colon, sixteen digits, a colon.
    static let headerSize = 34

    /// What a message says about itself.
    struct Header: Equatable, Sendable {
        var number: UInt64
        /// The monotonic clock of the sender, which is only the receiver's on the same machine.
        var sentAt: UInt64
    }

    /// A buffer of a length of at least ``headerSize``, ready for ``write(_:into:)``.
    static func buffer(size: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(ascii: "0"), count: max(headerSize, size))
        bytes[16] = UInt8(ascii: ":")
        bytes[33] = UInt8(ascii: ":")
        for index in headerSize..<bytes.count { bytes[index] = filler(at: index) }
        return bytes
    }

    /// Writes the numbers over those of the last message.
    static func write(_ header: Header, into bytes: inout [UInt8]) {
        for digit in 0..<16 {
            let shift = UInt64(60 - digit * 4)
            bytes[digit] = hex(header.number >> shift & 15)
            bytes[17 + digit] = hex(header.sentAt >> shift & 15)
        }
    }

    /// Reads a message; nil if any byte of it is not as ``buffer(size:)`` and
    /// ``write(_:into:)`` make it.
    static func read(_ payload: RawSpan, size: Int) -> Header? {
        guard payload.byteCount == max(headerSize, size) else { return nil }
        var header = Header(number: 0, sentAt: 0)
        for digit in 0..<16 {
            guard let first = value(payload.byte(at: digit)),
                let second = value(payload.byte(at: 17 + digit))
            else { return nil }
            header.number = header.number << 4 | first
            header.sentAt = header.sentAt << 4 | second
        }
        guard payload.byte(at: 16) == UInt8(ascii: ":"), payload.byte(at: 33) == UInt8(ascii: ":")
        else { return nil }
        for index in headerSize..<payload.byteCount
        where payload.byte(at: index) != filler(at: index) { return nil }
        return header
    }

    private static func filler(at index: Int) -> UInt8 {
        UInt8(ascii: "a") + UInt8(truncatingIfNeeded: index % 26)
    }

    private static func hex(_ value: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value)
        return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }

    private static func value(_ digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        default: nil
        }
    }
}

extension RawSpan {
    /// The byte at an offset that is known to be inside.
    @inline(__always)
    fileprivate func byte(at offset: Int) -> UInt8 {
        unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}

extension Message {
    /// The payload, whatever the type.
    @inline(__always)
    func withPayload<Result>(_ body: (RawSpan) -> Result) -> Result {
        switch self {
        case .text(let text): body(text.span.bytes)
        case .binary(let bytes): body(bytes)
        }
    }
}
