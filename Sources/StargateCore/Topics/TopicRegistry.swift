// What the loops of a server have in common about topics. Messages pass it without waiting for
// anybody but the one who appends to the same inbox at the same time.

internal import Synchronization

/// What happens to those who do not keep up with some topics.
struct TopicRule: Sendable {
    let filter: TopicFilter
    let policy: SlowConsumerPolicy
}

/// The topics of a server, across its loops.
final class TopicRegistry: Sendable {
    typealias Observer = @Sendable (TopicFilter) -> Void

    private struct State {
        var inboxes: [TopicInbox] = []
        /// The first loop, where the observers are called.
        var observerMailbox: Mailbox?
        var first: Observer?
        var last: Observer?
        /// In the order in which they were added.
        var rules: [TopicRule] = []
        /// On how many loops a filter has subscribers.
        var loopCounts: [TopicFilter: Int] = [:]
    }

    private let state = Lock(State())
    /// What was published and somebody still holds.
    let frames = FrameAccount()

    /// Under which key loops keep their ``TopicTable``.
    var tableKey: ObjectIdentifier { ObjectIdentifier(self) }

    func start(_ mailboxes: [Mailbox]) {
        let inboxes = mailboxes.map { TopicInbox($0, tableKey: tableKey) }
        state.withLock { state in
            state.inboxes = inboxes
            state.observerMailbox = mailboxes.first
        }
    }

    /// The loops have ended: nothing is published any more.
    func stop() {
        state.withLock { state in
            state.inboxes = []
            state.observerMailbox = nil
        }
    }

    /// The rules for slow subscribers, which are made before the server is started.
    var rules: [TopicRule] { state.withLock { $0.rules } }

    func addRule(_ rule: TopicRule) { state.withLock { $0.rules.append(rule) } }

    /// The inbox of a loop of the server.
    func inbox(of eventLoop: EventLoop) -> TopicInbox? {
        state.withLock { state in
            state.inboxes.indices.contains(eventLoop.index) ? state.inboxes[eventLoop.index] : nil
        }
    }

    /// Gives a publication to all loops. Returns whether all of them took it.
    func publish(_ publication: Publication, _ receipt: PublicationReceipt? = nil) -> Bool {
        give(publication, receipt, to: state.withLock { $0.inboxes })
    }

    /// Gives a publication of a peer's to all loops: it is not read from while one is far behind.
    func publish(_ publication: Publication, by publisher: Connection) -> Bool {
        let inboxes = state.withLock { $0.inboxes }
        let isTaken = give(publication, nil, to: inboxes)
        if let crowded = inboxes.first(where: \.isCrowded) { publisher.pause(for: crowded) }
        return isTaken
    }

    private func give(
        _ publication: Publication,
        _ receipt: PublicationReceipt?,
        to inboxes: [TopicInbox]
    ) -> Bool {
        publication.message.plain.charge(to: frames)
        var isTaken = !inboxes.isEmpty
        for inbox in inboxes where !inbox.append(publication, receipt) { isTaken = false }
        return isTaken
    }

    // MARK: First and last subscribers

    func observe(first: Observer?, last: Observer?) {
        state.withLock { state in
            state.first = first
            state.last = last
        }
    }

    /// A loop has its first subscriber with a filter.
    func appeared(_ filter: TopicFilter) {
        state.withLock { state in
            state.loopCounts[filter, default: 0] += 1
            guard state.loopCounts[filter] == 1, let first = state.first else { return }
            // Posted under the lock, so that the calls come in the order of the events.
            state.observerMailbox?.post { _ in first(filter) }
        }
    }

    /// A loop has lost its last subscriber with a filter.
    func vanished(_ filter: TopicFilter) {
        state.withLock { state in
            let left = (state.loopCounts[filter] ?? 0) - 1
            state.loopCounts[filter] = left > 0 ? left : nil
            guard left == 0, let last = state.last else { return }
            state.observerMailbox?.post { _ in last(filter) }
        }
    }
}
