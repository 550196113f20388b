// Publications are handed to the connections of this loop. No code of the application runs here,
// so the lists cannot change under the walk; what the handlers must hear is told them later, when
// their connections have the loop's attention.

extension TopicTable {
    /// So many deliveries, then sockets have their turn: some milliseconds.
    private static let deliveryCountPerTurn = 32_768
    /// And no more when it has taken longer than expected.
    private static let turnMilliseconds: UInt64 = 50
    /// What one run may cost for all subscribers together, because it cannot be interrupted: where
    /// none of them reads, the kernel has to find memory for as many copies of it.
    private static let runCostMax = 1280

    /// Delivers what was published, in order.
    func drain() {
        defer { inbox?.resumePublishers() }
        var budget = Self.deliveryCountPerTurn
        let end = eventLoop.driver.exactTime + Self.turnMilliseconds
        while budget > 0 {
            if batch.isEmpty, !takeBatch() { return }
            let count = nextRunCount()
            let run = PublicationRun(
                batch.prefix(count),
                number: deliveryNumber &+ 1,
                account: registry.frames
            )
            guard let run else { return batch = [] }
            deliveryNumber &+= 1
            batch = batch.dropFirst(count)
            budget -= 1 + deliver(run)
            inbox?.delivered(run.deliveries)
            // What the kernel takes can take it long: it may have to find memory for all of it.
            if eventLoop.driver.exactTime > end { break }
        }
        // Not at once, but behind what is in the mailbox: others have their turn before.
        inbox?.postDrain()
    }

    /// Takes what has come. Returns false if nothing has.
    private func takeBatch() -> Bool {
        guard let taken = inbox?.takeAll() else { return false }
        batch = taken.deliveries[...]
        let counters = eventLoop.loop.state.counters
        counters[Counter.publicationsDropped] &+= UInt64(truncatingIfNeeded: taken.droppedCount)
        counters[DropReason.inbox] &+= UInt64(truncatingIfNeeded: taken.droppedCount)
        counters[Counter.publicationsTaken] &+= UInt64(truncatingIfNeeded: batch.count)
        lookAtBatch()
        return !batch.isEmpty
    }

    /// Whoever is written to directly is written to once for each run; so that there is one write
    /// for each subscriber, its topics must not come again in the batch.
    private func lookAtBatch() {
        batchIsOneRun = false
        batchHasSingleRuns = false
        guard var topic = batch.first?.publication.topic else { return }
        var topics: Set<Topic> = []
        for delivery in batch.dropFirst() where delivery.publication.topic != topic {
            guard topics.insert(topic).inserted else { return }
            topic = delivery.publication.topic
        }
        batchIsOneRun = topics.isEmpty
        batchHasSingleRuns = !topics.contains(topic)
    }

    private func nextRunCount() -> Int {
        guard let topic = batch.first?.publication.topic else { return 0 }
        let channelCount = channels[TopicFilter(topic)]?.subscribers.count ?? 0
        let costMax = max(1, Self.runCostMax / max(1, channelCount))
        return PublicationRun.count(of: batch, costMax: costMax)
    }

    /// Delivers to every subscriber once. Returns what it cost.
    private func deliver(_ run: PublicationRun) -> Int {
        var count = 0
        let (ruling, isExcepting) = (ruling(for: run.topic), markExceptions(of: run))
        var placed: PlacedRun?
        forEachSubscriber(of: run.topic) { subscriber, subscriptions in
            let connection = subscriber.connection
            var taken = 0
            if connection.takesRuns(subscriptions), mayWriteDirectly(subscriptions),
                !isExcepting || subscriptions.exceptedRun != run.number
            {
                taken = connection.write(run)
                count += run.count
                if taken == run.count { return }
            } else {
                count += run.count
            }
            let policy = subscriber.isOwnPolicy ? subscriber.policy : ruling ?? subscriber.policy
            let places = placed ?? place(run)
            placed = places
            count -= places.deliver(run, from: taken, to: connection, policy, subscriptions, limits)
        }
        eventLoop.loop.state.counters[Counter.publicationsDelivered] &+= UInt64(
            truncatingIfNeeded: count
        )
        return count / run.count * run.cost
    }

    /// Writes a run down for those who have to wait for it.
    private func place(_ run: PublicationRun) -> PlacedRun {
        let placed = PlacedRun(run.deliveries, after: openPage)
        openPage = placed.pieces.last?.page
        return placed
    }

    private func mayWriteDirectly(_ subscriptions: Subscriptions) -> Bool {
        batchIsOneRun
            || batchHasSingleRuns && subscriptions.entries.count == 1
                && !subscriptions.entries[0].channel.filter.hasWildcards
    }

    /// Marks the connections that must not get all of a run, because they have published some of
    /// it. Returns whether there are any on this loop.
    private func markExceptions(of run: PublicationRun) -> Bool {
        let loopIndex = UInt32(truncatingIfNeeded: eventLoop.index)
        var isExcepting = false
        for delivery in run.deliveries {
            guard let exception = delivery.publication.exception, exception.loop == loopIndex,
                let connection = eventLoop.loop.state.slab[exception.slot],
                connection.id == exception, let subscriptions = connection.state.subscriptions
            else { continue }
            subscriptions.exceptedRun = run.number
            isExcepting = true
        }
        return isExcepting
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

extension PlacedRun {
    /// Gives a subscriber what is left of a run. Returns how many he does not get, because he has
    /// published them.
    fileprivate func deliver(
        _ run: PublicationRun,
        from taken: Int,
        to connection: Connection,
        _ policy: SlowConsumerPolicy,
        _ subscriptions: Subscriptions,
        _ limits: PublicationLimits
    ) -> Int {
        var exceptedCount = 0
        for piece in pieces where piece.range.upperBound > taken {
            for number in max(taken, piece.range.lowerBound)..<piece.range.upperBound {
                let delivery = run.deliveries[run.deliveries.startIndex + number]
                if let exception = delivery.publication.exception, connection.id == exception {
                    exceptedCount += 1
                    continue
                }
                let index = piece.index + number - piece.range.lowerBound
                connection.deliver(
                    PublicationPlace(page: piece.page, index: index),
                    delivery.receipt,
                    policy,
                    subscriptions,
                    limits
                )
            }
        }
        return exceptedCount
    }
}
