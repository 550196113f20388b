/// What an application does with one connection: it receives its messages and learns of its end.
///
/// One object per connection, made by the closure given to `UpgradeDecision.accept`. All calls come
/// on the loop of the connection, one at a time, so its properties need no lock; a call that blocks
/// stops every connection of that loop.
public protocol WebSocketHandler: AnyObject {
    /// The opening handshake is done: messages may be sent from here on. Called once, first.
    func opened(_ socket: WebSocket)

    /// A whole message arrived. `message` is borrowed: it is valid only during the call.
    func received(_ message: Message, on socket: WebSocket)

    /// A part of a message arrived, on a connection that was accepted with
    /// ``WebSocketOptions/streamsMessages``; on those, ``received(_:on:)-(Message,_)`` is not called.
    ///
    /// A message whose end does not come is ended by ``closed(_:code:reason:)-(WebSocket,_,_)``.
    ///
    /// - Parameters:
    ///   - bytes: borrowed: valid only during the call.
    ///   - part: where in which message they belong.
    ///   - socket: its handle. To pause it keeps the next parts back.
    func receivedPart(_ bytes: RawSpan, _ part: MessagePart, on socket: WebSocket)

    /// What `send` reported as queued has left this process: sending may go on.
    func drained(_ socket: WebSocket)

    /// Publications were dropped, because this peer did not read as fast as they came and the
    /// policy of its subscriptions says so. Called at most once per turn of the loop.
    ///
    /// - Parameters:
    ///   - count: how many since the last call; with ``SlowConsumerPolicy/latest``, those whose
    ///     place a later one took are among them.
    ///   - socket: its handle.
    func dropped(_ count: Int, on socket: WebSocket)

    /// A pong arrived, with the payload of the ping it answers. The keep-alive's own pongs are
    /// reported too.
    func ponged(_ payload: RawSpan, on socket: WebSocket)

    /// The connection is over. Called exactly once after ``opened(_:)-(WebSocket)``, last.
    ///
    /// - Parameters:
    ///   - socket: its handle; what is sent on it now is dropped.
    ///   - code: the code of the peer's Close frame; 1005 if it held none, 1006 if there was none.
    ///     When this endpoint failed the connection, the code it did that with.
    ///   - reason: the text behind the code, often empty.
    func closed(_ socket: WebSocket, code: CloseCode, reason: String)
}

extension WebSocketHandler {
    /// Does nothing.
    public func opened(_ socket: WebSocket) {}
    /// Does nothing.
    public func receivedPart(_ bytes: RawSpan, _ part: MessagePart, on socket: WebSocket) {}
    /// Does nothing.
    public func drained(_ socket: WebSocket) {}
    /// Does nothing.
    public func dropped(_ count: Int, on socket: WebSocket) {}
    /// Does nothing.
    public func ponged(_ payload: RawSpan, on socket: WebSocket) {}
    /// Does nothing.
    public func closed(_ socket: WebSocket, code: CloseCode, reason: String) {}
}
