// Topics in the structured tier, where a publisher can wait for those who read slowly.

extension AsyncWebSocket {
    /// Has messages that are published to a topic sent to this connection, as
    /// ``WebSocket/subscribe(to:policy:)``. They do not pass through the handler.
    @discardableResult
    public func subscribe(
        to topic: Topic,
        policy: SlowConsumerPolicy? = nil
    ) -> SubscriptionResult {
        socket?.subscribe(to: topic, policy: policy) ?? .notOpen
    }

    /// As ``subscribe(to:policy:)``, for every topic that matches.
    @discardableResult
    public func subscribe(
        matching filter: TopicFilter,
        policy: SlowConsumerPolicy? = nil
    ) -> SubscriptionResult {
        socket?.subscribe(matching: filter, policy: policy) ?? .notOpen
    }

    /// Ends a subscription. Returns false if there was none.
    @discardableResult
    public func unsubscribe(from topic: Topic) -> Bool {
        socket?.unsubscribe(from: topic) ?? false
    }

    /// Sends a message to all other subscribers of a topic, and waits until every loop has handed it
    /// on and every subscriber with ``SlowConsumerPolicy/wait`` has room for more.
    ///
    /// While the handler waits it takes no messages, so its own peer has to wait in turn: the
    /// slowest subscriber sets the pace from end to end. The publisher is never a subscriber that
    /// it waits for. Nobody is waited for longer than ``Server/Configuration/slowPeerTimeout``.
    ///
    /// - Parameters:
    ///   - message: what is sent.
    ///   - topic: to whom.
    ///   - key: as for ``WebSocket/publish(_:to:key:)-(Message,_,_)``.
    /// - Returns: whether it was taken for all loops: not when one is 64 MiB of publications
    ///   behind, or on a client.
    /// - Throws: ``WebSocketClosed`` when the connection is gone; nothing was published then.
    ///   `CancellationError` when the task is cancelled; if that happens while it waits, the message
    ///   is published all the same.
    @discardableResult
    public nonisolated(nonsending) func publish(
        _ message: OwnedMessage,
        to topic: Topic,
        key: String? = nil
    ) async throws -> Bool {
        try await publish(PreparedMessage(message), to: topic, key: key)
    }

    /// As ``publish(_:to:key:)-(OwnedMessage,_,_)``, with a text message.
    @discardableResult
    public nonisolated(nonsending) func publish(
        _ text: String,
        to topic: Topic,
        key: String? = nil
    ) async throws -> Bool {
        try await publish(PreparedMessage(text: text), to: topic, key: key)
    }

    /// As ``publish(_:to:key:)-(OwnedMessage,_,_)``, with a message that was prepared before.
    @discardableResult
    public nonisolated(nonsending) func publish(
        _ message: PreparedMessage,
        to topic: Topic,
        key: String? = nil
    ) async throws -> Bool {
        guard let current = socket?.current else {
            throw end ?? WebSocketClosed(code: .noStatusReceived, reason: "the connection is over")
        }
        guard let registry = current.topics?.registry else { return false }
        return try await registry.publishAndWait(
            Publication(message, to: topic, key: key, except: current.id)
        )
    }
}
