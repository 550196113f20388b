// The way of a publication from any thread into a loop: it is appended here, and the loop is woken
// once for all that come until it looks.

internal import Synchronization

/// What was published and one loop has not looked at yet.
final class TopicInbox: Sendable {
    /// What may wait for a loop that is busy, in bytes: far more than a burst, far less than memory.
    static let byteCountMax = 64 << 20

    private struct Contents {
        var deliveries: [PublicationDelivery] = []
        var byteCount = 0
        var droppedCount = 0
        var isPosted = false
    }

    /// Under which key the loop keeps its table.
    private let tableKey: ObjectIdentifier
    private let mailbox: Mailbox
    private let contents = Lock(Contents())
    /// How many filters have subscribers on the loop: without any it is not even woken.
    private let filterCount = Atomic<Int>(0)

    init(_ mailbox: Mailbox, tableKey: ObjectIdentifier) {
        self.mailbox = mailbox
        self.tableKey = tableKey
    }

    /// Adds a publication. Returns false if it was dropped because too much waits already.
    func append(_ publication: Publication, _ receipt: PublicationReceipt?) -> Bool {
        guard filterCount.load(ordering: .acquiring) > 0 else { return true }
        let (isTaken, isFirst) = contents.withLock { contents in
            guard contents.byteCount + publication.cost <= Self.byteCountMax else {
                contents.droppedCount += 1
                return (false, false)
            }
            contents.deliveries.append(
                PublicationDelivery(publication: publication, receipt: receipt)
            )
            contents.byteCount += publication.cost
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
        if !isPosted { _ = takeAll() }
    }

    /// Takes everything, and the count of what had to be dropped. On the loop's thread.
    func takeAll() -> (deliveries: [PublicationDelivery], droppedCount: Int) {
        contents.withLock { contents in
            var taken: [PublicationDelivery] = []
            swap(&taken, &contents.deliveries)
            let droppedCount = contents.droppedCount
            contents = Contents()
            return (taken, droppedCount)
        }
    }

    /// The number of filters on the loop has changed. On the loop's thread.
    func setFilterCount(_ count: Int) { filterCount.store(count, ordering: .releasing) }
}
