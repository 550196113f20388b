internal import Synchronization

extension Server {
    // MARK: Publishing, from any thread

    /// Sends a message to all subscribers of a topic, on every loop. May be called on any thread.
    ///
    /// A loop is woken once for all that is published until it looks. Messages that one thread
    /// publishes to a topic arrive in that order at every subscriber.
    ///
    /// - Parameters:
    ///   - message: is encoded once for each kind of peer, and shared.
    ///   - topic: to whom.
    ///   - key: for subscribers with ``SlowConsumerPolicy/latest``: of the messages to a topic with
    ///     the same key, a slow peer gets only the latest.
    ///   - exception: a connection that is left out.
    /// - Returns: whether it was taken for all loops: not when the server does not run, or a loop
    ///   is 64 MiB of publications behind.
    @discardableResult
    public func publish(
        _ message: PreparedMessage,
        to topic: Topic,
        key: String? = nil,
        except exception: ConnectionID? = nil
    ) -> Bool {
        topicRegistry.publish(Publication(message, to: topic, key: key, except: exception))
    }

    /// As ``publish(_:to:key:except:)-(PreparedMessage,_,_,_)``, with a text message.
    @discardableResult
    public func publish(
        _ text: String,
        to topic: Topic,
        key: String? = nil,
        except exception: ConnectionID? = nil
    ) -> Bool {
        publish(PreparedMessage(text: text), to: topic, key: key, except: exception)
    }

    /// As ``publish(_:to:key:except:)-(PreparedMessage,_,_,_)``, with a binary message.
    @discardableResult
    public func publish(
        _ bytes: [UInt8],
        to topic: Topic,
        key: String? = nil,
        except exception: ConnectionID? = nil
    ) -> Bool {
        publish(PreparedMessage(binary: bytes), to: topic, key: key, except: exception)
    }

    /// Publishes a message, and waits until every loop has handed it on and every subscriber with
    /// ``SlowConsumerPolicy/wait`` has room for more. From any task.
    ///
    ///     for await price in source {
    ///         try await server.publishAndWait(PreparedMessage(text: price), to: "prices")
    ///     }
    ///
    /// Each task that publishes may be one message ahead of the slowest of them, and waits for none
    /// longer than ``Server/Configuration/slowPeerTimeout``. A handler that publishes so must not
    /// be what a subscriber waits for before it reads; leave its own connection out with
    /// `exception`, or publish by ``AsyncWebSocket/publish(_:to:key:)-(OwnedMessage,_,_)``, which
    /// does.
    ///
    /// - Parameters:
    ///   - message: is encoded once for each kind of peer, and shared.
    ///   - topic: to whom.
    ///   - key: as for ``publish(_:to:key:except:)-(PreparedMessage,_,_,_)``.
    ///   - exception: a connection that is left out.
    /// - Returns: whether it was taken for all loops, as in
    ///   ``publish(_:to:key:except:)-(PreparedMessage,_,_,_)``.
    /// - Throws: `CancellationError` when the task is cancelled; if that happens while it waits, the
    ///   message is published all the same.
    @discardableResult
    public func publishAndWait(
        _ message: PreparedMessage,
        to topic: Topic,
        key: String? = nil,
        except exception: ConnectionID? = nil
    ) async throws -> Bool {
        try await topicRegistry.publishAndWait(
            Publication(message, to: topic, key: key, except: exception)
        )
    }

    // MARK: Rules

    /// Says what happens to those who do not keep up with topics, wherever they are subscribed to.
    ///
    ///     server.topics(matching: "prices/#", slowConsumers: .latest)
    ///     server.topics(matching: "orders/+", slowConsumers: .wait)
    ///
    /// It holds for every message to a topic that matches, however the subscriber's own filter is
    /// written, and comes before the policy of the route and of the server; a policy that was given
    /// when subscribing comes before it. Of several rules that match a topic the one that was added
    /// first holds.
    ///
    /// To be called before the server is started.
    ///
    /// - Parameters:
    ///   - filter: for which topics.
    ///   - policy: what is done with messages to them.
    public func topics(matching filter: TopicFilter, slowConsumers policy: SlowConsumerPolicy) {
        state.withLock { state in
            guard case .idle = state.phase else {
                preconditionFailure("rules for topics are made before the server is started")
            }
        }
        topicRegistry.addRule(TopicRule(filter: filter, policy: policy))
    }

    // MARK: Who is there

    /// How many connections a message to a topic would be sent to at this moment, all loops summed
    /// up; one that subscribed with several filters counts once.
    public func subscriberCount(of topic: Topic) async -> Int {
        let key = topicRegistry.tableKey
        var total = 0
        for mailbox in mailboxes {
            total += await withCheckedContinuation { continuation in
                let isPosted = mailbox.post { eventLoop in
                    let table = eventLoop.residents[key] as? TopicTable
                    continuation.resume(returning: table?.subscriberCount(of: topic) ?? 0)
                }
                if !isPosted { continuation.resume(returning: 0) }
            }
        }
        return total
    }

    /// Has functions called when a filter gets its first subscriber and loses its last, in the
    /// whole process: for instance to follow a source only while somebody listens.
    ///
    /// Each filter is counted for itself, by its text: subscribing to `a/+` does not make `a/b` a
    /// topic with subscribers. For each filter the calls alternate, beginning with `first`. They
    /// come on the server's first loop, in the order of the events and soon after them, so that
    /// the next event may have happened already. They must not block.
    ///
    /// To be called before the server is started; a second call replaces the first.
    public func onTopic(
        first: @escaping @Sendable (TopicFilter) -> Void,
        last: @escaping @Sendable (TopicFilter) -> Void
    ) {
        topicRegistry.observe(first: first, last: last)
    }
}
