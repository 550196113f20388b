// Why an opening handshake came to nothing: a value that travels to the peer as one HTTP response,
// behind which the connection closes. A refused upgrade is never followed by another request,
// because a proxy may believe that the connection is a tunnel by now.

/// An HTTP answer that refuses an opening handshake.
struct HandshakeRefusal: Error, Sendable {
    let status: HTTPStatus
    /// One plain sentence that says what is wrong; it becomes the body.
    let reason: String
    /// Fields beside Content-Type, Content-Length and Connection.
    let extraFields: [(name: String, value: String)]

    init(
        _ status: HTTPStatus,
        _ reason: String,
        extraFields: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.reason = reason
        self.extraFields = extraFields
    }

    /// 400, for a request that breaks the protocol.
    static func bad(_ reason: String) -> HandshakeRefusal { HandshakeRefusal(.badRequest, reason) }

    /// 400 that also says which versions would be understood.
    static func bad(_ reason: String, offering protocols: ProtocolSet) -> HandshakeRefusal {
        HandshakeRefusal(.badRequest, reason, extraFields: versionField(protocols))
    }

    /// 426, for a version that is not spoken here, and for a plain request to a resource that
    /// speaks nothing but WebSocket. RFC 9110 section 15.5.22 demands the Upgrade field.
    static func upgradeRequired(
        _ reason: String,
        offering protocols: ProtocolSet
    )
        -> HandshakeRefusal
    {
        var fields = versionField(protocols)
        fields.insert((name: "Upgrade", value: "websocket"), at: 0)
        return HandshakeRefusal(.upgradeRequired, reason, extraFields: fields)
    }

    /// 426 for a resource that speaks nothing but WebSocket, asked for in plain HTTP.
    static func webSocketOnly(offering protocols: ProtocolSet) -> HandshakeRefusal {
        upgradeRequired("This resource speaks WebSocket only.", offering: protocols)
    }

    /// 500, for a mistake of the application.
    static func mistake(_ reason: String) -> HandshakeRefusal {
        HandshakeRefusal(.internalServerError, reason)
    }

    private static func versionField(_ protocols: ProtocolSet) -> [(name: String, value: String)] {
        let list = protocols.versionList
        return list.isEmpty ? [] : [(name: "Sec-WebSocket-Version", value: list)]
    }
}

extension HandshakeRefusal {
    /// Writes the whole response. The connection closes behind it.
    ///
    /// To HEAD the body is not sent, only its length. RFC 9110 section 9.3.2.
    /// `Connection` names `Upgrade` when that field is sent, as RFC 9110 section 7.8 demands.
    func encode(into writer: inout HandshakeWriter, omittingBody: Bool = false) {
        let body = reason.utf8.count &+ 1
        let namesUpgrade = extraFields.contains { $0.name == "Upgrade" }
        writer.append(constant: "HTTP/1.1 ")
        writer.append(decimal: UInt64(truncatingIfNeeded: status.code))
        writer.append(constant: " ")
        writer.append(status.reasonPhrase)
        writer.append(constant: "\r\n")
        for field in extraFields {
            writer.appendField(field.name, field.value)
        }
        writer.append(
            constant: namesUpgrade ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n"
        )
        writer.append(constant: "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ")
        writer.append(decimal: UInt64(truncatingIfNeeded: body))
        writer.append(constant: "\r\n\r\n")
        if omittingBody { return }
        writer.append(reason)
        writer.append(constant: "\n")
    }
}
