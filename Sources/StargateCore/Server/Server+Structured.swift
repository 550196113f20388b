// The structured tier of a server: a route whose handler is one asynchronous function.

extension Server {
    /// Serves WebSocket connections on a path with an asynchronous handler, which is the whole life
    /// of a connection.
    ///
    ///     server.webSocket("/echo") { socket in
    ///         for try await message in socket.messages { try await socket.send(message) }
    ///     }
    ///
    /// The handler runs on the connection's own loop: it must not block, and what it awaits does not
    /// cost a change of threads. When it returns the connection is closed with 1000, when it throws
    /// with 1011, and the error is logged; when the server stops it is cancelled, and the
    /// connection closed with 1001 when it has returned.
    ///
    /// - Parameters:
    ///   - pattern: as for `webSocket(_:origin:upgrade:)`.
    ///   - origin: from which pages browsers may connect.
    ///   - receiveCredit: how far a peer may run ahead of the handler.
    ///   - handler: serves one connection; its request is ``AsyncWebSocket/request``.
    public func webSocket(
        _ pattern: String,
        origin: OriginPolicy = .sameOrigin,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Void
    ) {
        webSocket(pattern, origin: origin) { (request: UpgradeRequest) -> UpgradeDecision in
            .accept {
                AsyncSession(credit: receiveCredit, request: request, body: handler)
            }
        }
    }
}

extension Server {
    /// Serves WebSocket connections on a path with an asynchronous handler that takes each message
    /// part by part, as it arrives: no message is ever held whole, so none is too long.
    ///
    ///     server.streamingWebSocket("/upload") { socket, messages in
    ///         for try await message in messages {
    ///             var count = 0
    ///             for try await part in message { count += part.count }
    ///             try await socket.send("\(count) bytes")
    ///         }
    ///     }
    ///
    /// Text is checked and compressed messages are inflated as they come. While the handler lags,
    /// the connection is not read from, so that one connection holds `receiveCredit` and one read
    /// at most. All else is as with ``webSocket(_:origin:receiveCredit:handler:)``;
    /// ``AsyncWebSocket/messages`` must not be used.
    ///
    /// - Parameters:
    ///   - pattern: as for `webSocket(_:origin:upgrade:)`.
    ///   - origin: from which pages browsers may connect.
    ///   - maxMessageSize: the longest message in bytes, after inflating: 1009; nil for no limit.
    ///   - receiveCredit: how far a peer may run ahead of the handler.
    ///   - handler: serves one connection, and takes its messages from the second argument.
    public func streamingWebSocket(
        _ pattern: String,
        origin: OriginPolicy = .sameOrigin,
        maxMessageSize: Int? = nil,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        handler:
            nonisolated(nonsending) @escaping @Sendable (
                AsyncWebSocket, IncomingMessages
            ) async throws -> Void
    ) {
        webSocket(pattern, origin: origin) { (request: UpgradeRequest) -> UpgradeDecision in
            .accept(
                options: WebSocketOptions(maxMessageSize: maxMessageSize, streamsMessages: true)
            ) {
                AsyncSession(credit: receiveCredit, request: request, streaming: handler)
            }
        }
    }
}

extension UpgradeDecision {
    /// Completes the opening handshake, for an asynchronous handler as in
    /// ``Server/webSocket(_:origin:receiveCredit:handler:)``.
    ///
    /// - Parameters:
    ///   - subprotocol: as in the other `accept`.
    ///   - headers: as in the other `accept`.
    ///   - cookies: as in the other `accept`.
    ///   - options: as in the other `accept`.
    ///   - receiveCredit: how far the peer may run ahead of the handler.
    ///   - serve: serves the connection.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        headers: [(String, String)] = [],
        cookies: [SetCookie] = [],
        options: WebSocketOptions? = nil,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        serve: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Void
    ) -> UpgradeDecision {
        var options = options
        // This handler takes messages whole.
        options?.streamsMessages = false
        return .accept(
            subprotocol: subprotocol,
            headers: headers,
            cookies: cookies,
            options: options
        ) {
            AsyncSession(credit: receiveCredit, body: serve)
        }
    }

    /// Completes the opening handshake, for an asynchronous handler that takes messages part by
    /// part, as in ``Server/streamingWebSocket(_:origin:maxMessageSize:receiveCredit:handler:)``.
    ///
    /// - Parameters:
    ///   - subprotocol: as in the other `accept`.
    ///   - headers: as in the other `accept`.
    ///   - cookies: as in the other `accept`.
    ///   - options: as in the other `accept`; ``WebSocketOptions/streamsMessages`` is set.
    ///   - receiveCredit: how far the peer may run ahead of the handler.
    ///   - stream: serves the connection.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        headers: [(String, String)] = [],
        cookies: [SetCookie] = [],
        options: WebSocketOptions? = nil,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        stream:
            nonisolated(nonsending) @escaping @Sendable (
                AsyncWebSocket, IncomingMessages
            ) async throws -> Void
    ) -> UpgradeDecision {
        var options = options ?? WebSocketOptions()
        options.streamsMessages = true
        return .accept(
            subprotocol: subprotocol,
            headers: headers,
            cookies: cookies,
            options: options
        ) {
            AsyncSession(credit: receiveCredit, streaming: stream)
        }
    }
}

extension ServerLoop {
    func handlerThrew(_ error: any Error, on connection: Connection) {
        configuration.log(
            LogEntry(.error, "the handler of connection \(connection.id) threw: \(error)")
        )
    }
}
