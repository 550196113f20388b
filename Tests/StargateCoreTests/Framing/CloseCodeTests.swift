import Testing

@testable import StargateCore

@Suite("Close codes")
struct CloseCodeTests {
    @Test("what may be sent: RFC 6455 section 7.4 and the registry, over all numbers")
    func validity() {
        let valid = CloseCode.allNumbers.filter { CloseCode(rawValue: $0).isValidOnWire }
        #expect(valid == Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
    }

    @Test(
        "the names stand for the numbers of section 7.4.1",
        arguments: [
            (CloseCode.normalClosure, UInt16(1000)), (.goingAway, 1001), (.protocolError, 1002),
            (.unsupportedData, 1003), (.noStatusReceived, 1005), (.abnormalClosure, 1006),
            (.invalidPayload, 1007), (.policyViolation, 1008), (.messageTooBig, 1009),
            (.mandatoryExtension, 1010), (.internalError, 1011), (.serviceRestart, 1012),
            (.tryAgainLater, 1013), (.badGateway, 1014), (.tlsHandshake, 1015),
        ]
    )
    func names(code: CloseCode, number: UInt16) {
        #expect(code.rawValue == number)
        #expect(code.description == "\(number)")
    }

    @Test(
        "reserved codes are never valid",
        arguments: [UInt16(0), 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]
    )
    func reserved(number: UInt16) {
        #expect(!CloseCode(rawValue: number).isValidOnWire)
    }

    @Test("a violation is told with a code that may be sent")
    func violations() {
        let all: [ProtocolViolation] = [
            .reservedBits, .reservedOpcode, .controlFrameTooLong, .controlFrameFragmented,
            .unmaskedFrame, .maskedFrame, .lengthNotMinimal, .lengthTooLarge, .messageTooBig,
            .tooManyFragments, .continuationWithoutStart, .messageInsideMessage, .invalidUTF8,
            .invalidCloseReason, .closePayloadOfOneByte, .invalidCloseCode,
            .invalidCompressedData, .invalidHixieFrame,
        ]
        for violation in all {
            #expect(violation.code.isValidOnWire)
            #expect(!violation.reason.isEmpty && violation.reason.utf8.count <= 123)
        }
    }
}

extension CloseCode {
    fileprivate static var allNumbers: [UInt16] { Array(UInt16.min...UInt16.max) }
}
