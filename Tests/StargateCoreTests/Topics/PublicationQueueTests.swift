import Testing

@testable import StargateCore

@Suite("The queue of a slow subscriber")
struct PublicationQueueTests {
    static func publication(_ text: String, key: String? = nil, topic: Topic = "t") -> Publication {
        Publication(PreparedMessage(text: text), to: topic, key: key, except: nil)
    }

    static func texts(_ queue: inout PublicationQueue) -> [String] {
        var texts: [String] = []
        while let next = queue.popFirst() {
            texts.append(String(decoding: next.message.payload, as: UTF8.self))
        }
        return texts
    }

    static let limits = PublicationLimits(countMax: 3, byteCountMax: 10)

    /// Puts one-letter messages into a queue of three.
    private func fill(
        _ policy: SlowConsumerPolicy,
        _ letters: String
    ) -> (
        PublicationQueue, [PublicationQueue.Outcome]
    ) {
        var queue = PublicationQueue()
        let outcomes = letters.map {
            queue.append(
                Self.publication("\($0)"),
                policy,
                isBlocked: true,
                limits: Self.limits
            )
        }
        return (queue, outcomes)
    }

    @Test("close: overflows at the first message too many")
    func close() {
        var (queue, outcomes) = fill(.close, "abcd")
        #expect(outcomes.dropLast().allSatisfy { $0 == .queued(dropped: 0) })
        #expect(outcomes.last == .overflow)
        #expect(Self.texts(&queue) == ["a", "b", "c"])
    }

    @Test("wait: takes one too many from publishers that wait, and overflows else")
    func wait() {
        var (queue, outcomes) = fill(.wait, "abcd")
        #expect(outcomes.last == .overflow)
        let late = queue.append(
            Self.publication("e"),
            .wait,
            isBlocked: true,
            publisherWaits: true,
            limits: Self.limits
        )
        #expect(late == .exceeding)
        #expect(!queue.isHalfEmpty(Self.limits))
        // Nothing that waits is dropped for others.
        let other = queue.append(
            Self.publication("f"),
            .dropOldest,
            isBlocked: true,
            limits: Self.limits
        )
        #expect(other == .dropped(1))
        for _ in 0..<3 { _ = queue.popFirst() }
        #expect(queue.isHalfEmpty(Self.limits))
        #expect(Self.texts(&queue) == ["e"])
    }

    @Test("drop newest: what waits stays")
    func dropNewest() {
        var (queue, outcomes) = fill(.dropNewest, "abcde")
        #expect(outcomes.suffix(2) == [.dropped(1), .dropped(1)])
        #expect(Self.texts(&queue) == ["a", "b", "c"])
    }

    @Test("drop oldest: what is new comes in")
    func dropOldest() {
        var (queue, outcomes) = fill(.dropOldest, "abcde")
        #expect(outcomes.suffix(2) == [.queued(dropped: 1), .queued(dropped: 1)])
        #expect(Self.texts(&queue) == ["c", "d", "e"])
    }

    @Test("bytes are counted too, and a long message may wait alone")
    func bytes() {
        var queue = PublicationQueue()
        let long = Self.publication("0123456789abcdef")
        #expect(
            queue.append(long, .close, isBlocked: true, limits: Self.limits) == .queued(dropped: 0)
        )
        #expect(queue.byteCount == 16)
        #expect(
            queue.append(Self.publication("x"), .dropNewest, isBlocked: true, limits: Self.limits)
                == .dropped(1)
        )
        #expect(
            queue.append(
                Self.publication("12345"),
                .dropOldest,
                isBlocked: true,
                limits: Self.limits
            )
                == .dropped(1)
        )
        #expect(Self.texts(&queue) == ["0123456789abcdef"])
        #expect(queue.byteCount == 0 && queue.isEmpty)
        for text in ["1234", "5678"] {
            _ = queue.append(
                Self.publication(text),
                .dropOldest,
                isBlocked: true,
                limits: Self.limits
            )
        }
        #expect(
            queue.append(
                Self.publication("9999999"),
                .dropOldest,
                isBlocked: true,
                limits: Self.limits
            )
                == .queued(dropped: 2)
        )
        #expect(Self.texts(&queue) == ["9999999"])
    }

    @Test("latest: a newer message takes the place of the older with the same key")
    func latest() {
        var queue = PublicationQueue()
        func add(_ text: String, _ key: String?, blocked: Bool = true) -> PublicationQueue.Outcome {
            queue.append(
                Self.publication(text, key: key),
                .latest,
                isBlocked: blocked,
                limits: Self.limits
            )
        }
        // What came before the peer was slow is found, too.
        #expect(add("a1", "a", blocked: false) == .queued(dropped: 0))
        #expect(add("b1", "b") == .queued(dropped: 0))
        #expect(add("a2", "a") == .conflated(dropped: 0))
        #expect(add("n1", nil) == .queued(dropped: 0))
        #expect(add("a3", "a") == .conflated(dropped: 0))
        #expect(add("n2", nil) == .conflated(dropped: 0))
        #expect(queue.count == 3 && queue.byteCount == 6)
        // Another key when the queue is full: the oldest goes.
        #expect(add("c1", "c") == .queued(dropped: 1))
        #expect(Self.texts(&queue) == ["b1", "n2", "c1"])
        // Without a slow peer nothing is conflated.
        #expect(add("x1", "x", blocked: false) == .queued(dropped: 0))
        #expect(add("x2", "x", blocked: false) == .queued(dropped: 0))
        #expect(add("x3", "x") == .conflated(dropped: 0))
        #expect(Self.texts(&queue) == ["x1", "x3"])
        #expect(add("y1", "y") == .queued(dropped: 0))
        #expect(add("y2y2y2y2y2y2", "y") == .conflated(dropped: 0))
        #expect(add("z", "z") == .queued(dropped: 1))
        #expect(Self.texts(&queue) == ["z"])
    }

    @Test("the same key under two topics is two subjects")
    func subjects() {
        var queue = PublicationQueue()
        for topic: Topic in ["t", "u"] {
            #expect(
                queue.append(
                    Self.publication(topic.name, key: "k", topic: topic),
                    .latest,
                    isBlocked: true,
                    limits: Self.limits
                ) == .queued(dropped: 0)
            )
        }
        #expect(Self.texts(&queue) == ["t", "u"])
    }

    @Test("a topic that may lose nothing loses nothing to one that may")
    func mixed() {
        var queue = PublicationQueue()
        _ = queue.append(Self.publication("a"), .close, isBlocked: true, limits: Self.limits)
        for index in 0..<1000 {
            _ = queue.append(
                Self.publication("\(index)"),
                .dropOldest,
                isBlocked: true,
                limits: Self.limits
            )
        }
        #expect(Self.texts(&queue) == ["a", "998", "999"])
        for text in ["a", "b", "c"] {
            _ = queue.append(Self.publication(text), .close, isBlocked: true, limits: Self.limits)
        }
        #expect(
            queue.append(Self.publication("d"), .dropOldest, isBlocked: true, limits: Self.limits)
                == .dropped(1)
        )
    }

    @Test("random operations agree with a plain list", arguments: [1, 2, 3, 4])
    func model(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let limits = PublicationLimits(countMax: 20, byteCountMax: 60)
        var queue = PublicationQueue()
        var model: [(text: String, key: String, policy: SlowConsumerPolicy)] = []
        // As a loop writes them down: one after the other, and some are not for this queue.
        var page: PublicationPage?
        func place(_ publication: Publication) -> PublicationPlace {
            let delivery = PublicationDelivery(publication: publication, receipt: nil)
            let placed = PlacedRun([delivery], after: page)
            page = placed.pieces[0].page
            return PublicationPlace(page: placed.pieces[0].page, index: placed.pieces[0].index)
        }
        for step in 0..<2000 {
            if Int.random(in: 0..<3, using: &generator) == 0 { _ = place(Self.publication("")) }
            if Int.random(in: 0..<5, using: &generator) == 0 {
                let popped = queue.popFirst().map {
                    String(decoding: $0.message.payload, as: UTF8.self)
                }
                #expect(popped == (model.isEmpty ? nil : model.removeFirst().text))
                continue
            }
            let policies: [SlowConsumerPolicy] = [.dropOldest, .latest, .dropNewest]
            let key = "\(Int.random(in: 0..<8, using: &generator))"
            // A key has one policy here.
            let policy = policies[(Int(key) ?? 0) % 3]
            let text =
                String(repeating: "x", count: Int.random(in: 0...4, using: &generator)) + "\(step)"
            _ = queue.append(
                place(Self.publication(text, key: key)),
                policy,
                isBlocked: true,
                limits: limits
            )
            Self.append(text, key, policy, limits, to: &model)
            #expect(queue.count == model.count)
            #expect(queue.byteCount == model.reduce(0) { $0 + $1.text.utf8.count })
        }
        #expect(Self.texts(&queue) == model.map(\.text))
    }

    @Test("what a thousand wait for takes little of each of them")
    func ownMemory() {
        let limits = PublicationLimits(countMax: 1024, byteCountMax: 1 << 20)
        let deliveries = (0..<1024).map {
            PublicationDelivery(publication: Self.publication("\($0)"), receipt: nil)
        }
        let placed = PlacedRun(deliveries[...], after: nil)
        #expect(placed.pieces.map(\.range.count).reduce(0, +) == 1024)
        #expect(placed.pieces.allSatisfy { $0.page.publications.count <= PublicationPage.countMax })
        var queue = PublicationQueue()
        for piece in placed.pieces {
            for index in piece.page.publications.indices {
                let place = PublicationPlace(page: piece.page, index: index)
                #expect(
                    queue.append(place, .close, isBlocked: true, limits: limits)
                        == .queued(dropped: 0)
                )
            }
        }
        #expect(queue.ownByteCount <= 1024)
        #expect(Self.texts(&queue) == (0..<1024).map { "\($0)" })
    }

    private static func append(
        _ text: String,
        _ key: String,
        _ policy: SlowConsumerPolicy,
        _ limits: PublicationLimits,
        to model: inout [(text: String, key: String, policy: SlowConsumerPolicy)]
    ) {
        func byteCount() -> Int { model.reduce(0) { $0 + $1.text.utf8.count } }
        func dropOldest() -> Bool {
            guard let place = model.firstIndex(where: { $0.policy != .dropNewest }) else {
                return false
            }
            model.remove(at: place)
            return true
        }
        if policy == .latest, let place = model.lastIndex(where: { $0.key == key }) {
            model[place].text = text
            while byteCount() > limits.byteCountMax, model.count > 1, dropOldest() {}
            return
        }
        while !model.isEmpty,
            model.count >= limits.countMax || byteCount() + text.utf8.count > limits.byteCountMax
        {
            guard policy != .dropNewest, dropOldest() else { return }
        }
        model.append((text, key, policy))
    }
}

extension PublicationQueue {
    /// Appends a publication that lies alone on its page.
    fileprivate mutating func append(
        _ publication: Publication,
        _ policy: SlowConsumerPolicy,
        isBlocked: Bool,
        publisherWaits: Bool = false,
        limits: PublicationLimits
    ) -> Outcome {
        let page = PublicationPage()
        page.append(publication)
        return append(
            PublicationPlace(page: page, index: 0),
            policy,
            isBlocked: isBlocked,
            publisherWaits: publisherWaits,
            limits: limits
        )
    }
}
