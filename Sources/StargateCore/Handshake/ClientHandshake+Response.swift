// How the client judges the server's answer: every check of the specification that it implements,
// because a server that gets the handshake wrong is perhaps no WebSocket server at all.

extension ClientHandshake {
    enum Verdict {
        /// The connection is open; for hixie-76, once ``isAnswer(_:)`` has agreed to the 16 bytes
        /// behind the head. The ranges are the values of Sec-WebSocket-Extensions, for whoever
        /// offered some to judge; empty if the server accepted none.
        case accepted(subprotocol: String?, extensions: [HeadRange])
        /// The client must fail the connection.
        case failed(ClientHandshakeFailure)
    }

    /// How many bytes belong to the handshake behind the response's head.
    var answerByteCount: Int {
        version == .hixie76 ? Hixie76Keys.answerByteCount : 0
    }

    /// Whether `bytes` are the answer of a hixie-76 server that read the request.
    func isAnswer(_ bytes: [UInt8]) -> Bool {
        guard case .hixie76(let challenge) = challenge else { return false }
        return bytes.count == Hixie76Keys.answerByteCount && bytes == challenge.answer
    }

    /// Judges a response by its head.
    ///
    /// - Parameters:
    ///   - status: the three digits.
    ///   - head: the head, from the first byte of its status line.
    /// - Returns: whether the connection may be used.
    func check(status: Int, head: HeadView) -> Verdict {
        guard status == 101 else {
            return .failed(
                ClientHandshakeFailure("The server answered with status \(status), not 101.")
            )
        }
        do throws(ClientHandshakeFailure) {
            switch challenge {
            case .none:
                return .accepted(subprotocol: try checkHixie75(head), extensions: [])
            case .hixie76:
                return .accepted(subprotocol: try checkHixie76(head), extensions: [])
            case .key(_, let accept):
                return try checkHybi(head, accept: accept)
            }
        } catch {
            return .failed(error)
        }
    }

    /// RFC 6455 section 4.1, the six checks behind "Once the client's opening handshake".
    private func checkHybi(
        _ head: HeadView,
        accept: [UInt8]
    ) throws(ClientHandshakeFailure) -> Verdict {
        let upgrade = head.occurrence(of: "upgrade")
        guard upgrade.isSingle, head.view(upgrade.value).equalsIgnoringCase("websocket") else {
            throw ClientHandshakeFailure("Upgrade in the response is not websocket.")
        }
        guard UpgradeFields(head).connectionHasUpgrade else {
            throw ClientHandshakeFailure("Connection in the response does not name upgrade.")
        }
        let answer = head.occurrence(of: "sec-websocket-accept")
        guard answer.isSingle, head.view(answer.value).equals(accept) else {
            throw ClientHandshakeFailure("Sec-WebSocket-Accept does not answer the key.")
        }
        let extensions = UpgradeFields.values(
            of: head.occurrence(of: "sec-websocket-extensions"),
            named: "sec-websocket-extensions",
            in: head
        )
        guard offersExtensions || extensions.isEmpty else {
            throw ClientHandshakeFailure("The server accepted an extension that was not offered.")
        }
        let chosen = head.occurrence(of: "sec-websocket-protocol")
        guard chosen.isPresent else {
            return .accepted(subprotocol: nil, extensions: extensions)
        }
        let subprotocol = head.string(chosen.value)
        guard chosen.isSingle, subprotocols.contains(subprotocol) else {
            throw ClientHandshakeFailure("The server chose a subprotocol that was not offered.")
        }
        return .accepted(subprotocol: subprotocol, extensions: extensions)
    }

    /// draft-hixie-76 section 4.1, steps 34 to 41: names in any case and any order, once each;
    /// values exact.
    private func checkHixie76(_ head: HeadView) throws(ClientHandshakeFailure) -> String? {
        let upgrade = head.occurrence(of: "upgrade")
        guard upgrade.isSingle, head.view(upgrade.value).equals("WebSocket") else {
            throw ClientHandshakeFailure("Upgrade in the response is not WebSocket.")
        }
        let connection = head.occurrence(of: "connection")
        guard connection.isSingle, head.view(connection.value).equalsIgnoringCase("upgrade") else {
            throw ClientHandshakeFailure("Connection in the response is not Upgrade.")
        }
        return try checkEchoes(
            head,
            origin: "sec-websocket-origin",
            location: "sec-websocket-location",
            subprotocol: "sec-websocket-protocol"
        )
    }

    /// draft-hixie-75 section 4.1: the status line and the first two fields are compared byte by
    /// byte, the others field by field.
    private func checkHixie75(_ head: HeadView) throws(ClientHandshakeFailure) -> String? {
        let beginning: StaticString = """
            HTTP/1.1 101 Web Socket Protocol Handshake\r
            Upgrade: WebSocket\r
            Connection: Upgrade\r

            """
        let received = unsafe ByteView(head.bytes).part(0, beginning.utf8CodeUnitCount)
        guard received.equals(beginning) else {
            throw ClientHandshakeFailure("The response does not begin as draft-hixie-75 demands.")
        }
        return try checkEchoes(
            head,
            origin: "websocket-origin",
            location: "websocket-location",
            subprotocol: "websocket-protocol"
        )
    }

    /// Both drafts have the server repeat what was asked for, so that it cannot be fooled about it.
    private func checkEchoes(
        _ head: HeadView,
        origin originName: StaticString,
        location locationName: StaticString,
        subprotocol subprotocolName: StaticString
    ) throws(ClientHandshakeFailure) -> String? {
        let origin = head.occurrence(of: originName)
        guard origin.isSingle, head.view(origin.value).equals(text: self.origin ?? "null") else {
            throw ClientHandshakeFailure("The response names another origin.")
        }
        let location = head.occurrence(of: locationName)
        guard location.isSingle, head.view(location.value).equals(text: url.description) else {
            throw ClientHandshakeFailure("The response names another location.")
        }
        let chosen = head.occurrence(of: subprotocolName)
        guard let wanted = subprotocols.first else {
            if chosen.isPresent {
                throw ClientHandshakeFailure("The server chose a subprotocol, but none was asked.")
            }
            return nil
        }
        guard chosen.isSingle, head.view(chosen.value).equals(text: wanted) else {
            throw ClientHandshakeFailure("The server did not agree to the subprotocol.")
        }
        return wanted
    }
}

extension HeadView {
    /// How often a field occurs, and its first value.
    func occurrence(of lowercase: StaticString) -> FieldOccurrence {
        var occurrence = FieldOccurrence()
        for index in unsafe 0..<fields.count {
            let field = unsafe fields[index]
            if view(field.name).equalsIgnoringCase(lowercase) { occurrence.note(field.value) }
        }
        return occurrence
    }
}

extension ByteView {
    /// Whether the bytes are those of the array.
    fileprivate func equals(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe equals(ByteView($0)) }
    }
}
