/// What a connection keeps for topics, from its first subscription on; others have none.
final class Subscriptions {
    struct Entry {
        let channel: TopicChannel
        /// The place in the channel's list.
        var position: Int
    }

    /// In no order: one that goes is replaced by the last.
    var entries: [Entry] = []
    /// Published and not written yet.
    var queue = PublicationQueue()
    /// What the loop's account says of the queue's own memory.
    var accountedByteCount = 0
    /// Publications that were dropped since the handler was told.
    var unreportedDropCount = 0
    /// More had to wait than may, and the policy is to close.
    var hasOverflown = false
    /// Of publishers that wait for this connection, see ``SlowConsumerPolicy/wait``.
    var receipts: [PublicationReceipt] = []
    /// Cuts the connection when publishers have waited for it too long.
    var publishersTimer: LoopTimer?
    /// The number of the run that holds a publication of this connection's own.
    var exceptedRun: UInt64 = 0
    /// The number of the delivery that served this connection last, so that none serves it twice.
    var lastDelivery: UInt64 = 0

    func index(of channel: TopicChannel) -> Int? {
        entries.firstIndex { $0.channel === channel }
    }
}

/// A filter that has subscribers on a loop, and who they are.
final class TopicChannel {
    struct Subscriber {
        let connection: Connection
        /// The place in the connection's ``Subscriptions/entries``.
        var place: UInt32
        /// The subscription's own policy, or else that of the route or the server.
        var policy: SlowConsumerPolicy
        /// Whether it is the subscription's own, which no rule for topics replaces.
        var isOwnPolicy: Bool
    }

    let filter: TopicFilter
    /// In no order: one that goes is replaced by the last.
    var subscribers: [Subscriber] = []

    init(_ filter: TopicFilter) {
        self.filter = filter
    }
}

/// What became of a subscription.
public enum SubscriptionResult: Hashable, Sendable {
    /// Messages that are published from here on come to this connection.
    case subscribed
    /// It was subscribed before; if a policy was given, that holds now.
    case alreadySubscribed
    /// The connection has as many subscriptions as one may have, see
    /// ``Server/Configuration/maxTopicsPerConnection``.
    case tooManyTopics
    /// The connection is closing or gone, or it is a client's.
    case notOpen
}
