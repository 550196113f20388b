/// What a peer did that fails the connection: each has its status code and a reason for people.
///
/// A value, never a trap. RFC 6455 section 7.1.7.
enum ProtocolViolation: Error, Equatable {
    case reservedBits
    case reservedOpcode
    case controlFrameTooLong
    case controlFrameFragmented
    case unmaskedFrame
    case maskedFrame
    case lengthNotMinimal
    case lengthTooLarge
    case messageTooBig
    case tooManyFragments
    case continuationWithoutStart
    case messageInsideMessage
    case invalidUTF8
    case invalidCloseReason
    case closePayloadOfOneByte
    case invalidCloseCode
    case invalidCompressedData
    case invalidHixieFrame
    case outOfMemory

    /// The status code that the Close frame carries. RFC 6455 section 7.4.1.
    var code: CloseCode {
        switch self {
        case .messageTooBig: .messageTooBig
        case .tooManyFragments: .policyViolation
        case .outOfMemory: .internalError
        case .invalidUTF8, .invalidCloseReason, .invalidCompressedData: .invalidPayload
        default: .protocolError
        }
    }

    /// The reason that the Close frame carries.
    var reason: String {
        switch self {
        case .reservedBits: "a reserved bit is set without an extension that defines it"
        case .reservedOpcode: "the opcode is reserved"
        case .controlFrameTooLong: "a control frame's payload is longer than 125 bytes"
        case .controlFrameFragmented: "a control frame must not be fragmented"
        case .unmaskedFrame: "frames from a client must be masked"
        case .maskedFrame: "frames from a server must not be masked"
        case .lengthNotMinimal: "the payload length is not encoded in the fewest bytes"
        case .lengthTooLarge: "the payload length has its most significant bit set"
        case .messageTooBig: "the message is too big"
        case .tooManyFragments: "the message has too many fragments"
        case .continuationWithoutStart: "there is no message to continue"
        case .messageInsideMessage: "a new message began before the last one ended"
        case .invalidUTF8: "the text is not valid UTF-8"
        case .invalidCloseReason: "the close reason is not valid UTF-8"
        case .closePayloadOfOneByte: "a Close frame's payload is empty or at least 2 bytes"
        case .invalidCloseCode: "the close code must not be sent"
        case .invalidCompressedData: "the compressed data is invalid"
        case .invalidHixieFrame: "the frame is invalid"
        case .outOfMemory: "there is not enough memory for the message"
        }
    }
}
