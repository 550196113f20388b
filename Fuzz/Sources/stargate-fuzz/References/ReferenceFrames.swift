// A decoder of RFC 6455's frames that is slow and looks like the text of section 5.2. What the
// engine makes of any bytes must be what this makes of them.

@testable import StargateCore

/// What the reference finds at the front of some bytes.
enum ReferenceFrame: Equatable {
    case frame(first: UInt8, payload: [UInt8], byteCount: Int)
    /// The header is whole, its payload is not.
    case header(first: UInt8, headerByteCount: Int, payloadByteCount: Int)
    case incomplete
    case violation(ProtocolViolation)
}

struct ReferenceFrameDecoder {
    var isServer: Bool
    var mayCompress: Bool
    var payloadByteCountMax: Int

    func decode(_ bytes: ArraySlice<UInt8>) -> ReferenceFrame {
        let bytes = Array(bytes)
        guard bytes.count >= 1 else { return .incomplete }
        let opcode = bytes[0] % 16
        let isFinal = bytes[0] >= 128
        let reserved = bytes[0] / 16 % 8
        let isDataStart = opcode == 1 || opcode == 2
        let mayBeReserved = isDataStart && mayCompress && reserved == 4
        if reserved != 0 && !mayBeReserved { return .violation(.reservedBits) }
        if ![0, 1, 2, 8, 9, 10].contains(opcode) { return .violation(.reservedOpcode) }

        guard bytes.count >= 2 else { return .incomplete }
        let isControl = opcode >= 8
        let isMasked = bytes[1] >= 128
        let length7 = Int(bytes[1] % 128)
        if isControl && length7 > 125 { return .violation(.controlFrameTooLong) }
        if isControl && !isFinal { return .violation(.controlFrameFragmented) }
        if isServer && !isMasked { return .violation(.unmaskedFrame) }
        if !isServer && isMasked { return .violation(.maskedFrame) }

        var place = 2
        var length = UInt64(length7)
        if length7 >= 126 {
            let lengthByteCount = length7 == 126 ? 2 : 8
            guard bytes.count >= 2 + lengthByteCount else { return .incomplete }
            length = 0
            for index in 2..<2 + lengthByteCount { length = length << 8 | UInt64(bytes[index]) }
            place += lengthByteCount
            if length >= 1 << 63 { return .violation(.lengthTooLarge) }
            if length7 == 126 && length < 126 { return .violation(.lengthNotMinimal) }
            if length7 == 127 && length < 65536 { return .violation(.lengthNotMinimal) }
        }
        if !isControl && length > UInt64(payloadByteCountMax) { return .violation(.messageTooBig) }
        if isMasked {
            guard bytes.count >= place + 4 else { return .incomplete }
            place += 4
        }
        let payloadByteCount = Int(length)
        guard bytes.count - place >= payloadByteCount else {
            return .header(
                first: bytes[0],
                headerByteCount: place,
                payloadByteCount: payloadByteCount
            )
        }
        var payload = Array(bytes[place..<place + payloadByteCount])
        if isMasked {
            for index in payload.indices { payload[index] ^= bytes[place - 4 + index % 4] }
        }
        return .frame(
            first: bytes[0],
            payload: payload,
            byteCount: place + payloadByteCount
        )
    }
}
