/// What an application says to a client that asks for a WebSocket.
///
///     server.webSocket("/chat") { request in
///         guard isKnown(request) else { return .reject(.unauthorized) }
///         return .accept(subprotocol: "chat.v1") { Chat() }
///     }
public struct UpgradeDecision: Sendable {
    enum Storage: Sendable {
        case accept(
            subprotocol: String?,
            headers: [(String, String)],
            handler: @Sendable () -> any WebSocketHandler
        )
        case reject(status: HTTPStatus, headers: [(String, String)], body: String)
    }

    let storage: Storage

    /// Completes the opening handshake. RFC 6455 section 4.2.2.
    ///
    /// - Parameters:
    ///   - subprotocol: the one to speak, if the client offered it. If it did not, the connection
    ///     has none: look at ``UpgradeRequest/subprotocols`` to reject such a client instead.
    ///   - headers: further fields of the response, such as `Set-Cookie`. A line end in them, or a
    ///     field that the handshake itself writes, is answered with 500.
    ///   - handler: makes the object that receives this connection's messages. Called once, on the
    ///     connection's loop, right before its `opened`.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        headers: [(String, String)] = [],
        handler: @escaping @Sendable () -> any WebSocketHandler
    ) -> UpgradeDecision {
        UpgradeDecision(
            storage: .accept(subprotocol: subprotocol, headers: headers, handler: handler)
        )
    }

    /// Refuses the client with an HTTP response, behind which the connection is closed.
    ///
    /// - Parameters:
    ///   - status: 200 or more; browsers show pages no part of it.
    ///   - headers: further fields of the response.
    ///   - body: plain text.
    /// - Returns: the decision.
    public static func reject(
        _ status: HTTPStatus,
        headers: [(String, String)] = [],
        body: String = ""
    ) -> UpgradeDecision {
        precondition(status.code >= 200, "a refusal is a final status, not \(status.code)")
        return UpgradeDecision(storage: .reject(status: status, headers: headers, body: body))
    }
}
