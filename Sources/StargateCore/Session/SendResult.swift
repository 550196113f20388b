/// What became of a message given to `send`.
public enum SendResult: Sendable {
    /// It is on its way: written, or in the buffer that is written when the current callback
    /// returns.
    case sent
    /// The peer reads more slowly than messages are sent: it waits in memory. Stop sending until
    /// ``WebSocketHandler/drained(_:)-(WebSocket)``.
    case queued
    /// It was not taken: the connection is closing or gone, or its queue is full and its policy
    /// drops.
    case dropped
    /// The protocol of this connection cannot carry it: the hixie drafts know text only, and no
    /// fragments.
    case unsupported
    /// It was not taken, because another message is being sent in fragments and the final one is
    /// missing: no message may come between them. RFC 6455 section 5.4.
    case unfinished
}
