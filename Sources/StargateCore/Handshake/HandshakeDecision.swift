// The first step of the opening handshake, between the scanner and the application: is this a
// request for WebSocket at all, and of which generation? Bytes in, a value out; nothing is written.

/// What the server thinks of a request before the application has seen it.
enum HandshakeDecision {
    /// Plain HTTP, for the router. A resource that speaks WebSocket only answers with
    /// ``HandshakeRefusal/webSocketOnly(offering:)``.
    case notAnUpgrade
    /// A handshake that may be completed, if its origin and the application agree.
    case accept(OpeningHandshake)
    /// A broken handshake, or one of a generation that is not spoken here.
    case refuse(HandshakeRefusal)

    /// Judges a request.
    ///
    /// - Parameters:
    ///   - head: the request's head.
    ///   - target: where the request target lies in it.
    ///   - isGet: whether the method is GET.
    ///   - isHTTP11: whether the version is HTTP/1.1 or a higher minor one.
    ///   - isSecure: whether the connection is encrypted; it decides between `ws` and `wss`.
    ///   - protocols: the generations that are spoken here.
    init(
        _ head: HeadView,
        target: HeadRange,
        isGet: Bool,
        isHTTP11: Bool,
        isSecure: Bool,
        protocols: ProtocolSet
    ) {
        let fields = UpgradeFields(head)
        // RFC 9110 section 7.8: a server may ignore an Upgrade field. One that names something else
        // (`h2c`) leaves the request plain HTTP.
        guard fields.upgrade.isPresent, fields.upgradeIsWebSocket else {
            self = .notAnUpgrade
            return
        }
        if let refusal = HandshakeDecision.gate(
            fields,
            isGet: isGet,
            isHTTP11: isHTTP11,
            protocols: protocols
        ) {
            self = .refuse(refusal)
            return
        }
        guard
            let effective = EffectiveTarget(target: target, host: fields.host.value, in: head),
            Authority(head.view(fields.host.value)) != nil,
            effective.authority == fields.host.value
                || Authority(head.view(effective.authority)) != nil
        else {
            self = .refuse(.bad("Host or the request target is malformed."))
            return
        }
        switch VersionTable.decide(fields, in: head, protocols: protocols) {
        case .failure(let refusal):
            self = .refuse(refusal)
        case .success(let (version, proof)):
            let refusal =
                fields.bodyRefusal(version, in: head)
                ?? fields.echoRefusal(version, effective, in: head)
            if let refusal {
                self = .refuse(refusal)
                return
            }
            self = .accept(
                OpeningHandshake(
                    head: head,
                    fields: fields,
                    target: effective,
                    isSecure: isSecure,
                    version: version,
                    proof: proof
                )
            )
        }
    }

    /// The gate that every generation passes. RFC 6455 section 4.2.1, items 1 to 4. The drafts get
    /// no easier one: a request that a proxy took for plain HTTP must not become a WebSocket.
    private static func gate(
        _ fields: UpgradeFields,
        isGet: Bool,
        isHTTP11: Bool,
        protocols: ProtocolSet
    ) -> HandshakeRefusal? {
        guard isGet else {
            return HandshakeRefusal(
                .methodNotAllowed,
                "Upgrade negotiation failed: the method must be GET.",
                extraFields: [(name: "Allow", value: "GET")]
            )
        }
        guard isHTTP11 else {
            return HandshakeRefusal(
                .versionNotSupported,
                "Upgrade negotiation failed: WebSocket needs HTTP/1.1."
            )
        }
        guard fields.connectionHasUpgrade else {
            return .upgradeRequired(
                "Upgrade negotiation failed: Connection does not name upgrade.",
                offering: protocols
            )
        }
        guard fields.host.isSingle else {
            return .bad("Upgrade negotiation failed: Host must be given, once.")
        }
        return nil
    }
}

/// An opening handshake whose generation is known and whose fields are sound.
///
/// It borrows the request's head: what must outlive the read has to be copied out of it.
struct OpeningHandshake {
    let head: HeadView
    let fields: UpgradeFields
    let target: EffectiveTarget
    let isSecure: Bool
    let version: ProtocolVersion
    let proof: HandshakeProof
}

extension UpgradeFields {
    /// No generation has a body, but hixie-76 sends eight bytes behind the head, which some of its
    /// clients announce as one. Anything else could hide a second request.
    fileprivate func bodyRefusal(
        _ version: ProtocolVersion,
        in head: HeadView
    ) -> HandshakeRefusal? {
        if !transferEncoding.isPresent, !contentLength.isPresent { return nil }
        let allowed: StaticString = version == .hixie76 ? "8" : "0"
        let isAllowed = contentLength.isSingle && head.view(contentLength.value).equals(allowed)
        if !transferEncoding.isPresent, isAllowed { return nil }
        return .bad("A WebSocket handshake has no body.")
    }

    /// The hixie drafts echo what they were sent. Only printable ASCII is echoed.
    fileprivate func echoRefusal(
        _ version: ProtocolVersion,
        _ target: EffectiveTarget,
        in head: HeadView
    ) -> HandshakeRefusal? {
        guard version.isHixie else { return nil }
        guard head.view(target.path).isVisible, head.view(origin.value).isPrintable else {
            return .bad("The request target and Origin must be printable ASCII.")
        }
        return nil
    }
}
