// The client's opening handshake: the request of every generation. Its twin, in
// ClientHandshake+Response.swift, judges the answer.

/// Why a client could not ask, or did not like the answer.
struct ClientHandshakeFailure: Error, Hashable, Sendable {
    /// One plain sentence.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// One opening handshake, seen from the client.
struct ClientHandshake: Sendable {
    enum Challenge: Sendable {
        /// Nothing proves that a hixie-75 server read the request.
        case none
        case hixie76(Hixie76Challenge)
        /// The key, which is base64, and the value that must answer it.
        case key(String, accept: [UInt8])
    }

    let url: WebSocketURL
    let version: ProtocolVersion
    let subprotocols: [String]
    /// The origin that is sent, and that hixie servers must send back.
    let origin: String?
    let offersExtensions: Bool
    let challenge: Challenge
    /// Every field of the request, in the order it is sent.
    let fields: [(name: String, value: String)]

    /// Prepares a request.
    ///
    /// - Parameters:
    ///   - url: where to.
    ///   - version: the generation to speak.
    ///   - origin: nil for a program that is not a browser. The hixie drafts cannot do without one:
    ///     there it is made of the URL.
    ///   - subprotocols: tokens in order of preference; the hixie drafts know one text at most.
    ///   - extensions: the value of Sec-WebSocket-Extensions; the hixie drafts have none.
    ///   - headers: further fields, such as cookies.
    ///   - generator: the system's generator, except in tests. RFC 6455 section 10.3.
    /// - Throws: ``ClientHandshakeFailure`` when the request cannot be put into bytes safely.
    init(
        url: WebSocketURL,
        version: ProtocolVersion,
        origin: String? = nil,
        subprotocols: [String] = [],
        extensions: String? = nil,
        headers: [(String, String)] = [],
        using generator: inout some RandomNumberGenerator
    ) throws(ClientHandshakeFailure) {
        try ClientHandshake.check(subprotocols, for: version)
        for (name, value) in headers where !HandshakeHeaders.mayAdd(name, value) {
            throw ClientHandshakeFailure("The header field \(name) cannot be sent.")
        }
        let extensions = version.isHixie ? nil : extensions
        guard WireByte.isFieldValue(origin ?? ""), WireByte.isFieldValue(extensions ?? "") else {
            throw ClientHandshakeFailure("The origin or the extensions hold a control character.")
        }
        self.url = url
        self.version = version
        self.subprotocols = subprotocols
        self.offersExtensions = extensions != nil
        if version.isHixie {
            // Browsers of that time sent the origin in lower case, and servers echo it.
            self.origin = (origin ?? "\(url.isSecure ? "https" : "http")://\(url.hostField)")
                .lowercased()
        } else {
            self.origin = origin
        }
        switch version {
        case .hixie75: challenge = .none
        case .hixie76: challenge = .hixie76(Hixie76Challenge(using: &generator))
        case .hybi7, .hybi8, .rfc6455: challenge = ClientHandshake.key(using: &generator)
        }
        fields = ClientHandshake.fields(
            version: version,
            url: url,
            origin: self.origin,
            subprotocols: subprotocols,
            extensions: extensions,
            headers: headers,
            challenge: challenge,
            using: &generator
        )
    }

    /// Appends the request; for hixie-76 with the eight bytes behind the head.
    func encode(into writer: inout HandshakeWriter) {
        writer.append(constant: "GET ")
        writer.append(url.target)
        writer.append(constant: " HTTP/1.1\r\n")
        for field in fields { writer.appendField(field.name, field.value) }
        writer.append(constant: "\r\n")
        if case .hixie76(let challenge) = challenge { writer.append(challenge.key3) }
    }

    /// RFC 6455 section 4.1, item 10; draft-hixie-76 section 4.1.
    private static func check(
        _ subprotocols: [String],
        for version: ProtocolVersion
    ) throws(ClientHandshakeFailure) {
        if version.isHixie {
            guard subprotocols.count <= 1 else {
                throw ClientHandshakeFailure("The hixie drafts offer one subprotocol at most.")
            }
            let isSound = subprotocols.allSatisfy { name in
                !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }
                    && name.utf8.first != WireByte.space && name.utf8.last != WireByte.space
            }
            guard isSound else {
                throw ClientHandshakeFailure("A hixie subprotocol must be printable ASCII.")
            }
            return
        }
        guard subprotocols.allSatisfy(WireByte.isToken) else {
            throw ClientHandshakeFailure("A subprotocol must be a token.")
        }
        guard Set(subprotocols).count == subprotocols.count else {
            throw ClientHandshakeFailure("A subprotocol is offered twice.")
        }
    }

    /// Sixteen random bytes, and what answers them. RFC 6455 section 4.1, item 7.
    private static func key(using generator: inout some RandomNumberGenerator) -> Challenge {
        let nonce = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { memory in
            var writer = unsafe HandshakeWriter(memory)
            unsafe nonce.withUnsafeBytes { unsafe Base64.append(ByteView($0), to: &writer) }
            let key = writer.bytes
            writer.rewind(to: 0)
            unsafe key.withUnsafeBytes { unsafe AcceptKey.append(for: ByteView($0), to: &writer) }
            return .key(String(decoding: key, as: UTF8.self), accept: writer.bytes)
        }
    }
}

extension ClientHandshake {
    private static func fields(
        version: ProtocolVersion,
        url: WebSocketURL,
        origin: String?,
        subprotocols: [String],
        extensions: String?,
        headers: [(String, String)],
        challenge: Challenge,
        using generator: inout some RandomNumberGenerator
    ) -> [(name: String, value: String)] {
        // hixie-75 servers may compare the first three byte for byte, in this order and case.
        var fields: [(name: String, value: String)] = [
            (name: "Upgrade", value: version.isHixie ? "WebSocket" : "websocket"),
            (name: "Connection", value: "Upgrade"),
            (name: "Host", value: url.hostField),
        ]
        switch version {
        case .hixie75, .hixie76, .rfc6455: if let origin { fields.append(("Origin", origin)) }
        case .hybi7, .hybi8: if let origin { fields.append(("Sec-WebSocket-Origin", origin)) }
        }
        if !subprotocols.isEmpty {
            fields.append(
                (
                    name: version == .hixie75 ? "WebSocket-Protocol" : "Sec-WebSocket-Protocol",
                    value: subprotocols.joined(separator: ", ")
                )
            )
        }
        if let extensions { fields.append(("Sec-WebSocket-Extensions", extensions)) }
        for (name, value) in headers { fields.append((name: name, value: value)) }
        switch challenge {
        case .none: break
        case .hixie76(let challenge):
            fields.append(("Sec-WebSocket-Key1", challenge.key1))
            fields.append(("Sec-WebSocket-Key2", challenge.key2))
            // draft-hixie-76 section 4.1, step 28: the order is random, lest servers rely on one.
            fields.shuffle(using: &generator)
        case .key(let key, accept: _):
            fields.append(("Sec-WebSocket-Key", key))
            fields.append(("Sec-WebSocket-Version", String(version.number ?? 13)))
        }
        return fields
    }
}
