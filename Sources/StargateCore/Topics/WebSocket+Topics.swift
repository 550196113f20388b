// What a connection does with topics. Everything here is for the connection's loop.

extension WebSocket {
    // MARK: Subscribing

    /// Has messages that are published to a topic sent to this connection, until it unsubscribes
    /// or ends.
    ///
    /// - Parameters:
    ///   - topic: its name; a topic need not exist, it is whatever somebody subscribes to.
    ///   - policy: what happens when this peer does not keep up; nil for the server's
    ///     ``Server/Configuration/slowConsumerPolicy``.
    /// - Returns: what became of it. Subscribing twice is subscribing once.
    @discardableResult
    public func subscribe(
        to topic: Topic,
        policy: SlowConsumerPolicy? = nil
    ) -> SubscriptionResult {
        subscribe(matching: TopicFilter(topic), policy: policy)
    }

    /// As ``subscribe(to:policy:)``, for every topic that matches. A message comes once, even if
    /// several filters of this connection match its topic.
    @discardableResult
    public func subscribe(
        matching filter: TopicFilter,
        policy: SlowConsumerPolicy? = nil
    ) -> SubscriptionResult {
        guard let current, current.state.phase == .open, let topics = current.topics else {
            return .notOpen
        }
        return topics.subscribe(current, to: filter, policy)
    }

    /// Ends a subscription. What was published before may still arrive.
    ///
    /// - Returns: false if there was none.
    @discardableResult
    public func unsubscribe(from topic: Topic) -> Bool {
        unsubscribe(matching: TopicFilter(topic))
    }

    /// Ends the subscription that was made with this filter; topics that match it are not looked
    /// at.
    @discardableResult
    public func unsubscribe(matching filter: TopicFilter) -> Bool {
        guard let current, let topics = current.topics else { return false }
        return topics.unsubscribe(current, from: filter)
    }

    /// What this connection is subscribed to, in no order.
    public var topics: [TopicFilter] {
        current?.state.subscriptions?.entries.map(\.channel.filter) ?? []
    }

    /// How many subscriptions this connection has.
    public var topicCount: Int { current?.state.subscriptions?.entries.count ?? 0 }

    // MARK: Publishing

    /// Sends a message to all other subscribers of a topic, on every loop of the server.
    ///
    /// It is copied once, however many subscribers there are, and `message` is not needed after
    /// the call. Delivery begins when the current callback is over. May be called in `closed`, to
    /// tell the others.
    ///
    /// Messages of one connection to one topic arrive in the order in which they were published.
    /// Between them and what subscribers are sent directly there is no order.
    ///
    /// - Parameters:
    ///   - message: what is sent, such as the message just received.
    ///   - topic: to whom.
    ///   - key: for subscribers with ``SlowConsumerPolicy/latest``: of the messages to a topic with
    ///     the same key, a slow peer gets only the latest.
    /// - Returns: whether it was taken for all loops: not when the server does not run, the
    ///   connection's block is another's by now, or a loop is 64 MiB of publications behind. From
    ///   2 MiB on nothing more is read from this connection until half of that is delivered.
    @discardableResult
    public func publish(_ message: Message, to topic: Topic, key: String? = nil) -> Bool {
        publish(PreparedMessage(message), to: topic, key: key)
    }

    /// As ``publish(_:to:key:)-(Message,_,_)``, with a text message.
    @discardableResult
    public func publish(_ text: String, to topic: Topic, key: String? = nil) -> Bool {
        publish(PreparedMessage(text: text), to: topic, key: key)
    }

    /// As ``publish(_:to:key:)-(Message,_,_)``, with a message that was prepared before.
    @discardableResult
    public func publish(_ message: PreparedMessage, to topic: Topic, key: String? = nil) -> Bool {
        guard let current, let registry = current.topics?.registry else { return false }
        return registry.publish(Publication(message, to: topic, key: key, except: id), by: current)
    }

    // MARK: Sending what was prepared

    /// Sends a message that is sent to others too, without encoding it again.
    @discardableResult
    public func send(_ message: PreparedMessage) -> SendResult {
        current?.send(message) ?? .dropped
    }
}
