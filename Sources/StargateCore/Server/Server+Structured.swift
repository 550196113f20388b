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

extension UpgradeDecision {
    /// Completes the opening handshake, for an asynchronous handler as in
    /// ``Server/webSocket(_:origin:receiveCredit:handler:)``.
    ///
    /// - Parameters:
    ///   - subprotocol: as in the other `accept`.
    ///   - headers: as in the other `accept`.
    ///   - receiveCredit: how far the peer may run ahead of the handler.
    ///   - serve: serves the connection.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        headers: [(String, String)] = [],
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        serve: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Void
    ) -> UpgradeDecision {
        .accept(subprotocol: subprotocol, headers: headers) {
            AsyncSession(credit: receiveCredit, body: serve)
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
