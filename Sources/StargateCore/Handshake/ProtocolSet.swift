/// Which generations of the WebSocket protocol a server speaks.
///
/// The two hixie drafts do not mask what a client sends, so a script in a browser can choose the
/// bytes that cross the network, and a proxy that does not know the protocol may take them for
/// HTTP. They are therefore never on by default.
public struct ProtocolSet: OptionSet, Sendable {
    /// One bit for each version.
    public let rawValue: UInt8

    /// - Parameter rawValue: one bit for each version; bits without a meaning are ignored.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The set that holds `version` alone.
    public init(_ version: ProtocolVersion) { rawValue = 1 &<< version.rawValue }

    /// draft-hixie-75. Not masked.
    public static let hixie75 = ProtocolSet(.hixie75)
    /// draft-hixie-76, which is hybi-00. Not masked.
    public static let hixie76 = ProtocolSet(.hixie76)
    /// hybi-07.
    public static let hybi7 = ProtocolSet(.hybi7)
    /// hybi-08 to -12.
    public static let hybi8 = ProtocolSet(.hybi8)
    /// RFC 6455.
    public static let rfc6455 = ProtocolSet(.rfc6455)

    /// Every masked generation: RFC 6455, and versions 8 and 7 of the drafts.
    public static let `default`: ProtocolSet = [.rfc6455, .hybi8, .hybi7]
    /// Every generation, the two unmasked ones included.
    public static let all: ProtocolSet = [.rfc6455, .hybi8, .hybi7, .hixie76, .hixie75]

    /// Whether `version` is spoken.
    public func contains(_ version: ProtocolVersion) -> Bool {
        contains(ProtocolSet(version))
    }

    /// Whether one of the drafts that do not mask is spoken.
    public var containsHixie: Bool { !isDisjoint(with: [.hixie75, .hixie76]) }

    /// The value of `Sec-WebSocket-Version` in a refusal: the enabled versions, newest first, as
    /// in `13, 8, 7`. Empty if only hixie drafts are enabled, which have no number.
    ///
    /// RFC 6455 section 4.4.
    public var versionList: String {
        var list = ""
        for version in ProtocolVersion.allCases.reversed() where contains(version) {
            guard let number = version.number else { continue }
            if !list.isEmpty { list += ", " }
            list += "\(number)"
        }
        return list
    }
}

extension ProtocolVersion {
    /// The number in `Sec-WebSocket-Version`; the hixie drafts have none.
    var number: UInt8? {
        switch self {
        case .hixie75, .hixie76: nil
        case .hybi7: 7
        case .hybi8: 8
        case .rfc6455: 13
        }
    }
}
