public import StargateCore

extension TestServer {
    /// Opens a WebSocket connection, as a client of any generation of the protocol.
    ///
    /// - Parameters:
    ///   - path: the path and the query.
    ///   - version: the generation; the server's configuration must allow it.
    ///   - subprotocols: what is offered, in order of preference.
    ///   - headers: further fields, such as cookies.
    ///   - origin: the origin of a browser's page; nil for a program.
    ///   - compression: offers permessage-deflate.
    ///   - host: the address that the server sees, in digits.
    /// - Returns: the client's end of the connection, which is open.
    /// - Throws: ``TestRefusal`` with what the client is told instead; ``TestFailure`` when there is
    ///   no answer, or a wrong one; `ClientError` for what cannot be put into a request.
    public func connect(
        _ path: String,
        protocol version: ProtocolVersion = .rfc6455,
        subprotocols: [String] = [],
        headers: [(String, String)] = [],
        origin: String? = nil,
        compression: PerMessageDeflate? = nil,
        from host: String = "127.0.0.1"
    ) throws -> TestPeer {
        let peer = open(from: host)
        let handshake = try peer.ask(
            path,
            version,
            subprotocols,
            headers,
            origin: origin,
            extensions: compression.map(ScriptedDeflate.offer)
        )
        if try peer.finish(handshake, version, compression) { return peer }
        throw TestFailure("the server has not decided about \(path); see connect(_:within:)")
    }

    /// Opens a WebSocket connection, and waits, by the clock on the wall, for what other threads
    /// and tasks have to do before the server decides. The parameters are as for `connect`.
    public func connect(
        _ path: String,
        within limit: Duration,
        protocol version: ProtocolVersion = .rfc6455,
        subprotocols: [String] = [],
        headers: [(String, String)] = [],
        origin: String? = nil,
        compression: PerMessageDeflate? = nil,
        from host: String = "127.0.0.1"
    ) async throws -> TestPeer {
        let peer = open(from: host)
        let handshake = try peer.ask(
            path,
            version,
            subprotocols,
            headers,
            origin: origin,
            extensions: compression.map(ScriptedDeflate.offer)
        )
        var isOpen = false
        try await wait(limit) {
            isOpen = try peer.finish(handshake, version, compression)
            return isOpen
        }
        if isOpen { return peer }
        throw TestFailure("the server has not decided about \(path) within \(limit)")
    }

    /// Sends a plain HTTP request on a connection of its own and returns the response.
    ///
    /// - Parameters:
    ///   - method: such as `GET`.
    ///   - path: the path and the query.
    ///   - headers: further fields; `Host` and `Content-Length` are added.
    ///   - body: the body; none is sent if it is empty.
    /// - Returns: the whole response.
    /// - Throws: ``TestFailure`` when there is no whole response.
    public func request(
        _ method: String = "GET",
        _ path: String,
        headers: [(String, String)] = [],
        body: [UInt8] = []
    ) throws -> TestResponse {
        let peer = open()
        defer { peer.endStream() }
        peer.send(raw: Self.requestBytes(method, path, headers, body))
        if let response = peer.takeResponse(to: method) { return response }
        throw TestFailure("the server has not answered \(method) \(path)")
    }

    /// As `request`, and waits, by the clock on the wall, for what other threads and tasks do first.
    public func request(
        _ method: String = "GET",
        _ path: String,
        within limit: Duration,
        headers: [(String, String)] = [],
        body: [UInt8] = []
    ) async throws -> TestResponse {
        let peer = open()
        defer { peer.endStream() }
        peer.send(raw: Self.requestBytes(method, path, headers, body))
        var response: TestResponse?
        try await wait(limit) {
            response = peer.takeResponse(to: method)
            return response != nil
        }
        if let response { return response }
        throw TestFailure("the server has not answered \(method) \(path) within \(limit)")
    }

    private static func requestBytes(
        _ method: String,
        _ path: String,
        _ headers: [(String, String)],
        _ body: [UInt8]
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    /// What requests name as their host: same-origin pages have it as their origin, behind `http:`.
    static let host = "127.0.0.1"
}

extension TestPeer {
    /// Sends the request of an opening handshake.
    fileprivate func ask(
        _ path: String,
        _ version: ProtocolVersion,
        _ subprotocols: [String],
        _ headers: [(String, String)],
        origin: String?,
        extensions: String?
    ) throws -> ScriptedHandshake {
        let handshake = try ScriptedHandshake(
            url: "ws://\(TestServer.host)\(path)",
            version: version,
            origin: origin,
            subprotocols: subprotocols,
            extensions: extensions,
            headers: headers,
            using: &app.generator
        )
        send(raw: handshake.request)
        return handshake
    }

    /// Looks for the answer to an opening handshake. Returns false if it is not there yet.
    fileprivate func finish(
        _ handshake: ScriptedHandshake,
        _ version: ProtocolVersion,
        _ compression: PerMessageDeflate?
    ) throws -> Bool {
        var rest = end.received[...]
        guard let response = TestResponse.takeHead(from: &rest) else {
            guard isEnded else { return false }
            throw TestFailure("the server ended the connection without an answer")
        }
        guard response.status == 101 else {
            guard let whole = takeResponse(to: "GET") else { return false }
            throw TestRefusal(response: whole)
        }
        guard rest.count >= handshake.answerByteCount else { return false }
        let answer = Array(rest.prefix(handshake.answerByteCount))
        if let fault = handshake.fault(in: response.head, answer: answer) {
            throw TestFailure("the server's handshake is wrong: \(fault)")
        }
        let deflate = compression.flatMap { options in
            response["Sec-WebSocket-Extensions"].flatMap { ScriptedDeflate(options, answer: $0) }
        }
        self.response = response
        end.speak(version, deflate, rest: rest.dropFirst(answer.count))
        return true
    }

    /// Takes an HTTP response from what was received; nil if it is not whole. The answer to HEAD
    /// has no body.
    public func takeResponse(to method: String = "GET") -> TestResponse? {
        var rest = end.received[...]
        guard let response = TestResponse.take(from: &rest, hasBody: method != "HEAD") else {
            return nil
        }
        end.keep(rest)
        return response
    }
}
