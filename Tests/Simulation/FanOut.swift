import StargateCore

// Who is owed what. A publication goes to everybody who has a matching subscription when it is made,
// but not to its own publisher: once, and in the order in which its publisher has made it.

/// One handler's publications to one topic, by the numbers that its peers see.
struct PublicationSource: Hashable {
    let publisher: Int
    let topic: Int

    init(publisher: Int, topic: Int) {
        self.publisher = publisher
        self.topic = topic
    }

    /// - Parameter sender: as a ``Payload/Head`` has it.
    init(sender: Int) {
        publisher = sender / SimulatedTopics.topics.count
        topic = sender % SimulatedTopics.topics.count
    }

    var sender: Int { publisher * SimulatedTopics.topics.count + topic }
}

/// What a peer has received of everybody's publications.
struct ReceivedPublications {
    private struct Run {
        var first: Int
        var last: Int
        var missing: Int
    }

    private var runs: [PublicationSource: Run] = [:]

    /// Takes a publication down. Returns what is wrong with it.
    mutating func take(_ head: Payload.Head, _ record: HandlerRecord?) -> String? {
        let source = PublicationSource(sender: head.sender)
        guard source.publisher != record?.number else { return "its own publication came back" }
        guard var run = runs[source] else {
            runs[source] = Run(first: head.number, last: head.number, missing: 0)
            return nil
        }
        guard head.number > run.last else {
            return "publication \(head.number) came behind \(run.last)"
        }
        run.missing += head.number - run.last - 1
        run.last = head.number
        runs[source] = run
        guard run.missing == 0 || record?.mayMissPublications ?? true else {
            return "publication \(head.number) came, and one before it did not"
        }
        return nil
    }

    /// Once everything has arrived: what is owed and did not come, or nil.
    func debt(to record: HandlerRecord, from handlers: [HandlerRecord]) -> String? {
        guard !record.hasUnsubscribed else { return nil }
        var missing = 0
        for publisher in handlers where publisher.number != record.number {
            for (topic, stamps) in publisher.publicationStamps.enumerated() {
                let source = PublicationSource(publisher: publisher.number, topic: topic)
                let since = record.subscriptionStamp(topic: topic)
                let owed = stamps.count { $0 > since ?? .max }
                let run = runs[source]
                let received = run.map { $0.last - $0.first + 1 - $0.missing } ?? 0
                missing += max(0, owed - received)
                if let run, run.first > stamps.count - owed + 1, !record.isLossy {
                    return "the first of \(source) was number \(run.first)"
                }
            }
        }
        guard missing > 0 else { return nil }
        if record.isLossy, missing <= record.droppedCount { return nil }
        return "\(missing) publications are missing, \(record.droppedCount) were dropped"
    }
}

extension HandlerRecord {
    /// Whether a gap is allowed.
    var mayMissPublications: Bool { isLossy || hasUnsubscribed }

    /// When it first subscribed to a topic, by any filter; nil for never.
    func subscriptionStamp(topic: Int) -> Int? {
        SimulatedTopics.filters
            .filter { SimulatedTopics.matches($0, topic: topic) }
            .compactMap { subscriptionStamps[$0] }
            .min()
    }
}
