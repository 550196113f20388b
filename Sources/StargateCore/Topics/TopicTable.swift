// Who on this loop is subscribed to what. Subscribing and unsubscribing cost a look into a
// dictionary and two appends; each side of a subscription knows its place in the other's list, so
// that it can be taken out without a search.

/// The topics of one loop of a server. On the loop's thread only.
final class TopicTable {
    /// How many topics are remembered with the wildcards that match them.
    private static let cachedTopicCountMax = 4096

    let registry: TopicRegistry
    let inbox: TopicInbox?
    unowned let eventLoop: EventLoop
    let topicCountMax: Int
    let limits: PublicationLimits

    private(set) var channels: [TopicFilter: TopicChannel] = [:]
    private var wildcards = FilterTree<TopicChannel>()
    /// Topic by topic, the channels with wildcards that match; forgotten when one comes or goes.
    private var wildcardMatches: [Topic: [TopicChannel]] = [:]
    /// What the server says about slow subscribers of some topics.
    private let rules: [TopicRule]
    /// Topic by topic, the policy of the first rule that matches.
    private var rulings: [Topic: SlowConsumerPolicy?] = [:]
    /// Taken from the inbox and not delivered yet.
    var batch: ArraySlice<PublicationDelivery> = []
    /// Whether no two runs of the batch are to the same topic, and whether there is only one.
    var batchHasSingleRuns = false
    var batchIsOneRun = false
    var deliveryNumber: UInt64 = 0
    /// Where what has to wait is written down: there as long as something on it does wait.
    weak var openPage: PublicationPage?

    init(
        _ registry: TopicRegistry,
        on eventLoop: EventLoop,
        _ configuration: Server.Configuration
    ) {
        self.registry = registry
        self.eventLoop = eventLoop
        topicCountMax = configuration.maxTopicsPerConnection
        limits = PublicationLimits(
            countMax: max(1, configuration.publicationQueueCount),
            byteCountMax: max(1, configuration.publicationQueueSize)
        )
        rules = registry.rules
        inbox = registry.inbox(of: eventLoop)
        eventLoop.residents[registry.tableKey] = self
    }

    // MARK: Subscribing

    /// Subscribes a connection, which is open.
    func subscribe(
        _ connection: Connection,
        to filter: TopicFilter,
        _ policy: SlowConsumerPolicy?
    ) -> SubscriptionResult {
        let subscriptions = connection.state.subscriptions ?? Subscriptions()
        let known = channels[filter]
        if let known, let place = subscriptions.index(of: known) {
            if let policy {
                let position = subscriptions.entries[place].position
                known.subscribers[position].policy = policy
                known.subscribers[position].isOwnPolicy = true
            }
            return .alreadySubscribed
        }
        guard subscriptions.entries.count < topicCountMax else { return .tooManyTopics }
        connection.state.subscriptions = subscriptions
        let channel = known ?? addChannel(filter)
        channel.subscribers.append(
            TopicChannel.Subscriber(
                connection: connection,
                place: UInt32(truncatingIfNeeded: subscriptions.entries.count),
                policy: policy ?? connection.limits.outputPolicy,
                isOwnPolicy: policy != nil
            )
        )
        subscriptions.entries.append(
            Subscriptions.Entry(channel: channel, position: channel.subscribers.count - 1)
        )
        return .subscribed
    }

    /// Ends a subscription. Returns false if there was none.
    func unsubscribe(_ connection: Connection, from filter: TopicFilter) -> Bool {
        guard let subscriptions = connection.state.subscriptions,
            let channel = channels[filter], let place = subscriptions.index(of: channel)
        else { return false }
        remove(place, of: subscriptions)
        return true
    }

    /// Ends all subscriptions of a connection.
    func leave(_ subscriptions: Subscriptions) {
        while !subscriptions.entries.isEmpty {
            remove(subscriptions.entries.count - 1, of: subscriptions)
        }
    }

    /// Takes an entry out of both lists; the connection's last entry takes its place.
    private func remove(_ place: Int, of subscriptions: Subscriptions) {
        let entry = subscriptions.entries[place]
        let lastEntry = subscriptions.entries.removeLast()
        if place < subscriptions.entries.count {
            subscriptions.entries[place] = lastEntry
            lastEntry.channel.subscribers[lastEntry.position].place = UInt32(
                truncatingIfNeeded: place
            )
        }
        let channel = entry.channel
        let last = channel.subscribers.removeLast()
        if entry.position < channel.subscribers.count {
            channel.subscribers[entry.position] = last
            last.connection.state.subscriptions?.entries[Int(last.place)].position = entry.position
        }
        if channel.subscribers.isEmpty { removeChannel(channel) }
    }

    private func addChannel(_ filter: TopicFilter) -> TopicChannel {
        let channel = TopicChannel(filter)
        channels[filter] = channel
        if filter.hasWildcards {
            wildcards.insert(filter, channel)
            wildcardMatches = [:]
        }
        inbox?.setFilterCount(channels.count)
        registry.appeared(filter)
        return channel
    }

    private func removeChannel(_ channel: TopicChannel) {
        channels[channel.filter] = nil
        if channel.filter.hasWildcards {
            wildcards.remove(channel.filter)
            wildcardMatches = [:]
        }
        inbox?.setFilterCount(channels.count)
        registry.vanished(channel.filter)
    }

    // MARK: Matching

    /// The channels with wildcards that match a topic: found once, then remembered.
    func wildcardChannels(for topic: Topic) -> [TopicChannel] {
        if wildcards.isEmpty { return [] }
        if let known = wildcardMatches[topic] { return known }
        let found = wildcards.matches(topic)
        // Topics that are published to once must not fill memory.
        if wildcardMatches.count >= Self.cachedTopicCountMax { wildcardMatches = [:] }
        wildcardMatches[topic] = found
        return found
    }

    /// The policy of the first rule that matches a topic, for those who have none of their own.
    func ruling(for topic: Topic) -> SlowConsumerPolicy? {
        if rules.isEmpty { return nil }
        if let known = rulings[topic] { return known }
        let found = rules.first { $0.filter.matches(topic) }?.policy
        if rulings.count >= Self.cachedTopicCountMax { rulings = [:] }
        rulings[topic] = .some(found)
        return found
    }

    /// How many connections of this loop a message to a topic would go to.
    func subscriberCount(of topic: Topic) -> Int {
        var count = 0
        forEachSubscriber(of: topic) { _, _ in count += 1 }
        return count
    }
}
