// The last step of the opening handshake: the 101 of each generation, written once, straight into
// the memory that goes to the socket. Every text from outside is checked before it is written, so
// that no line end gets into a response that was not meant there.

extension OpeningHandshake {
    /// Writes the head of the 101 response.
    ///
    /// For hixie-76 the 16 bytes of ``Hixie76Keys/appendAnswer(key3:to:)`` must follow, as soon as
    /// the eight bytes behind the request's head have arrived; the head may be sent before.
    ///
    /// - Parameters:
    ///   - subprotocol: what the application chose, if anything.
    ///   - offered: what ``offeredSubprotocols()`` returned.
    ///   - extensions: the value of Sec-WebSocket-Extensions, if an extension was accepted; the
    ///     hixie drafts have none.
    ///   - headers: further fields of the application, such as cookies.
    ///   - writer: untouched if the response is refused.
    /// - Returns: nil if the response was written; a 500 to send instead if the application's part
    ///   of it is not fit to be sent, or if it is too long.
    func encodeResponse(
        subprotocol: String?,
        offered: [String],
        extensions: String?,
        headers: [(String, String)],
        into writer: inout HandshakeWriter
    ) -> HandshakeRefusal? {
        if let refusal = Subprotocols.refusal(selected: subprotocol, offered: offered) {
            return refusal
        }
        for (name, value) in headers where !HandshakeHeaders.mayAdd(name, value) {
            return .mistake("The server tried to send a header field that it must not send.")
        }
        let start = writer.count
        switch proof {
        case .key(let key):
            encodeHybi(head.view(key), subprotocol: subprotocol, extensions, into: &writer)
        case .hixie76: encodeHixie76(subprotocol: subprotocol, into: &writer)
        case .none: encodeHixie75(subprotocol: subprotocol, into: &writer)
        }
        for (name, value) in headers { writer.appendField(name, value) }
        writer.append(constant: "\r\n")
        guard writer.hasOverflowed else { return nil }
        writer.rewind(to: start)
        return .mistake("The handshake response does not fit.")
    }

    /// hybi-07 to RFC 6455. RFC 6455 section 4.2.2, step 5.
    private func encodeHybi(
        _ key: ByteView,
        subprotocol: String?,
        _ extensions: String?,
        into writer: inout HandshakeWriter
    ) {
        writer.append(
            constant: """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept:\u{20}
                """
        )
        AcceptKey.append(for: key, to: &writer)
        writer.append(constant: "\r\n")
        if let subprotocol { writer.appendField("Sec-WebSocket-Protocol", subprotocol) }
        if let extensions { writer.appendField("Sec-WebSocket-Extensions", extensions) }
    }

    /// Order and case are for order's sake only: hixie-76 clients accept any. Sec-WebSocket-Protocol
    /// must be absent when none was chosen. draft-hixie-76 section 5.2.
    private func encodeHixie76(subprotocol: String?, into writer: inout HandshakeWriter) {
        writer.append(
            constant: """
                HTTP/1.1 101 WebSocket Protocol Handshake\r
                Upgrade: WebSocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Origin:\u{20}
                """
        )
        appendOrigin(to: &writer)
        writer.append(constant: "\r\nSec-WebSocket-Location: ")
        appendLocation(to: &writer)
        writer.append(constant: "\r\n")
        if let subprotocol { writer.appendField("Sec-WebSocket-Protocol", subprotocol) }
    }

    /// Clients compare the first 85 bytes, up to the end of Connection, one by one; the phrase has
    /// two words here. draft-hixie-75 section 4.1.
    private func encodeHixie75(subprotocol: String?, into writer: inout HandshakeWriter) {
        writer.append(
            constant: """
                HTTP/1.1 101 Web Socket Protocol Handshake\r
                Upgrade: WebSocket\r
                Connection: Upgrade\r
                WebSocket-Origin:\u{20}
                """
        )
        appendOrigin(to: &writer)
        writer.append(constant: "\r\nWebSocket-Location: ")
        appendLocation(to: &writer)
        writer.append(constant: "\r\n")
        if let subprotocol { writer.appendField("WebSocket-Protocol", subprotocol) }
    }

    /// The origin as it was sent. Some hixie-76 clients send none; they understand `null`.
    private func appendOrigin(to writer: inout HandshakeWriter) {
        if fields.origin.isPresent {
            writer.append(head.view(fields.origin.value))
        } else {
            writer.append(constant: "null")
        }
    }

    /// The URL that the client asked for, put together as it does: the host in lower case, the port
    /// unless it is the scheme's own, and the target as it was sent. draft-hixie-76 section 3.1.
    func appendLocation(to writer: inout HandshakeWriter) {
        writer.append(constant: isSecure ? "wss://" : "ws://")
        if let authority = Authority(head.view(target.authority)) {
            writer.append(lowercased: authority.host)
            if let port = authority.port, port != (isSecure ? 443 : 80) {
                writer.append(WireByte.colon)
                writer.append(decimal: UInt64(truncatingIfNeeded: port))
            }
        }
        let path = head.view(target.path)
        if path[0] != WireByte.slash { writer.append(WireByte.slash) }
        writer.append(path)
    }
}

/// What an application may add to a handshake, in either direction.
enum HandshakeHeaders {
    /// Whether the field is well formed and is not one of those that the handshake itself writes.
    static func mayAdd(_ name: String, _ value: String) -> Bool {
        guard WireByte.isToken(name), WireByte.isFieldValue(value) else { return false }
        let lowercase = name.lowercased()
        if lowercase.hasPrefix("sec-websocket-") || lowercase.hasPrefix("websocket-") {
            return false
        }
        switch lowercase {
        case "upgrade", "connection", "content-length", "transfer-encoding", "host", "origin":
            return false
        default: return true
        }
    }
}
