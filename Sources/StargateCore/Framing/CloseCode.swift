/// The reason for which a connection ended: the status code of RFC 6455 section 7.4.
///
/// A struct over the number and not a closed enum, so that codes of applications (3000 to 4999)
/// and codes registered later survive the trip.
public struct CloseCode: RawRepresentable, Hashable, Sendable {
    /// The number, as on the wire.
    public let rawValue: UInt16

    /// Any number, valid on the wire or not: see ``isValidOnWire``.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// 1000: the purpose of the connection is fulfilled.
    public static let normalClosure = CloseCode(rawValue: 1000)
    /// 1001: the server goes down, or the browser leaves the page.
    public static let goingAway = CloseCode(rawValue: 1001)
    /// 1002: the peer broke the protocol.
    public static let protocolError = CloseCode(rawValue: 1002)
    /// 1003: a kind of data that this endpoint does not take.
    public static let unsupportedData = CloseCode(rawValue: 1003)
    /// 1005: the peer's Close frame held no code. Never sent; only reported.
    public static let noStatusReceived = CloseCode(rawValue: 1005)
    /// 1006: the connection ended without a closing handshake. Never sent; only reported.
    public static let abnormalClosure = CloseCode(rawValue: 1006)
    /// 1007: text that is not UTF-8, or data that contradicts its type.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    /// 1008: a policy of this endpoint was violated.
    public static let policyViolation = CloseCode(rawValue: 1008)
    /// 1009: the message is too big to process.
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// 1010: the client needs an extension that the server did not accept.
    public static let mandatoryExtension = CloseCode(rawValue: 1010)
    /// 1011: the endpoint met an unexpected condition.
    public static let internalError = CloseCode(rawValue: 1011)
    /// 1012: the service restarts. (IANA registry.)
    public static let serviceRestart = CloseCode(rawValue: 1012)
    /// 1013: try again later. (IANA registry.)
    public static let tryAgainLater = CloseCode(rawValue: 1013)
    /// 1014: a gateway got a bad answer from behind it. (IANA registry.)
    public static let badGateway = CloseCode(rawValue: 1014)
    /// 1015: the TLS handshake failed. Never sent; only reported.
    public static let tlsHandshake = CloseCode(rawValue: 1015)

    /// Whether a Close frame may carry this code: 1000 to 1003, 1007 to 1014 and 3000 to 4999.
    /// 1004, 1005, 1006 and 1015 are reserved. RFC 6455 section 7.4 and the IANA registry.
    public var isValidOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension CloseCode: CustomStringConvertible {
    /// The number, as `1000`.
    public var description: String { String(rawValue) }
}
