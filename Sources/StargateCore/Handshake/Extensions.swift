// The generic grammar of Sec-WebSocket-Extensions. What an extension's parameters mean is decided
// where the extension lives; here is only syntax. Parsed on demand: a server without extensions
// never looks at the field.

/// One extension that a client offers, or that a server accepted. RFC 6455 section 9.1.
struct ExtensionOffer: Sendable {
    let name: String
    /// In the order sent. A quoted value stands here without its quotes.
    let parameters: [(name: String, value: String?)]
}

/// The grammar of the field.
enum Extensions {
    /// How many offers are read. No client has more than a handful; each costs memory.
    static let offerCountMax = 16
    /// How many parameters one offer may have.
    static let parameterCountMax = 16

    /// Every offer in `bytes`, the value of one field line, in order of preference.
    ///
    /// Throws 400 when the syntax is broken or there are too many. Every byte is looked at once.
    static func parse(_ bytes: ByteView) throws(HandshakeRefusal) -> [ExtensionOffer] {
        var cursor = ExtensionCursor(bytes)
        var offers: [ExtensionOffer] = []
        while true {
            cursor.skipBlanks()
            // RFC 9110 section 5.6.1.2: empty elements of a list are skipped.
            if cursor.take(WireByte.comma) { continue }
            if cursor.isAtEnd { return offers }
            guard offers.count < offerCountMax else {
                throw .bad("Sec-WebSocket-Extensions holds too many offers.")
            }
            guard let offer = cursor.offer() else {
                throw .bad("Sec-WebSocket-Extensions is malformed.")
            }
            offers.append(offer)
        }
    }
}

extension OpeningHandshake {
    /// Every extension offered; none for the hixie drafts, which know no extensions.
    func extensionOffers() throws(HandshakeRefusal) -> [ExtensionOffer] {
        guard fields.extensions.isPresent, !version.isHixie else { return [] }
        let values = UpgradeFields.values(
            of: fields.extensions,
            named: "sec-websocket-extensions",
            in: head
        )
        var offers: [ExtensionOffer] = []
        for value in values {
            offers.append(contentsOf: try Extensions.parse(head.view(value)))
            guard offers.count <= Extensions.offerCountMax else {
                throw .bad("Sec-WebSocket-Extensions holds too many offers.")
            }
        }
        return offers
    }
}

/// Walks over the value of the field, never back.
private struct ExtensionCursor {
    let bytes: ByteView
    var index = 0

    init(_ bytes: ByteView) { self.bytes = bytes }

    var isAtEnd: Bool { index >= bytes.count }

    mutating func skipBlanks() {
        while index < bytes.count, WireByte.isBlank(bytes[index]) { index &+= 1 }
    }

    /// Steps over `byte` if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index &+= 1
        return true
    }

    /// A token, or nil if none comes next.
    mutating func token() -> String? {
        let start = index
        while WireByte.isToken(bytes[index]) { index &+= 1 }
        return index == start ? nil : bytes.part(start, index).string
    }

    /// `name *( ";" parameter )`, up to a comma or the end.
    mutating func offer() -> ExtensionOffer? {
        guard let name = token() else { return nil }
        var parameters: [(name: String, value: String?)] = []
        while true {
            skipBlanks()
            if isAtEnd || bytes[index] == WireByte.comma {
                return ExtensionOffer(name: name, parameters: parameters)
            }
            guard take(UInt8(ascii: ";")), parameters.count < Extensions.parameterCountMax,
                let parameter = parameter()
            else { return nil }
            parameters.append(parameter)
        }
    }

    /// `token [ "=" ( token / quoted-string ) ]`.
    private mutating func parameter() -> (name: String, value: String?)? {
        skipBlanks()
        guard let name = token() else { return nil }
        skipBlanks()
        guard take(UInt8(ascii: "=")) else { return (name: name, value: nil) }
        skipBlanks()
        let value = bytes[index] == WireByte.quote ? quotedString() : token()
        return value.map { (name: name, value: $0) }
    }

    /// What stands between two quotes. RFC 6455 section 9.1: it must be a token once the
    /// backslashes are taken away, so blanks and quotes inside are refused.
    private mutating func quotedString() -> String? {
        index &+= 1
        var content: [UInt8] = []
        while index < bytes.count {
            var byte = bytes[index]
            index &+= 1
            if byte == WireByte.quote {
                return content.isEmpty ? nil : String(decoding: content, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                byte = bytes[index]
                index &+= 1
            }
            guard WireByte.isToken(byte) else { return nil }
            content.append(byte)
        }
        return nil
    }
}
