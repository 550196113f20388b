/// A WebSocket connection in the hands of an asynchronous handler.
///
///     server.webSocket("/echo") { socket in
///         for try await message in socket.messages {
///             try await socket.send(message)
///         }
///     }
///
/// The connection lives as long as the handler: when that returns, it is closed with 1000; when it
/// throws, with 1011; when it is cancelled, with 1001.
///
/// It is used on the connection's loop, where the handler runs, and it is not Sendable: the compiler
/// refuses to let another task have it. To send from another task use ``sender``.
public struct AsyncWebSocket {
    @usableFromInline let session: AsyncSession

    init(_ session: AsyncSession) {
        self.session = session
    }

    private var current: WebSocket? {
        session.checkIsHere()
        return session.socket
    }

    // MARK: Receiving

    /// What the peer sends. While the handler lags, the connection is not read from: see
    /// ``ReceiveCredit``.
    public var messages: AsyncMessages { AsyncMessages(session: session) }

    /// The same in parts, on a connection that streams messages.
    var incomingMessages: IncomingMessages { IncomingMessages(session: session) }

    // MARK: Sending

    /// Sends a message. Waits first if more than `outputSoftLimit` bytes are buffered.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - compress: false to leave this message uncompressed, as with
    ///     ``WebSocket/send(_:compress:)-(String,_)``.
    /// - Throws: ``WebSocketClosed`` when the connection is gone, `CancellationError` when the task
    ///   is cancelled while it waits; the message is not sent then.
    @inlinable
    public nonisolated(nonsending) func send(
        _ message: OwnedMessage,
        compress: Bool = true
    ) async throws {
        if try session.sendNow(message, compress: compress) { return }
        try await session.send(message, compress: compress)
    }

    /// Sends a text message, as ``send(_:compress:)-(OwnedMessage,_)``.
    @inlinable
    public nonisolated(nonsending) func send(
        _ text: String,
        compress: Bool = true
    ) async throws {
        if try session.sendNow(.text(text), compress: compress) { return }
        try await session.send(.text(text), compress: compress)
    }

    /// Sends a binary message, as ``send(_:compress:)-(OwnedMessage,_)``.
    @inlinable
    public nonisolated(nonsending) func send(
        _ bytes: [UInt8],
        compress: Bool = true
    ) async throws {
        if try session.sendNow(.binary(bytes), compress: compress) { return }
        try await session.send(.binary(bytes), compress: compress)
    }

    /// Sends a text message in parts, so that it need not be in memory as a whole.
    ///
    /// The message begins with the first ``MessageWriter/write(_:)-(String)`` and ends when `body`
    /// returns. If `body` throws in between, the message cannot be taken back: the connection is
    /// closed with 1011 and the error is thrown on. Other messages wait meanwhile. Each part is a
    /// fragment, RFC 6455 section 5.4; they are compressed as one message where that was agreed on.
    ///
    /// - Parameters:
    ///   - compress: false to leave this message uncompressed.
    ///   - body: writes the parts; it must not call `send`.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or as ``send(_:compress:)-(OwnedMessage,_)``.
    public nonisolated(nonsending) func withTextWriter<Result>(
        compress: Bool = true,
        _ body: nonisolated(nonsending) (MessageWriter) async throws -> Result
    ) async throws -> Result {
        try await session.stream(.text, compress: compress, body)
    }

    /// Sends a binary message in parts, as ``withTextWriter(compress:_:)``.
    ///
    /// - Parameters:
    ///   - compress: false to leave this message uncompressed.
    ///   - body: writes the parts; it must not call `send`.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or as ``send(_:compress:)-(OwnedMessage,_)``.
    public nonisolated(nonsending) func withBinaryWriter<Result>(
        compress: Bool = true,
        _ body: nonisolated(nonsending) (MessageWriter) async throws -> Result
    ) async throws -> Result {
        try await session.stream(.binary, compress: compress, body)
    }

    /// The bytes that were sent and have not left this process yet.
    public var bufferedAmount: Int { current?.bufferedAmount ?? 0 }

    /// A way to send for other tasks.
    public var sender: WebSocketSender { WebSocketSender(session) }

    // MARK: Closing

    /// Begins the closing handshake, as ``WebSocket/close(_:reason:)``; ``messages`` still yields
    /// what the peer sends until it answers. Not needed before the handler returns.
    public func close(_ code: CloseCode = .normalClosure, reason: String = "") {
        current?.close(code, reason: reason)
    }

    /// Cuts the connection without a closing handshake.
    public func terminate() { current?.terminate() }

    /// How the connection ended, when it has.
    public var end: WebSocketClosed? {
        session.checkIsHere()
        return session.end
    }

    // MARK: About the connection

    /// Whether messages can be sent.
    public var isOpen: Bool { current?.isOpen ?? false }

    /// The request that was accepted; nil on a client.
    public var request: UpgradeRequest? { session.request }

    /// The subprotocol that was agreed on. RFC 6455 section 1.9.
    public var subprotocol: String? { session.subprotocol }

    /// The name of the connection, for other threads.
    public var id: ConnectionID? { session.id }

    /// The handle for callbacks, for what this one does not offer; nil when the connection is over.
    /// Do not pause it: that is how this tier waits for its handler.
    public var socket: WebSocket? { current }
}

@available(*, unavailable)
extension AsyncWebSocket: Sendable {}

/// Writes the parts of one message; see ``AsyncWebSocket/withTextWriter(compress:_:)``.
public struct MessageWriter {
    let session: AsyncSession

    /// Sends the next part of a text message. Waits while too much is buffered.
    ///
    /// - Throws: as ``AsyncWebSocket/send(_:compress:)-(OwnedMessage,_)``.
    public nonisolated(nonsending) func write(_ text: String) async throws {
        try await session.writePart(Array(text.utf8))
    }

    /// Sends the next part of a message; of a text message it must be UTF-8, though a character may
    /// go on in the next part.
    ///
    /// - Throws: as ``AsyncWebSocket/send(_:compress:)-(OwnedMessage,_)``.
    public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        try await session.writePart(bytes)
    }
}

@available(*, unavailable)
extension MessageWriter: Sendable {}

/// Sends on a connection from any task: a hop to the connection's loop per message.
public struct WebSocketSender: Sendable {
    private let start: AsyncSession.Start
    private let loopActor: LoopActor?
    private let mailbox: Mailbox?

    init(_ session: AsyncSession) {
        start = AsyncSession.Start(session: session)
        loopActor = session.loopActor
        mailbox = session.executor?.mailbox
    }

    /// Sends a message, as ``AsyncWebSocket/send(_:compress:)-(OwnedMessage,_)``. Messages of one
    /// task arrive in its order.
    public func send(_ message: OwnedMessage, compress: Bool = true) async throws {
        try await withTaskCancellationHandler {
            try await loopActor?.send(message, compress: compress, on: start)
        } onCancel: {
            // It may be waiting for room.
            mailbox?.post { _ in start.session.resumeWriters() }
        }
    }
}
