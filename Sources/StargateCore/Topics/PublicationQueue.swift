// Where a connection's publications wait, message by message, until its queue of bytes is empty.
// All that a policy does is done here, because here a message can still be taken back whole.

/// What may wait for one connection.
struct PublicationLimits {
    var countMax = 1024
    /// The sum of payloads, in bytes; a single message may be longer when nothing waits before it.
    var byteCountMax = 1 << 20
}

/// The publications that wait for one connection, in the order in which they will be sent.
struct PublicationQueue {
    private struct Entry {
        /// Nil where one was taken out of the middle.
        var publication: Publication?
        let policy: SlowConsumerPolicy

        var mayBeDropped: Bool {
            publication != nil && (policy == .dropOldest || policy == .latest)
        }
    }

    /// What became of a publication.
    enum Outcome: Equatable {
        /// It waits now; so many that waited do not any more.
        case queued(dropped: Int)
        /// It took the place of an earlier one with the same subject; so many more were dropped,
        /// because it is longer.
        case conflated(dropped: Int)
        /// So many were dropped, this one among them: what waits may not be dropped for it.
        case dropped(Int)
        /// It waits although the queue is full: its publisher waits until there is room again.
        case exceeding
        /// The queue is full, and that ends the connection.
        case overflow
    }

    private static let keptCapacity = 64

    private var entries: [Entry] = []
    private var head = 0
    private(set) var count = 0
    private(set) var byteCount = 0
    /// Where the latest publication of a subject waits. Made when the peer is blocked and a
    /// publication comes that may take another's place.
    private var places: [Publication.Subject: Int]?

    var isEmpty: Bool { count == 0 }

    /// Whether a publication would have to wait for room.
    func isFull(for publication: Publication, limits: PublicationLimits) -> Bool {
        guard count > 0 else { return false }
        return count >= limits.countMax
            || byteCount + publication.message.byteCount > limits.byteCountMax
    }

    /// Adds a publication by the rules of its policy.
    ///
    /// - Parameters:
    ///   - publication: the newest.
    ///   - policy: that of the subscription it comes by.
    ///   - isBlocked: whether the peer is slow at this moment; else nothing is conflated.
    ///   - publisherWaits: whether the publisher sends no more before there is room.
    ///   - limits: what may wait.
    /// - Returns: what became of it and of others.
    mutating func append(
        _ publication: Publication,
        _ policy: SlowConsumerPolicy,
        isBlocked: Bool,
        publisherWaits: Bool = false,
        limits: PublicationLimits
    ) -> Outcome {
        if policy == .latest, isBlocked, replace(publication) {
            return .conflated(dropped: dropOldest(downTo: limits))
        }
        var dropped = 0
        while isFull(for: publication, limits: limits) {
            switch policy {
            case .wait where publisherWaits:
                add(publication, policy)
                return .exceeding
            case .close, .wait: return .overflow
            case .dropNewest: return .dropped(1)
            case .dropOldest, .latest:
                guard dropOldest() else { return .dropped(dropped + 1) }
                dropped += 1
            }
        }
        add(publication, policy)
        return .queued(dropped: dropped)
    }

    private mutating func add(_ publication: Publication, _ policy: SlowConsumerPolicy) {
        entries.append(Entry(publication: publication, policy: policy))
        count += 1
        byteCount += publication.message.byteCount
        places?[publication.subject] = policy == .latest ? entries.count - 1 : nil
    }

    /// Whether at least half of what may wait would find room.
    func isHalfEmpty(_ limits: PublicationLimits) -> Bool {
        count <= limits.countMax / 2 && byteCount <= limits.byteCountMax / 2
    }

    /// Takes the first publication out.
    mutating func popFirst() -> Publication? {
        while head < entries.count {
            let publication = entries[head].publication
            entries[head].publication = nil
            head += 1
            guard let publication else { continue }
            forget(publication, at: head - 1)
            if count == 0 { removeAll() } else { compactIfSparse() }
            return publication
        }
        return nil
    }

    /// Forgets everything. Returns how many were left.
    @discardableResult
    mutating func removeAll() -> Int {
        let left = count
        entries.removeAll(keepingCapacity: entries.capacity <= Self.keptCapacity)
        head = 0
        count = 0
        byteCount = 0
        places = nil
        return left
    }

    // MARK: Conflation

    /// Puts the publication where the latest one of its subject waits, if one does. It keeps that
    /// place in the order: else what changes often would never be sent, or nothing else would.
    private mutating func replace(_ publication: Publication) -> Bool {
        if places == nil { index() }
        guard let place = places?[publication.subject], let before = entries[place].publication
        else { return false }
        entries[place].publication = publication
        byteCount += publication.message.byteCount - before.message.byteCount
        return true
    }

    private mutating func index() {
        var places: [Publication.Subject: Int] = [:]
        for place in head..<entries.count where entries[place].policy == .latest {
            if let publication = entries[place].publication { places[publication.subject] = place }
        }
        self.places = places
    }

    // MARK: Dropping

    /// Drops the oldest publication that may be. Returns false if there is none.
    private mutating func dropOldest() -> Bool {
        guard let place = entries[head...].firstIndex(where: \.mayBeDropped),
            let publication = entries[place].publication
        else { return false }
        entries[place].publication = nil
        forget(publication, at: place)
        compactIfSparse()
        return true
    }

    private mutating func dropOldest(downTo limits: PublicationLimits) -> Int {
        var dropped = 0
        while count > 1, byteCount > limits.byteCountMax, dropOldest() { dropped += 1 }
        return dropped
    }

    private mutating func forget(_ publication: Publication, at place: Int) {
        count -= 1
        byteCount -= publication.message.byteCount
        if places?[publication.subject] == place { places?[publication.subject] = nil }
    }

    /// Closes the gaps when there are more of them than publications.
    private mutating func compactIfSparse() {
        guard entries.count > 2 * count + 32 else { return }
        entries = entries[head...].filter { $0.publication != nil }
        head = 0
        if places != nil { index() }
    }
}
