// The structured tier of the client: a connection that lives as long as a function runs.

extension WebSocketClient {
    /// Connects, runs `body` with the connection, closes it, and returns what `body` returned.
    ///
    ///     try await client.withConnection(ClientRequest(url: "ws://127.0.0.1:9001/echo")) { socket in
    ///         try await socket.send("hello")
    ///         for try await message in socket.messages { print(message) }
    ///     }
    ///
    /// The body runs on the connection's loop, as a server's handler does, and must not block it.
    /// When it returns the connection is closed with 1000, when it throws with 1011, when the
    /// calling task is cancelled with 1001; the call returns when the server has answered that, or
    /// has not in time.
    ///
    /// - Parameters:
    ///   - request: where to, and what for.
    ///   - receiveCredit: how far the server may run ahead of `body`.
    ///   - body: uses the connection.
    /// - Returns: what `body` returns.
    /// - Throws: ``ClientError`` when there is no connection, else what `body` throws.
    public func withConnection<Result: Sendable>(
        _ request: ClientRequest,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Result
    ) async throws -> Result {
        let call = ClientCall<Result>()
        let mailbox = loops.nextMailbox()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isPosted = mailbox.post { eventLoop in
                    call.start(request, receiveCredit, on: eventLoop, continuation, body)
                }
                if !isPosted {
                    continuation.resume(
                        throwing: ClientError(.cancelled, "the loops were stopped")
                    )
                }
            }
        } onCancel: {
            mailbox.post { _ in call.cancel() }
        }
    }

    /// As ``withConnection(_:receiveCredit:_:)-(ClientRequest,_,_)``, with a URL and the defaults.
    ///
    /// - Parameters:
    ///   - url: a URL with the scheme `ws:`.
    ///   - body: uses the connection.
    /// - Returns: what `body` returns.
    /// - Throws: ``ClientError`` when there is no connection, else what `body` throws.
    public func withConnection<Result: Sendable>(
        _ url: String,
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Result
    ) async throws -> Result {
        try await withConnection(ClientRequest(url: url), body)
    }
}

extension WebSocketClient {
    /// As ``withConnection(_:receiveCredit:_:)-(ClientRequest,_,_)``, with a body that takes each
    /// message part by part, as it arrives, so that none is held whole and none is too long.
    ///
    /// - Parameters:
    ///   - request: where to, and what for; ``ClientRequest/streamsMessages`` is set.
    ///   - receiveCredit: how far the server may run ahead of `body`.
    ///   - body: uses the connection, and takes its messages from the second argument;
    ///     ``AsyncWebSocket/messages`` must not be used.
    /// - Returns: what `body` returns.
    /// - Throws: ``ClientError`` when there is no connection, else what `body` throws.
    public func withStreamingConnection<Result: Sendable>(
        _ request: ClientRequest,
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        _ body:
            nonisolated(nonsending) @escaping @Sendable (
                AsyncWebSocket, IncomingMessages
            ) async throws -> Result
    ) async throws -> Result {
        var request = request
        request.streamsMessages = true
        return try await withConnection(request, receiveCredit: receiveCredit) { socket in
            try await body(socket, socket.incomingMessages)
        }
    }
}

/// One call of `withConnection`, touched on its loop's thread only.
private final class ClientCall<Result: Sendable>: @unchecked Sendable {
    private var attempt: ClientAttempt?
    private var session: AsyncSession?
    private var isCancelled = false
    private var result: Result?

    func start(
        _ request: ClientRequest,
        _ credit: ReceiveCredit,
        on eventLoop: EventLoop,
        _ continuation: CheckedContinuation<Result, any Error>,
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Result
    ) {
        guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
        let session = AsyncSession(credit: credit, isStreaming: request.streamsMessages) {
            [self] outcome in
            self.session = nil
            switch outcome {
            case .failure(let error): continuation.resume(throwing: error)
            case .success:
                if let result {
                    continuation.resume(returning: result)
                } else {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } body: { socket in
            self.result = try await body(socket)
        }
        let attempt = ClientAttempt(
            request,
            on: eventLoop,
            handler: session,
            connected: nil
        ) { [self] outcome in
            self.attempt = nil
            switch outcome {
            case .success: self.session = session
            case .failure(let error):
                continuation.resume(throwing: isCancelled ? CancellationError() : error)
            }
        }
        self.attempt = attempt
        attempt.start()
    }

    /// The calling task is cancelled: so is the attempt, or the body.
    func cancel() {
        isCancelled = true
        attempt?.cancel()
        session?.cancel()
    }
}
