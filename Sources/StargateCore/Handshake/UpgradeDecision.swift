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
            extras: AcceptanceExtras?,
            handler: @Sendable () -> any WebSocketHandler
        )
        /// Apart, so that the other is no larger for it.
        indirect case reject(Response)
    }

    let storage: Storage

    /// Completes the opening handshake. RFC 6455 section 4.2.2.
    ///
    /// - Parameters:
    ///   - subprotocol: the one to speak, if the client offered it. If it did not, the connection
    ///     has none: look at ``UpgradeRequest/subprotocols`` to reject such a client instead.
    ///   - handler: makes the object that receives this connection's messages. Called once, on the
    ///     connection's loop, right before its `opened`.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        handler: @escaping @Sendable () -> any WebSocketHandler
    ) -> UpgradeDecision {
        // What most decisions are, without making room for what they do not have.
        UpgradeDecision(
            storage: .accept(subprotocol: subprotocol, extras: nil, handler: handler)
        )
    }

    /// Completes the opening handshake, and says more than that.
    ///
    /// - Parameters:
    ///   - subprotocol: as above.
    ///   - headers: further fields of the response. A line end in them, or a field that the
    ///     handshake itself writes, is answered with 500.
    ///   - cookies: for the browser to keep. One that cannot be sent is answered with 500.
    ///   - options: what this connection does otherwise than the server's configuration.
    ///   - handler: makes the object that receives this connection's messages. Called once, on the
    ///     connection's loop, right before its `opened`.
    /// - Returns: the decision.
    public static func accept(
        subprotocol: String? = nil,
        headers: [(String, String)] = [],
        cookies: [SetCookie] = [],
        options: WebSocketOptions? = nil,
        handler: @escaping @Sendable () -> any WebSocketHandler
    ) -> UpgradeDecision {
        // Few decisions have these: the others are no larger for them.
        let extras =
            headers.isEmpty && cookies.isEmpty && options == nil
            ? nil : AcceptanceExtras(headers: headers, cookies: cookies, options: options)
        return UpgradeDecision(
            storage: .accept(
                subprotocol: subprotocol,
                extras: extras,
                handler: handler
            )
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
        var response = Response.text(body, status: status)
        response.headers.append(contentsOf: headers.map { (name: $0.0, value: $0.1) })
        return reject(response)
    }

    /// Refuses the client with any HTTP response, behind which the connection is closed.
    ///
    /// - Parameter response: its status is 200 or more.
    /// - Returns: the decision.
    public static func reject(_ response: Response) -> UpgradeDecision {
        let status = response.status
        // checked: the status is the application's own.
        precondition(status.code >= 200, "a refusal is a final status, not \(status.code)")
        return UpgradeDecision(storage: .reject(response))
    }
}

/// What few acceptances have.
final class AcceptanceExtras: Sendable {
    let headers: [(String, String)]
    let cookies: [SetCookie]
    let options: WebSocketOptions?

    init(headers: [(String, String)], cookies: [SetCookie], options: WebSocketOptions?) {
        self.headers = headers
        self.cookies = cookies
        self.options = options
    }

    /// The header fields, with the cookies among them; nil if one of these cannot be sent.
    var fields: [(String, String)]? {
        var fields = headers
        for cookie in cookies {
            guard let value = cookie.fieldValue else { return nil }
            fields.append(("Set-Cookie", value))
        }
        return fields
    }
}
