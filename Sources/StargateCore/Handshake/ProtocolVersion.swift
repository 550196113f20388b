/// A generation of the WebSocket protocol.
///
/// The order is the order of age, so `<` means older.
public enum ProtocolVersion: UInt8, CaseIterable, Sendable {
    /// draft-hixie-thewebsocketprotocol-75 (February 2010).
    case hixie75
    /// draft-hixie-thewebsocketprotocol-76, which is draft-ietf-hybi-thewebsocketprotocol-00.
    case hixie76
    /// draft-ietf-hybi-thewebsocketprotocol-07: `Sec-WebSocket-Version: 7`.
    case hybi7
    /// draft-ietf-hybi-thewebsocketprotocol-08 to -12: `Sec-WebSocket-Version: 8`.
    case hybi8
    /// RFC 6455, and draft -13 to -17: `Sec-WebSocket-Version: 13`.
    case rfc6455

    /// Whether the version frames text between `00` and `FF` bytes and knows neither binary
    /// messages, nor pings, nor close codes.
    public var isHixie: Bool { self == .hixie75 || self == .hixie76 }
}

extension ProtocolVersion: Comparable {
    /// Whether `left` is the older generation.
    public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
        left.rawValue < right.rawValue
    }
}
