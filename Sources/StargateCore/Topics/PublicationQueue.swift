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
    /// Publications that lie on one page and came one after the other. Those that may be replaced
    /// have an entry each.
    private struct Entry {
        /// Nil when none of them waits any more.
        private var page: PublicationPage?
        /// The places of those that wait.
        private var places: UInt32
        let policy: SlowConsumerPolicy

        init(_ place: PublicationPlace, _ policy: SlowConsumerPolicy) {
            page = place.page
            places = 1 &<< UInt32(truncatingIfNeeded: place.index)
            self.policy = policy
        }

        var isEmpty: Bool { page == nil }

        var mayBeDropped: Bool { !isEmpty && (policy == .dropOldest || policy == .latest) }

        /// The oldest.
        var first: Publication? { page?.publications[places.trailingZeroBitCount] }

        mutating func removeFirst() {
            places &= places &- 1
            if places == 0 { page = nil }
        }

        /// Takes in a publication that comes right behind, if it lies on the same page.
        mutating func extend(_ place: PublicationPlace, _ policy: SlowConsumerPolicy) -> Bool {
            guard page === place.page, policy == self.policy, policy != .latest else {
                return false
            }
            places |= 1 &<< UInt32(truncatingIfNeeded: place.index)
            return true
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
    /// How many entries from there on are not empty.
    private var entryCount = 0
    private(set) var count = 0
    private(set) var byteCount = 0
    /// Where the latest publication of a subject waits. Made when the peer is blocked and a
    /// publication comes that may take another's place.
    private var places: [Publication.Subject: Int]?

    /// What the queue itself takes of memory, and not what waits in it, which all share.
    var ownByteCount: Int {
        entries.capacity &* MemoryLayout<Entry>.stride
            &+ (places?.capacity ?? 0) &* Self.subjectByteCount
    }

    private static let subjectByteCount =
        MemoryLayout<Publication.Subject>.stride + MemoryLayout<Int>.stride

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
    ///   - place: where the newest lies.
    ///   - policy: that of the subscription it comes by.
    ///   - isBlocked: whether the peer is slow at this moment; else nothing is conflated.
    ///   - publisherWaits: whether the publisher sends no more before there is room.
    ///   - limits: what may wait.
    /// - Returns: what became of it and of others.
    mutating func append(
        _ place: PublicationPlace,
        _ policy: SlowConsumerPolicy,
        isBlocked: Bool,
        publisherWaits: Bool = false,
        limits: PublicationLimits
    ) -> Outcome {
        let publication = place.publication
        if policy == .latest, isBlocked, replace(publication, by: place) {
            return .conflated(dropped: dropOldest(downTo: limits))
        }
        var dropped = 0
        while isFull(for: publication, limits: limits) {
            switch policy {
            case .wait where publisherWaits:
                add(place, publication, policy)
                return .exceeding
            case .close, .wait: return .overflow
            case .dropNewest: return .dropped(1)
            case .dropOldest, .latest:
                guard dropOldest() else { return .dropped(dropped + 1) }
                dropped += 1
            }
        }
        add(place, publication, policy)
        return .queued(dropped: dropped)
    }

    private mutating func add(
        _ place: PublicationPlace,
        _ publication: Publication,
        _ policy: SlowConsumerPolicy
    ) {
        count += 1
        byteCount += publication.message.byteCount
        let last = entries.count - 1
        if last < head || !entries[last].extend(place, policy) {
            entries.append(Entry(place, policy))
            entryCount += 1
        }
        places?[publication.subject] = policy == .latest ? entries.count - 1 : nil
    }

    /// Whether at least half of what may wait would find room.
    func isHalfEmpty(_ limits: PublicationLimits) -> Bool {
        count <= limits.countMax / 2 && byteCount <= limits.byteCountMax / 2
    }

    /// Takes the first publication out.
    mutating func popFirst() -> Publication? {
        while head < entries.count {
            if let publication = removeFirst(of: head) { return publication }
            head += 1
        }
        return nil
    }

    /// Takes the oldest publication out of an entry; nil if it is empty.
    private mutating func removeFirst(of place: Int) -> Publication? {
        guard let publication = entries[place].first else { return nil }
        entries[place].removeFirst()
        count -= 1
        byteCount -= publication.message.byteCount
        if places?[publication.subject] == place { places?[publication.subject] = nil }
        if entries[place].isEmpty {
            entryCount -= 1
            if count == 0 { removeAll() } else { compactIfSparse() }
        }
        return publication
    }

    /// Forgets everything. Returns how many were left.
    @discardableResult
    mutating func removeAll() -> Int {
        let left = count
        entries.removeAll(keepingCapacity: entries.capacity <= Self.keptCapacity)
        head = 0
        entryCount = 0
        count = 0
        byteCount = 0
        places = nil
        return left
    }

    // MARK: Conflation

    /// Puts the publication where the latest one of its subject waits, if one does. It keeps that
    /// place in the order: else what changes often would never be sent, or nothing else would.
    private mutating func replace(_ publication: Publication, by place: PublicationPlace) -> Bool {
        if places == nil { index() }
        guard let position = places?[publication.subject], let before = entries[position].first
        else { return false }
        byteCount += publication.message.byteCount - before.message.byteCount
        entries[position] = Entry(place, .latest)
        return true
    }

    private mutating func index() {
        var places: [Publication.Subject: Int] = [:]
        for place in head..<entries.count where entries[place].policy == .latest {
            if let publication = entries[place].first { places[publication.subject] = place }
        }
        self.places = places
    }

    // MARK: Dropping

    /// Drops the oldest publication that may be. Returns false if there is none.
    private mutating func dropOldest() -> Bool {
        guard let place = entries[head...].firstIndex(where: \.mayBeDropped) else { return false }
        return removeFirst(of: place) != nil
    }

    private mutating func dropOldest(downTo limits: PublicationLimits) -> Int {
        var dropped = 0
        while count > 1, byteCount > limits.byteCountMax, dropOldest() { dropped += 1 }
        return dropped
    }

    /// Closes the gaps when there are more of them than entries.
    private mutating func compactIfSparse() {
        guard entries.count > 2 * entryCount + 32 else { return }
        entries = entries[head...].filter { !$0.isEmpty }
        head = 0
        if places != nil { index() }
    }
}
