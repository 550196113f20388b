// Which generation of the protocol a request speaks. The first row that matches wins, and no row
// leads from a broken request of one generation to an older one: whoever removes a field from a
// request gets a refusal, not a weaker protocol.

/// What the fields of a request say about its generation, condensed so that the table can be read.
struct VersionFacts {
    enum Version {
        case absent
        /// Twice, empty, or text that others would read as a version that is spoken here.
        case ambiguous
        /// Anything else that is not spoken here, a number or not.
        case notSpoken
        case spoken(ProtocolVersion)
    }

    enum Draft { case absent, zero, other }

    enum Key {
        case absent
        /// Twice, or not base64 of 16 octets.
        case invalid
        case valid(HeadRange)
    }

    enum HixieKeys {
        case absent
        /// One without the other, one twice, or arithmetic that does not work out.
        case invalid
        case valid(Hixie76Keys)
    }

    let version: Version
    let draft: Draft
    let key: Key
    let hixieKeys: HixieKeys

    init(_ fields: UpgradeFields, in head: HeadView, protocols: ProtocolSet) {
        version = VersionFacts.version(fields.version, in: head, protocols: protocols)

        if !fields.draft.isPresent {
            draft = .absent
        } else if fields.draft.isSingle, head.view(fields.draft.value).equals("0") {
            draft = .zero
        } else {
            draft = .other
        }

        if !fields.key.isPresent {
            key = .absent
        } else if fields.key.isSingle, AcceptKey.isValidKey(head.view(fields.key.value)) {
            key = .valid(fields.key.value)
        } else {
            key = .invalid
        }

        if !fields.key1.isPresent, !fields.key2.isPresent {
            hixieKeys = .absent
        } else if fields.key1.isSingle, fields.key2.isSingle,
            let keys = Hixie76Keys(
                key1: head.view(fields.key1.value),
                key2: head.view(fields.key2.value)
            )
        {
            hixieKeys = .valid(keys)
        } else {
            hixieKeys = .invalid
        }
    }

    /// A plain decimal has digits only, and no zero in front of others. RFC 6455 section 4.3.
    ///
    /// Text that is none is no version at all (`-1`, `0x13`), and the client is told which there are,
    /// as with any other number. But `13x` and `13, 8`, `013` and `+13` are 13 to several servers:
    /// two parties that disagree about that would speak different dialects.
    private static func version(
        _ field: FieldOccurrence,
        in head: HeadView,
        protocols: ProtocolSet
    ) -> Version {
        guard field.isPresent else { return .absent }
        let text = head.view(field.value)
        guard field.isSingle, !text.isEmpty else { return .ambiguous }
        let version: ProtocolVersion
        if text.equals("13") {
            version = .rfc6455
        } else if text.equals("8") {
            version = .hybi8
        } else if text.equals("7") {
            version = .hybi7
        } else {
            return isAmbiguous(text) ? .ambiguous : .notSpoken
        }
        return protocols.contains(version) ? .spoken(version) : .notSpoken
    }

    /// Whether a lenient reader, who skips a sign and zeros and stops at the first byte that is no
    /// digit, would see a version in it that has a meaning here.
    private static func isAmbiguous(_ text: ByteView) -> Bool {
        var start = text[0] == UInt8(ascii: "+") ? 1 : 0
        while start < text.count, text[start] == UInt8(ascii: "0") { start &+= 1 }
        var number = 0
        var index = start
        while index < text.count, WireByte.isDigit(text[index]), number < 100 {
            // checked: a digit, and the number is below 100.
            number = number &* 10 &+ Int(text[index] &- UInt8(ascii: "0"))
            index &+= 1
        }
        return number == 7 || number == 8 || number == 13
    }
}

/// What proves to the client that its request was read; every generation has its own.
enum HandshakeProof {
    /// hybi-07 to RFC 6455: the key that Sec-WebSocket-Accept answers.
    case key(HeadRange)
    /// hixie-76: the two numbers; eight more bytes follow the head, and 16 answer them.
    case hixie76(Hixie76Keys)
    /// hixie-75 has none.
    case none
}

/// The decision table.
enum VersionTable {
    /// A generation that is spoken here, or the answer that refuses.
    typealias Row = Result<(ProtocolVersion, HandshakeProof), HandshakeRefusal>

    /// Reads the table from the top. The common gate of ``HandshakeDecision`` has been passed.
    static func decide(
        _ fields: UpgradeFields,
        in head: HeadView,
        protocols: ProtocolSet
    ) -> Row {
        // Row 3 for what nearly every client sends, without looking at what does not matter there.
        if fields.version.isSingle, fields.key.isSingle, protocols.contains(.rfc6455),
            head.view(fields.version.value).equals("13"),
            AcceptKey.isValidKey(head.view(fields.key.value))
        {
            return .success((.rfc6455, .key(fields.key.value)))
        }
        let facts = VersionFacts(fields, in: head, protocols: protocols)
        switch (facts.version, facts.draft, facts.key, facts.hixieKeys) {
        // 1. The version may mean one that is spoken here, or another.
        case (.ambiguous, _, _, _):
            return .failure(
                .bad("Sec-WebSocket-Version must be one number, once.", offering: protocols)
            )
        // 2. Another version, or one that is switched off. Also with the keys of hixie-76.
        case (.notSpoken, _, _, _):
            return .failure(
                .upgradeRequired(
                    "This WebSocket version is not spoken here.",
                    offering: protocols
                )
            )
        // 3. hybi-07, hybi-08 to -12, RFC 6455. Fields of older drafts beside it mean nothing.
        case (.spoken(let version), _, .valid(let key), _):
            return .success((version, .key(key)))
        // 4. The same, without a proper key.
        case (.spoken, _, _, _):
            return .failure(
                .bad("Sec-WebSocket-Key must be base64 of 16 bytes, once.")
            )
        // 5. hybi-01 to -03, which frame differently.
        case (.absent, .other, _, _):
            return .failure(
                .upgradeRequired("This WebSocket draft is not spoken here.", offering: protocols)
            )
        // 6. A modern key without a version: the client is told which there are (RFC 6455 section
        // 4.4). With the keys of hixie-76 beside it the request is of two generations.
        case (.absent, _, .valid, .absent), (.absent, _, .invalid, .absent):
            return .failure(
                .upgradeRequired("Sec-WebSocket-Version is missing.", offering: protocols)
            )
        case (.absent, _, .valid, _), (.absent, _, .invalid, _):
            return .failure(.bad("The request is of two WebSocket drafts.", offering: protocols))
        // 7. hixie-76.
        case (.absent, _, .absent, .valid(let keys)):
            return unmasked(.hixie76, .hixie76(keys), protocols)
        // 8. hixie-76 with broken keys: never hixie-75.
        case (.absent, _, .absent, .invalid):
            return .failure(.bad("Sec-WebSocket-Key1 and -Key2 do not hold a challenge."))
        // 9. Fields of a newer generation, but no key.
        case (.absent, _, .absent, .absent) where fields.hasSecWebSocket:
            return .failure(.bad("The WebSocket handshake holds no key."))
        // 11. Only hixie-75 knows no key at all, and it spells the Upgrade field its own way.
        case (.absent, _, .absent, .absent) where !fields.upgradeIsExact:
            return .failure(
                .bad("The WebSocket handshake holds neither key nor version.", offering: protocols)
            )
        // 12. hixie-75 without the field that it cannot do without.
        case (.absent, _, .absent, .absent)
        where !fields.origin.isPresent || fields.origin.value.count == 0:
            return .failure(.bad("Upgrade negotiation failed: Origin is missing."))
        // 10. hixie-75.
        case (.absent, _, .absent, .absent):
            return unmasked(.hixie75, .none, protocols)
        }
    }

    /// 13. The hixie drafts are recognised, but spoken only if they are switched on.
    private static func unmasked(
        _ version: ProtocolVersion,
        _ proof: HandshakeProof,
        _ protocols: ProtocolSet
    ) -> Row {
        if protocols.contains(version) { return .success((version, proof)) }
        return .failure(
            .upgradeRequired("This WebSocket draft is switched off here.", offering: protocols)
        )
    }
}
