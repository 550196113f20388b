/// Connects to WebSocket servers, on loops that it shares with others.
///
///     let loops = try LoopGroup(count: 1)
///     let client = WebSocketClient(loops: loops)
///     try await client.connect(ClientRequest(url: "ws://127.0.0.1:9001/echo")) { Printer() }
///
/// The connection then lives on its loop, and its handler is called there.
public struct WebSocketClient: Sendable {
    let loops: LoopGroup

    /// A client that makes its connections on these loops, one after the other.
    public init(loops: LoopGroup) {
        self.loops = loops
    }

    /// Connects and returns when the connection is open.
    ///
    /// - Parameters:
    ///   - request: where to, and what for.
    ///   - handler: makes the object that receives the connection's messages; called on the loop.
    /// - Returns: the name of the connection.
    /// - Throws: ``ClientError``; the handler is not called then.
    @discardableResult
    public func connect(
        _ request: ClientRequest,
        handler: @escaping @Sendable () -> any WebSocketHandler
    ) async throws(ClientError) -> ConnectionID {
        let mailbox = loops.nextMailbox()
        let result: Result<ConnectionID, ClientError> = await withCheckedContinuation {
            continuation in
            let isPosted = mailbox.post { eventLoop in
                Self.connect(request, on: eventLoop, handler: handler()) { result in
                    continuation.resume(returning: result.map(\.id))
                }
            }
            if !isPosted {
                continuation.resume(
                    returning: .failure(ClientError(.cancelled, "the loops were stopped"))
                )
            }
        }
        return try result.get()
    }

    /// Connects, from a loop, without leaving it.
    ///
    /// - Parameters:
    ///   - request: where to, and what for.
    ///   - eventLoop: the loop that this is called on; the connection lives there.
    ///   - handler: receives the connection's messages.
    ///   - connected: called when the TCP connection is made, before TLS and the opening handshake.
    ///   - secured: called when the TLS handshake is done; never without TLS.
    ///   - completion: called once: right before the handler's `opened`, or when it failed.
    public static func connect(
        _ request: ClientRequest,
        on eventLoop: EventLoop,
        handler: any WebSocketHandler,
        connected: (() -> Void)? = nil,
        secured: (() -> Void)? = nil,
        completion: @escaping (Result<WebSocket, ClientError>) -> Void
    ) {
        let attempt = ClientAttempt(
            request,
            on: eventLoop,
            handler: handler,
            connected: connected,
            secured: secured,
            completion: completion
        )
        attempt.start()
    }
}
