// Messages out of frames, by the text of RFC 6455 section 5.4: slow, and from all bytes at once.

@testable import StargateCore

/// What a peer's bytes come to, without the control frames between.
struct ReferenceMessages: Equatable {
    struct Message: Equatable {
        var opcode: UInt8
        var payload: [UInt8]
    }

    var messages: [Message] = []
    var controls: [Message] = []
    var violation: ProtocolViolation?

    init() {}

    init(
        _ bytes: [UInt8],
        _ decoder: ReferenceFrameDecoder,
        fragmentCountMax: Int
    ) {
        var place = 0
        var current: Message?
        var fragmentCount = 0
        while violation == nil {
            let opcode: UInt8
            let isFinal: Bool
            let payload: [UInt8]
            var announced = 0
            var isWhole = true
            switch decoder.decode(bytes[place...]) {
            case .incomplete: return
            case .violation(let found):
                violation = found
                return
            case .header(let first, let headerByteCount, let payloadByteCount):
                opcode = first % 16
                if opcode >= 8 { return }
                isFinal = first >= 128
                isWhole = false
                announced = payloadByteCount
                let start = place + headerByteCount
                var arrived = Array(bytes[start...])
                if decoder.isServer {
                    for index in arrived.indices { arrived[index] ^= bytes[start - 4 + index % 4] }
                }
                payload = arrived
            case .frame(let first, let whole, let byteCount):
                opcode = first % 16
                isFinal = first >= 128
                payload = whole
                announced = whole.count
                place += byteCount
            }
            if opcode >= 8 {
                controls.append(Message(opcode: opcode, payload: payload))
                continue
            }
            if opcode == 0 {
                if current == nil { violation = .continuationWithoutStart }
            } else {
                if current != nil { violation = .messageInsideMessage }
                if violation == nil {
                    current = Message(opcode: opcode, payload: [])
                    fragmentCount = 0
                }
            }
            guard violation == nil, var message = current else { return }
            if announced > decoder.payloadByteCountMax - message.payload.count {
                violation = .messageTooBig
                return
            }
            fragmentCount += 1
            if fragmentCount > fragmentCountMax {
                violation = .tooManyFragments
                return
            }
            message.payload += payload
            if message.opcode == 1, !ReferenceUTF8.mayGoOn(message.payload) {
                violation = .invalidUTF8
                return
            }
            current = message
            guard isWhole else { return }
            if isFinal {
                if message.opcode == 1, !ReferenceUTF8.isValid(message.payload) {
                    violation = .invalidUTF8
                    return
                }
                messages.append(message)
                current = nil
            }
        }
    }
}
