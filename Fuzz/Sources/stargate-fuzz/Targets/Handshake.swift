@testable import StargateCore

/// The opening handshake of every generation, from the bytes of a request to those of the answer.
func fuzzHandshake(_ input: consuming FuzzInput) {
    let protocols = ProtocolSet(rawValue: input.byte() & ProtocolSet.all.rawValue)
    let flags = input.byte()
    let isSecure = flags & 1 != 0
    let origins = input.element(
        of: [
            OriginPolicy.any, .sameOrigin,
            .allow(["http://example.com", "https://example.com:8443"]),
            .check { $0?.isEmpty == false },
        ]
    )
    let bytes = input.rest()
    withUnsafeTemporaryAllocation(of: HeadField.self, capacity: 100) { fields in
        fields.initialize(repeating: HeadField(name: .empty, value: .empty))
        let scan = RequestHeadScanner.scan(
            bytes,
            previouslyScanned: 0,
            limits: .default,
            into: fields
        )
        guard case .complete(let head) = scan else { return }
        let view = HeadView(
            bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
            fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
        )
        let decision = HandshakeDecision(
            view,
            target: head.target.raw,
            isGet: head.method == .get,
            isHTTP11: head.minorVersion >= 1,
            isSecure: isSecure,
            protocols: protocols
        )
        let facts = RequestFacts(view)
        switch decision {
        case .notAnUpgrade: require(!facts.asksForWebSocket, "an upgrade was overlooked")
        case .refuse(let refusal): check(refusal, protocols)
        case .accept(let handshake):
            requireEqual(head.method, .get, "the method")
            require(protocols.contains(handshake.version), "a version that is switched off")
            facts.check(handshake)
            answer(handshake, origins, protocols)
        }
    }
}

/// What a request holds, found out without the code under test.
private struct RequestFacts {
    private let fields: [(name: String, value: String)]

    init(_ view: HeadView) {
        fields = view.fields.map { (view.string($0.name).lowercased(), view.string($0.value)) }
    }

    private func values(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// Whether every Upgrade field is the one word.
    var asksForWebSocket: Bool {
        let upgrades = values("upgrade")
        return !upgrades.isEmpty && upgrades.allSatisfy { $0.lowercased() == "websocket" }
    }

    /// What no accepted request lacks, whatever its generation.
    func check(_ handshake: OpeningHandshake) {
        require(asksForWebSocket, "accepted without Upgrade")
        requireEqual(values("host").count, 1, "the number of Host fields")
        let connection = values("connection").flatMap { $0.split(separator: ",") }.map {
            String($0.drop { " \t".contains($0) }).lowercased()
        }
        require(
            connection.contains { $0.hasPrefix("upgrade") },
            "accepted without Connection: upgrade"
        )
        require(values("transfer-encoding").isEmpty, "accepted with Transfer-Encoding")
        let lengths = values("content-length")
        require(
            lengths.isEmpty || lengths == ["0"]
                || lengths == ["8"] && handshake.version == .hixie76,
            "accepted with a body"
        )
        switch handshake.version {
        case .rfc6455, .hybi8, .hybi7:
            requireEqual(
                values("sec-websocket-version"),
                ["\(handshake.version.number ?? 0)"],
                "the version"
            )
            requireEqual(values("sec-websocket-key").map(\.utf8.count), [24], "the key")
        case .hixie76:
            requireEqual(values("sec-websocket-key1").count, 1, "the first key")
            requireEqual(values("sec-websocket-key2").count, 1, "the second key")
            require(values("sec-websocket-key").isEmpty, "keys of two generations")
            require(values("sec-websocket-version").isEmpty, "a version beside the old keys")
        case .hixie75:
            require(!fields.contains { $0.name.hasPrefix("sec-websocket-") }, "a newer field")
        }
    }
}

/// Completes a handshake as a server does.
private func answer(
    _ handshake: OpeningHandshake,
    _ origins: OriginPolicy,
    _ protocols: ProtocolSet
) {
    let offered: [String]
    let extensions: [ExtensionOffer]
    do throws(HandshakeRefusal) {
        offered = try handshake.offeredSubprotocols()
        extensions = try handshake.extensionOffers()
        if let refusal = handshake.refusal(by: origins) { throw refusal }
    } catch {
        return check(error, protocols)
    }
    let agreement = PerMessageDeflate.shared.accept(extensions)
    withUnsafeTemporaryAllocation(byteCount: 32_768, alignment: 8) { memory in
        var writer = HandshakeWriter(memory)
        let refusal = handshake.encodeResponse(
            subprotocol: offered.last,
            offered: offered,
            extensions: agreement?.answer,
            headers: [("Set-Cookie", "a=b")],
            into: &writer
        )
        require(refusal == nil, "what was offered was chosen, and refused")
        let response = ReferenceHeadReader.response(writer.bytes, .default)
        guard let response else { return require(false, "the answer is no response") }
        requireEqual(response.byteCount, writer.count, "the length of the answer")
        requireEqual(response.startLine[1], Array("101".utf8), "the status")
        check(response, handshake)
        if case .hixie76(let keys) = handshake.proof {
            let length = writer.count
            let proof = Array("12345678".utf8)
            let isWritten = proof.withUnsafeBytes {
                keys.appendAnswer(key3: ByteView($0), to: &writer)
            }
            require(isWritten, "the proof has no room")
            requireEqual(writer.count - length, 16, "the length of the proof")
        }
    }
}

/// The fields of a 101: those of its generation, and none that a peer wrote.
private func check(_ response: ReferenceHead, _ handshake: OpeningHandshake) {
    var left = ["upgrade", "connection", "set-cookie"]
    switch handshake.version {
    case .rfc6455, .hybi8, .hybi7: left.append("sec-websocket-accept")
    case .hixie76: left += ["sec-websocket-origin", "sec-websocket-location"]
    case .hixie75: left += ["websocket-origin", "websocket-location"]
    }
    var optional = ["sec-websocket-protocol", "sec-websocket-extensions", "websocket-protocol"]
    for field in response.fields {
        let name = String(decoding: field.name, as: UTF8.self).lowercased()
        if let index = left.firstIndex(of: name) {
            left.remove(at: index)
        } else if let index = optional.firstIndex(of: name) {
            optional.remove(at: index)
        } else {
            require(false, "the answer has the field \(name)")
        }
    }
    requireEqual(left, [], "the fields that the answer lacks")
}

/// A refusal: one response, whole, that says that the connection ends and what would help.
private func check(_ refusal: HandshakeRefusal, _ protocols: ProtocolSet) {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { memory in
        var writer = HandshakeWriter(memory)
        refusal.encode(into: &writer)
        require(!writer.hasOverflowed, "the refusal does not fit")
        let bytes = writer.bytes
        guard let response = ReferenceHeadReader.response(bytes, .default) else {
            return require(false, "the refusal is no response")
        }
        var fields: [String: String] = [:]
        for field in response.fields {
            fields[String(decoding: field.name, as: UTF8.self).lowercased()] =
                String(decoding: field.value, as: UTF8.self)
        }
        requireEqual(
            fields["content-length"].flatMap { Int($0) },
            bytes.count - response.byteCount,
            "the length of the body"
        )
        require(fields["connection"]?.contains("close") == true, "the connection stays open")
        switch refusal.status.code {
        case 400, 403, 505: break
        case 405: requireEqual(fields["allow"], "GET", "what is allowed")
        case 426:
            requireEqual(fields["upgrade"], "websocket", "what to upgrade to")
            let list = protocols.versionList
            requireEqual(fields["sec-websocket-version"], list.isEmpty ? nil : list, "versions")
        default: require(false, "refused with \(refusal.status)")
        }
    }
}
