// What the two sides agreed on in the opening handshake. Made by PerMessageDeflate+Negotiation,
// kept with the connection, used to make its Deflater and Inflater.

/// The parameters of permessage-deflate that hold for one connection. RFC 7692 section 7.1.
struct PerMessageDeflateParameters: Hashable, Sendable {
    /// One direction of a connection.
    struct Direction: Hashable, Sendable {
        /// The size of the LZ77 window as a power of two: 8 to 15.
        var windowBits: UInt8 = 15
        /// Whether a message may refer to the ones before it.
        var hasContextTakeover = true
    }

    /// The messages that the server sends.
    var fromServer = Direction()
    /// The messages that the client sends.
    var fromClient = Direction()
}

/// The parameters of one offer or answer, each at most once, and with a value the RFC allows.
struct PerMessageDeflateElement {
    static let name = "permessage-deflate"

    /// A parameter whose value may be absent.
    enum WindowBits: Equatable {
        case absent
        case withoutValue
        case value(UInt8)
    }

    private(set) var serverNoContextTakeover = false
    private(set) var clientNoContextTakeover = false
    private(set) var serverMaxWindowBits = WindowBits.absent
    private(set) var clientMaxWindowBits = WindowBits.absent

    /// Reads an element; nil if a parameter is unknown, appears twice, or has a value that it must
    /// not have. RFC 7692 section 7.1 wants such offers declined and such answers refused.
    init?(_ element: ExtensionOffer) {
        guard element.name == Self.name else { return nil }
        for (name, value) in element.parameters {
            switch name {
            case "server_no_context_takeover":
                guard value == nil, !serverNoContextTakeover else { return nil }
                serverNoContextTakeover = true
            case "client_no_context_takeover":
                guard value == nil, !clientNoContextTakeover else { return nil }
                clientNoContextTakeover = true
            case "server_max_window_bits":
                guard let value, let bits = Self.windowBits(value), serverMaxWindowBits == .absent
                else { return nil }
                serverMaxWindowBits = .value(bits)
            case "client_max_window_bits":
                guard clientMaxWindowBits == .absent else { return nil }
                guard let value else {
                    clientMaxWindowBits = .withoutValue
                    continue
                }
                guard let bits = Self.windowBits(value) else { return nil }
                clientMaxWindowBits = .value(bits)
            default:
                return nil
            }
        }
    }

    /// A decimal number from 8 to 15 without leading zeros. RFC 7692 section 7.1.2.
    private static func windowBits(_ text: String) -> UInt8? {
        switch text {
        case "8": 8
        case "9": 9
        case "10": 10
        case "11": 11
        case "12": 12
        case "13": 13
        case "14": 14
        case "15": 15
        default: nil
        }
    }
}
