// Which subprotocols a client offers, and whether the application chose one of them. Generations
// from hybi-07 on offer a list of tokens; the hixie drafts one opaque text.

extension OpeningHandshake {
    /// What the client offers, in its order of preference; empty if it offers nothing.
    ///
    /// Throws 400 for a list with a bad token or the same token twice (RFC 6455 section 4.1, item
    /// 10), and for a hixie text that is not printable ASCII. Empty elements of a list are skipped,
    /// as RFC 9110 section 5.6.1.2 tells. Takes time linear in the length of the field.
    func offeredSubprotocols() throws(HandshakeRefusal) -> [String] {
        switch version {
        case .rfc6455, .hybi8, .hybi7:
            guard fields.subprotocol.isPresent else { return [] }
            return try Subprotocols.parse(
                UpgradeFields.values(
                    of: fields.subprotocol,
                    named: "sec-websocket-protocol",
                    in: head
                ),
                in: head
            )
        case .hixie76: return try Subprotocols.parseOpaque(fields.subprotocol, in: head)
        case .hixie75: return try Subprotocols.parseOpaque(fields.hixie75Subprotocol, in: head)
        }
    }
}

/// The grammar of the subprotocol fields.
enum Subprotocols {
    /// A comma-separated list of unique tokens, on one line or several.
    static func parse(
        _ values: [HeadRange],
        in head: HeadView
    ) throws(HandshakeRefusal) -> [String] {
        var names: [String] = []
        for value in values {
            let bytes = head.view(value)
            var start = 0
            while start <= bytes.count {
                let end = bytes.firstIndex(of: WireByte.comma, from: start) ?? bytes.count
                let token = bytes.part(start, end).trimmed
                start = end &+ 1
                if token.isEmpty { continue }
                for index in 0..<token.count where !WireByte.isToken(token[index]) {
                    throw .bad("Sec-WebSocket-Protocol holds something that is not a token.")
                }
                names.append(token.string)
            }
        }
        if names.count > 1, Set(names).count != names.count {
            throw .bad("Sec-WebSocket-Protocol holds a name twice.")
        }
        return names
    }

    /// The one text of the hixie drafts: U+0020 to U+007E, blanks and commas included.
    /// draft-hixie-76 section 4.1.
    static func parseOpaque(
        _ field: FieldOccurrence,
        in head: HeadView
    ) throws(HandshakeRefusal) -> [String] {
        guard field.isPresent else { return [] }
        let bytes = head.view(field.value)
        guard field.isSingle, !bytes.isEmpty, bytes.isPrintable else {
            throw .bad("The subprotocol must be printable ASCII, once.")
        }
        return [bytes.string]
    }

    /// Nil if `selected` is one of the offered, or nothing; else the 500 that tells the
    /// application's author. A client would fail the connection for it (RFC 6455 section 4.1).
    static func refusal(selected: String?, offered: [String]) -> HandshakeRefusal? {
        guard let selected, !offered.contains(selected) else { return nil }
        return .mistake("The server chose a subprotocol that was not offered.")
    }
}
