public import StargateCore

/// A message that a scripted peer has received.
public enum TestMessage: Hashable, Sendable, CustomStringConvertible {
    /// A text message.
    case text(String)
    /// A binary message.
    case binary([UInt8])

    /// The text in quotation marks, or the count of bytes.
    public var description: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .binary(let bytes): "\(bytes.count) bytes"
        }
    }
}

/// A Close frame that a scripted peer has received. RFC 6455 section 5.5.1.
public struct TestClose: Hashable, Sendable {
    /// The status code; `CloseCode.noStatusReceived` if the frame was empty.
    public let code: CloseCode
    /// What follows it.
    public let reason: String
}

/// What a test waited for did not come.
public struct TestFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was expected, and what there was instead.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A peer wanted to open a WebSocket connection and was told no.
public struct TestRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it was told.
    public let response: TestResponse

    /// The status, the reason phrase and the body.
    public var description: String {
        "refused with \(response.status): \(response.text)"
    }
}
