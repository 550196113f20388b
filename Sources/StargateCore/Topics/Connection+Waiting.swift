// Publishers that wait for a slow subscriber, and for how long.

extension Connection {
    /// Has a publisher wait until this peer has caught up; for how long at most is decided when the
    /// first one begins to.
    func hold(_ receipt: PublicationReceipt, _ subscriptions: Subscriptions) {
        subscriptions.receipts.append(receipt)
        if subscriptions.publishersTimer == nil { limitWaiting(subscriptions) }
    }

    private func limitWaiting(_ subscriptions: Subscriptions) {
        let generation = state.generation
        subscriptions.publishersTimer = loop.eventLoop.schedule(
            after: limits.slowPeerTimeout
        ) { [self] _ in
            guard state.generation == generation, let subscriptions = state.subscriptions,
                !subscriptions.receipts.isEmpty
            else { return }
            // It is not the peer that is slow while this endpoint is within a message of its own.
            if state.flags.contains(.sendsFragments) { return limitWaiting(subscriptions) }
            cutSlowPeer()
        }
    }

    /// Lets publishers go on if half of what may wait has left.
    func letPublishersGoIfCaughtUp(_ subscriptions: Subscriptions) {
        guard !subscriptions.receipts.isEmpty,
            topics.map({ subscriptions.queue.isHalfEmpty($0.limits) }) ?? true
        else { return }
        subscriptions.letPublishersGo()
    }
}

extension Subscriptions {
    /// Nobody waits for this connection any more.
    func letPublishersGo() {
        publishersTimer?.cancel()
        publishersTimer = nil
        // They are resumed on their own loops or threads, not within this call.
        receipts = []
    }
}
