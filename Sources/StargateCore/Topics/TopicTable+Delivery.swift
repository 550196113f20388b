// Publications are handed to the connections of this loop. No code of the application runs here,
// so the lists cannot change under the walk; what the handlers must hear is told them later, when
// their connections have the loop's attention.

extension TopicTable {
    /// So many deliveries, then sockets have their turn: some milliseconds.
    private static let deliveryCountPerTurn = 32_768

    /// Delivers what was published, in order.
    func drain() {
        var budget = Self.deliveryCountPerTurn
        while budget > 0 {
            if batch.isEmpty {
                guard let taken = inbox?.takeAll() else { return }
                batch = taken.publications[...]
                eventLoop.loop.state.counters[Counter.publicationsDropped] &+= UInt64(
                    truncatingIfNeeded: taken.droppedCount
                )
                let counters = eventLoop.loop.state.counters
                counters[DropReason.inbox] &+= UInt64(truncatingIfNeeded: taken.droppedCount)
                counters[Counter.publicationsTaken] &+= UInt64(
                    truncatingIfNeeded: taken.publications.count
                )
            }
            guard let publication = batch.popFirst() else { return batch = [] }
            budget -= 1 + deliver(publication)
        }
        // Not at once, but behind what is in the mailbox: others have their turn before.
        inbox?.postDrain()
    }

    /// Delivers to every subscriber once. Returns to how many.
    private func deliver(_ publication: Publication) -> Int {
        var count = 0
        let exception = publication.exception
        let loopIndex = UInt32(truncatingIfNeeded: eventLoop.index)
        forEachSubscriber(of: publication.topic) { subscriber, subscriptions in
            let connection = subscriber.connection
            if let exception, exception.loop == loopIndex, connection.id == exception { return }
            connection.deliver(publication, subscriber.policy, subscriptions, limits)
            count += 1
        }
        eventLoop.loop.state.counters[Counter.publicationsDelivered] &+= UInt64(
            truncatingIfNeeded: count
        )
        return count
    }

    /// Calls `body` with each subscriber, once even if several of its filters match.
    func forEachSubscriber(
        of topic: Topic,
        _ body: (TopicChannel.Subscriber, Subscriptions) -> Void
    ) {
        let exact = channels[TopicFilter(topic)]
        let others = wildcardChannels(for: topic)
        if others.isEmpty {
            exact?.forEachSubscriber(body)
            return
        }
        deliveryNumber &+= 1
        let number = deliveryNumber
        let once: (TopicChannel.Subscriber, Subscriptions) -> Void = { subscriber, subscriptions in
            guard subscriptions.lastDelivery != number else { return }
            subscriptions.lastDelivery = number
            body(subscriber, subscriptions)
        }
        // The subscription to the topic itself comes first: its policy is the more particular one.
        exact?.forEachSubscriber(once)
        for channel in others { channel.forEachSubscriber(once) }
    }
}

extension TopicChannel {
    fileprivate func forEachSubscriber(_ body: (Subscriber, Subscriptions) -> Void) {
        for subscriber in subscribers {
            if let subscriptions = subscriber.connection.state.subscriptions {
                body(subscriber, subscriptions)
            }
        }
    }
}
