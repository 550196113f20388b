// The way of a publication from any thread into a loop: it is appended here, and the loop is woken
// once for all that come until it looks.

internal import Synchronization

/// What was published and one loop has not delivered yet.
final class TopicInbox: Sendable {
    /// What may wait for a loop that is busy, in bytes: far more than a burst, far less than memory.
    static let byteCountMax = 64 << 20
    /// From here on peers that publish are not read from: at once what some hundred of them send in
    /// a turn, and little enough that a storm does not show in the memory of the process.
    static let crowdedByteCount = 2 << 20

    private struct Contents {
        var deliveries: [PublicationDelivery] = []
        var droppedCount = 0
        var isPosted = false
        /// Connections that are not read from until less waits, each with its loop's mailbox.
        var paused: [(id: ConnectionID, mailbox: Mailbox)] = []
    }

    /// Under which key the loop keeps its table.
    private let tableKey: ObjectIdentifier
    private let mailbox: Mailbox
    private let contents = Lock(Contents())
    /// How many filters have subscribers on the loop: without any it is not even woken.
    private let filterCount = Atomic<Int>(0)
    /// The cost of what was appended and not delivered.
    private let byteCount = Atomic<Int>(0)

    init(_ mailbox: Mailbox, tableKey: ObjectIdentifier) {
        self.mailbox = mailbox
        self.tableKey = tableKey
    }

    /// Adds a publication. Returns false if it was dropped because too much waits already.
    func append(_ publication: Publication, _ receipt: PublicationReceipt?) -> Bool {
        guard filterCount.load(ordering: .acquiring) > 0 else { return true }
        let (isTaken, isFirst) = contents.withLock { contents in
            guard byteCount.load(ordering: .relaxed) + publication.cost <= Self.byteCountMax else {
                contents.droppedCount += 1
                return (false, false)
            }
            contents.deliveries.append(
                PublicationDelivery(publication: publication, receipt: receipt)
            )
            byteCount.wrappingAdd(publication.cost, ordering: .relaxed)
            defer { contents.isPosted = true }
            return (true, !contents.isPosted)
        }
        // Nobody posts a second time before the loop has looked, so the order stays.
        if isFirst { postDrain() }
        return isTaken
    }

    /// Has the loop look into it.
    func postDrain() {
        let isPosted = mailbox.post { [tableKey] eventLoop in
            (eventLoop.residents[tableKey] as? TopicTable)?.drain()
        }
        if !isPosted { delivered(takeAll().deliveries[...]) }
    }

    /// Takes everything, and the count of what had to be dropped. On the loop's thread.
    func takeAll() -> (deliveries: [PublicationDelivery], droppedCount: Int) {
        contents.withLock { contents in
            var taken: [PublicationDelivery] = []
            swap(&taken, &contents.deliveries)
            let droppedCount = contents.droppedCount
            contents.droppedCount = 0
            contents.isPosted = false
            return (taken, droppedCount)
        }
    }

    /// What was taken has been delivered, or never will be.
    func delivered(_ deliveries: ArraySlice<PublicationDelivery>) {
        let cost = deliveries.reduce(0) { $0 &+ $1.publication.cost }
        byteCount.wrappingSubtract(cost, ordering: .relaxed)
    }

    // MARK: Publishers that are peers

    /// Whether so much waits that its publishers should.
    var isCrowded: Bool { byteCount.load(ordering: .relaxed) >= Self.crowdedByteCount }

    /// Has a connection read again when less waits. Returns false if that is so already.
    func pause(_ id: ConnectionID, _ mailbox: Mailbox) -> Bool {
        contents.withLock { contents in
            // Under the lock: who delivers looks for those who wait after the count has fallen.
            guard isCrowded else { return false }
            contents.paused.append((id, mailbox))
            return true
        }
    }

    /// Has those who wait read again if half of the crowd is gone. On the loop's thread.
    func resumePublishers() {
        guard byteCount.load(ordering: .relaxed) <= Self.crowdedByteCount / 2 else { return }
        let paused = contents.withLock { contents in
            var paused: [(id: ConnectionID, mailbox: Mailbox)] = []
            swap(&paused, &contents.paused)
            return paused
        }
        for publisher in paused {
            publisher.mailbox.post { eventLoop in
                guard let connection = eventLoop.loop.state.slab[publisher.id.slot],
                    connection.id == publisher.id
                else { return }
                connection.resumeAfterCrowd()
            }
        }
    }

    /// The number of filters on the loop has changed. On the loop's thread.
    func setFilterCount(_ count: Int) { filterCount.store(count, ordering: .releasing) }
}

extension Connection {
    /// Stops reading from a peer that publishes while much of what was published before waits: by
    /// that it learns to publish no faster than everybody can be given it.
    func pause(for inbox: TopicInbox) {
        guard receivesFrames, !state.flags.contains(.isPausedByTopics),
            inbox.pause(id, loop.eventLoop.mailbox)
        else { return }
        state.flags.insert(.isPausedByTopics)
        pauseReading()
    }

    func resumeAfterCrowd() {
        guard state.flags.contains(.isPausedByTopics) else { return }
        state.flags.remove(.isPausedByTopics)
        resumeReading()
    }
}
