/// Which part of a message it is that a handler is given, on a connection that streams them: see
/// ``WebSocketOptions/streamsMessages``.
///
/// Parts have nothing to do with the fragments that the peer has made: a part ends where the bytes
/// ended that had arrived, or after 64 KiB.
public struct MessagePart: Sendable, Hashable {
    /// Whether the message is a text message. Its parts are valid UTF-8 in a row, though a
    /// character may begin in one and end in the next.
    public let isText: Bool
    /// Whether the message begins with it.
    public let isFirst: Bool
    /// Whether the message ends with it. The last part may be empty; no other is.
    public let isLast: Bool

    /// A part; for tests of handlers.
    public init(isText: Bool, isFirst: Bool, isLast: Bool) {
        self.isText = isText
        self.isFirst = isFirst
        self.isLast = isLast
    }
}
