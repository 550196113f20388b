// One pass over the header fields gathers what every generation of the handshake asks about, so the
// version table reads values instead of searching. The switch on the length of the name comes
// first: most fields of a browser are told apart by it alone.

/// How often a field occurs, and its first value.
struct FieldOccurrence {
    private(set) var value = HeadRange.empty
    private(set) var count: UInt16 = 0

    @inline(__always)
    mutating func note(_ value: HeadRange) {
        if count == 0 { self.value = value }
        // A head of 64 KiB holds fewer fields than this counts.
        count &+= 1
    }

    var isPresent: Bool { count != 0 }
    var isSingle: Bool { count == 1 }
}

/// The fields of a request that an opening handshake depends on.
struct UpgradeFields {
    var host = FieldOccurrence()
    var upgrade = FieldOccurrence()
    /// Whether every Upgrade field is `websocket` in some case.
    var upgradeIsWebSocket = true
    /// Whether every Upgrade field is exactly `WebSocket`, as the hixie drafts demand.
    var upgradeIsExact = true
    /// Whether the list in Connection, on however many lines, holds `upgrade`.
    var connectionHasUpgrade = false
    var contentLength = FieldOccurrence()
    var transferEncoding = FieldOccurrence()

    var key = FieldOccurrence()
    var key1 = FieldOccurrence()
    var key2 = FieldOccurrence()
    var version = FieldOccurrence()
    var draft = FieldOccurrence()
    var origin = FieldOccurrence()
    var webSocketOrigin = FieldOccurrence()
    var subprotocol = FieldOccurrence()
    /// `WebSocket-Protocol` of draft-hixie-75.
    var hixie75Subprotocol = FieldOccurrence()
    var extensions = FieldOccurrence()
    /// Whether any field's name begins with `Sec-WebSocket-`, known or not.
    var hasSecWebSocket = false

    init(_ head: HeadView) {
        for index in unsafe 0..<head.fields.count {
            let field = unsafe head.fields[index]
            let name = head.view(field.name)
            switch field.name.count {
            case 4: if name.equalsIgnoringCase("host") { host.note(field.value) }
            case 6: if name.equalsIgnoringCase("origin") { origin.note(field.value) }
            case 7: if name.equalsIgnoringCase("upgrade") { noteUpgrade(field.value, in: head) }
            case 10:
                if name.equalsIgnoringCase("connection"), !connectionHasUpgrade {
                    let value = head.view(field.value)
                    // Nearly every client sends just the one word.
                    connectionHasUpgrade =
                        value.equalsIgnoringCase("upgrade") || value.listContains("upgrade")
                }
            case 14...: noteLong(name, field.value)
            default: break
            }
        }
    }

    private mutating func noteUpgrade(_ value: HeadRange, in head: HeadView) {
        upgrade.note(value)
        let bytes = head.view(value)
        if !bytes.equalsIgnoringCase("websocket") { upgradeIsWebSocket = false }
        if !bytes.equals("WebSocket") { upgradeIsExact = false }
    }

    /// The fields with a long name: the two that announce a body, and the handshake's own.
    private mutating func noteLong(_ name: ByteView, _ value: HeadRange) {
        guard name.part(0, 14).equalsIgnoringCase("sec-websocket-") else {
            switch name.count {
            case 14: if name.equalsIgnoringCase("content-length") { contentLength.note(value) }
            case 17:
                if name.equalsIgnoringCase("transfer-encoding") { transferEncoding.note(value) }
            case 18:
                if name.equalsIgnoringCase("websocket-protocol") { hixie75Subprotocol.note(value) }
            default: break
            }
            return
        }
        hasSecWebSocket = true
        let rest = name.part(14, name.count)
        switch rest.count {
        case 3: if rest.equalsIgnoringCase("key") { key.note(value) }
        case 4:
            if rest.equalsIgnoringCase("key1") {
                key1.note(value)
            } else if rest.equalsIgnoringCase("key2") {
                key2.note(value)
            }
        case 5: if rest.equalsIgnoringCase("draft") { draft.note(value) }
        case 6: if rest.equalsIgnoringCase("origin") { webSocketOrigin.note(value) }
        case 7: if rest.equalsIgnoringCase("version") { version.note(value) }
        case 8: if rest.equalsIgnoringCase("protocol") { subprotocol.note(value) }
        case 10: if rest.equalsIgnoringCase("extensions") { extensions.note(value) }
        default: break
        }
    }
}

extension UpgradeFields {
    /// The values of every field with this name, in order. Walks the fields again only if the name
    /// occurred more than once, which is rare.
    static func values(
        of occurrence: FieldOccurrence,
        named lowercase: StaticString,
        in head: HeadView
    ) -> [HeadRange] {
        if occurrence.count < 2 { return occurrence.isPresent ? [occurrence.value] : [] }
        var values: [HeadRange] = []
        for index in unsafe 0..<head.fields.count {
            let field = unsafe head.fields[index]
            if head.view(field.name).equalsIgnoringCase(lowercase) { values.append(field.value) }
        }
        return values
    }
}

extension ByteView {
    /// Whether the comma-separated list holds `lowercase`, in whatever case. RFC 9110 section 5.6.1.
    func listContains(_ lowercase: StaticString) -> Bool {
        var index = 0
        while index < count {
            while WireByte.isBlank(self[index]) { index &+= 1 }
            let start = index
            var end = index
            while index < count, self[index] != WireByte.comma {
                index &+= 1
                if !WireByte.isBlank(self[index &- 1]) { end = index }
            }
            if end &- start == lowercase.utf8CodeUnitCount,
                part(start, end).equalsIgnoringCase(lowercase)
            {
                return true
            }
            index &+= 1
        }
        return false
    }

    /// Without the blanks at both ends.
    var trimmed: ByteView {
        var first = 0
        var last = count
        while first < last, WireByte.isBlank(self[first]) { first &+= 1 }
        while last > first, WireByte.isBlank(self[last &- 1]) { last &-= 1 }
        return part(first, last)
    }
}
