/// The connection is over, and not as it should be: what `messages` and `send` throw then.
///
/// A peer that closes with 1000 or 1001, or with a Close frame that holds no code, ends `messages`
/// instead of throwing. RFC 6455 section 7.4.1.
public struct WebSocketClosed: Error, Hashable, Sendable, CustomStringConvertible {
    /// As in ``WebSocketHandler/closed(_:code:reason:)-(WebSocket,_,_)``.
    public let code: CloseCode
    /// The text behind the code, often empty.
    public let reason: String

    /// Whether both sides said goodbye, and neither had a complaint.
    public var isNormal: Bool {
        code == .normalClosure || code == .goingAway || code == .noStatusReceived
    }

    /// A sentence for people.
    public var description: String {
        reason.isEmpty
            ? "the connection was closed with \(code)"
            : "the connection was closed with \(code): \(reason)"
    }
}

/// How far a peer may run ahead of an asynchronous handler.
///
/// A message counts from its arrival until the handler takes it. When either limit is reached the
/// connection is no longer read from, so that TCP makes the peer wait; it is read from again when
/// half of what was allowed has been taken. Ping and Close frames wait like messages.
public struct ReceiveCredit: Hashable, Sendable {
    /// Messages. The default, 1,024, holds about a read's worth of short ones, so that a handler
    /// that keeps up is never waited for.
    public var messageCount: Int
    /// Bytes of payload; a single message may be longer when none waits. The default is 256 KiB,
    /// the same as what may wait in the other direction.
    public var byteCount: Int

    /// A credit; each limit is at least 1.
    public init(messageCount: Int = 1024, byteCount: Int = 256 << 10) {
        self.messageCount = max(1, messageCount)
        self.byteCount = max(1, byteCount)
    }
}
