// The bytes of an HTTP answer. The one rule that matters: nothing that came from outside may end
// a line, or the peer reads a response that nobody wrote.

/// Writes responses as HTTP/1.1.
enum ResponseEncoder {
    /// The bytes of a response.
    ///
    /// - Parameters:
    ///   - response: fields that would break the head, or contradict what is written here, are
    ///     left out.
    ///   - omittingBody: for HEAD: the length is told, the body is not sent. RFC 9110 section 9.3.2.
    ///   - keepAlive: whether the connection takes another request.
    /// - Returns: head and body.
    static func encode(_ response: Response, omittingBody: Bool, keepAlive: Bool) -> [UInt8] {
        let code = response.status.code
        // RFC 9110 section 8.6: no length with 1xx and 204; section 15.4.5: no body with 304.
        let hasLength = code >= 200 && code != 204
        let hasBody = hasLength && code != 304 && !omittingBody
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 &+ response.body.count)
        appendStatusLine(response.status, to: &bytes)
        for (name, value) in response.headers where !isReserved(name) {
            appendField(name, value, to: &bytes)
        }
        if hasLength, code != 304 || !response.body.isEmpty {
            appendField("Content-Length", String(response.body.count), to: &bytes)
        }
        if !keepAlive { appendField("Connection", "close", to: &bytes) }
        bytes.append(contentsOf: "\r\n".utf8)
        if hasBody { bytes.append(contentsOf: response.body) }
        return bytes
    }

    /// The bytes that tell a peer why its request is refused. The connection ends after them.
    ///
    /// - Parameters:
    ///   - refusal: its reason becomes the body.
    ///   - omittingBody: for HEAD.
    /// - Returns: head and body.
    static func encode(_ refusal: HTTPRefusal, omittingBody: Bool = false) -> [UInt8] {
        let body = Array("\(refusal.reason)\n".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 &+ body.count)
        appendStatusLine(refusal.status, to: &bytes)
        appendField("Content-Type", "text/plain; charset=utf-8", to: &bytes)
        appendField("Content-Length", String(body.count), to: &bytes)
        // RFC 9110 section 7.8: who sends Upgrade names it in Connection too.
        let hasUpgrade = refusal.headers.contains { isName($0.name, "upgrade") }
        appendField("Connection", hasUpgrade ? "close, Upgrade" : "close", to: &bytes)
        for (name, value) in refusal.headers where !isReserved(name) {
            appendField(name, value, to: &bytes)
        }
        bytes.append(contentsOf: "\r\n".utf8)
        if !omittingBody { bytes.append(contentsOf: body) }
        return bytes
    }

    /// Appends `name: value` and a line end, or nothing at all.
    ///
    /// - Returns: false when the name is no token or the value holds a control byte other than a
    ///   tab: then nothing was written.
    @discardableResult
    static func appendField(_ name: String, _ value: String, to bytes: inout [UInt8]) -> Bool {
        guard !name.isEmpty, name.utf8.allSatisfy(HeadByte.isToken), isValue(value) else {
            return false
        }
        bytes.append(contentsOf: name.utf8)
        bytes.append(HeadByte.colon)
        bytes.append(HeadByte.blank)
        bytes.append(contentsOf: value.utf8)
        bytes.append(HeadByte.carriageReturn)
        bytes.append(HeadByte.lineFeed)
        return true
    }

    /// Whether this text can be the value of a field. RFC 9110 section 5.5.
    static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (byte >= HeadByte.blank && byte != 0x7F) || byte == HeadByte.tab
        }
    }

    private static func appendStatusLine(_ status: HTTPStatus, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        bytes.append(contentsOf: String(status.code).utf8)
        bytes.append(HeadByte.blank)
        bytes.append(
            contentsOf: status.reasonPhrase.utf8.filter { HeadByte.blank <= $0 && $0 < 0x7F }
        )
        bytes.append(HeadByte.carriageReturn)
        bytes.append(HeadByte.lineFeed)
    }

    /// The fields that the encoder writes itself.
    private static func isReserved(_ name: String) -> Bool {
        isName(name, "content-length") || isName(name, "connection")
            || isName(name, "transfer-encoding")
    }

    private static func isName(_ name: String, _ lowercased: String) -> Bool {
        name.utf8.count == lowercased.utf8.count
            && zip(name.utf8, lowercased.utf8).allSatisfy { HeadByte.lowercased($0) == $1 }
    }
}
