// The last steps of a publication: it waits in the connection's own queue until the loop comes to
// the connection, then as much as the kernel takes leaves in one write per connection and turn.
// While the kernel refuses, publications stay messages, which can be dropped or replaced whole.

extension Connection {
    /// So many bytes are gathered for one write: few enough that publications, which a policy
    /// keeps in bounds, do not count as the backlog that ends a connection.
    private var publicationBatchByteCount: Int {
        min(CorkBuffer.capacity, limits.outputSoftLimit / 2)
    }

    // MARK: From the table

    /// Takes a publication for this subscriber. Calls nothing of the application's.
    func deliver(
        _ place: PublicationPlace,
        _ receipt: PublicationReceipt?,
        _ policy: SlowConsumerPolicy,
        _ subscriptions: Subscriptions,
        _ limits: PublicationLimits
    ) {
        guard state.phase == .open, !subscriptions.hasOverflown else { return }
        // What only waits for the end of this turn is offered to the kernel first.
        if !state.flags.contains(.isBlocked),
            subscriptions.queue.isFull(for: place.publication, limits: limits)
        {
            writePublications(subscriptions)
            guard state.phase == .open else { return }
        }
        let isBlocked = !state.flags.isDisjoint(with: [.isBlocked, .sendsFragments])
        defer { accountQueue(subscriptions) }
        let outcome = subscriptions.queue.append(
            place,
            policy,
            isBlocked: isBlocked,
            publisherWaits: receipt != nil,
            limits: limits
        )
        switch outcome {
        case .queued(let dropped):
            if dropped > 0 { countDropped(dropped, policy, subscriptions) }
        case .conflated(let dropped):
            loop.state.counters[Counter.publicationsConflated] &+= 1
            countDropped(1 + dropped, policy, subscriptions)
        case .dropped(let dropped):
            countDropped(dropped, policy, subscriptions)
        case .exceeding:
            if let receipt { hold(receipt, subscriptions) }
        case .overflow:
            subscriptions.hasOverflown = true
            subscriptions.letPublishersGo()
            countDropped(1 + subscriptions.queue.removeAll(), policy, subscriptions)
        }
        if !isBlocked { askForAttention() }
    }

    /// Brings the loop's account up to date with what a queue itself takes.
    private func accountQueue(_ subscriptions: Subscriptions) {
        let byteCount = subscriptions.queue.ownByteCount
        loop.state.memory.publications &+= byteCount &- subscriptions.accountedByteCount
        subscriptions.accountedByteCount = byteCount
    }

    private func countDropped(
        _ count: Int,
        _ policy: SlowConsumerPolicy,
        _ subscriptions: Subscriptions
    ) {
        loop.state.counters[DropReason(policy)] &+= UInt64(truncatingIfNeeded: count)
        loop.state.counters[Counter.publicationsDropped] &+= UInt64(truncatingIfNeeded: count)
        subscriptions.unreportedDropCount += count
        askForAttention()
    }

    // MARK: When the loop comes to the connection

    /// Ends a connection that could not keep up, or tells its handler what it did not get.
    func attendPublications(_ subscriptions: Subscriptions) {
        guard state.phase == .open else { return }
        let dropped = subscriptions.unreportedDropCount
        if dropped > 0 {
            subscriptions.unreportedDropCount = 0
            state.handler?.dropped(dropped, on: WebSocket(self))
        }
        if subscriptions.hasOverflown {
            // Fails, unless the handler has closed it just now.
            if state.phase == .open {
                fail(.tryAgainLater, "messages came faster than they were read")
            }
        } else if subscriptions.entries.isEmpty, subscriptions.queue.isEmpty {
            forget(subscriptions)
        }
    }

    /// Writes what waits, as far as the kernel takes it.
    func writePublications(_ subscriptions: Subscriptions) {
        guard state.phase == .open, !subscriptions.queue.isEmpty,
            !state.flags.contains(.sendsFragments)
        else { return }
        defer {
            letPublishersGoIfCaughtUp(subscriptions)
            accountQueue(subscriptions)
        }
        // What was sent before leaves before.
        if state.flags.contains(.isCorked) { flushCork() }
        let batchByteCount = max(1, publicationBatchByteCount)
        while state.flags.isDisjoint(with: [.isBlocked, .isCondemned]) {
            // A peer that reads slowly still gets its pong before more of what is published.
            if let outbound = state.outbound { answerLatestPing(outbound) }
            while state.outbound?.queue.byteCount ?? 0 < batchByteCount,
                state.flags.isDisjoint(with: [.isBlocked, .isCondemned]),
                let publication = subscriptions.queue.popFirst()
            {
                encode(publication.message, subscriptions)
            }
            guard let outbound = state.outbound, !outbound.queue.isEmpty else { return }
            if !state.flags.contains(.isBlocked) { writeQueue(outbound) }
        }
    }

    /// A closing handshake begins: what was published before goes before, if the peer reads.
    func finishPublications() {
        guard let subscriptions = state.subscriptions, !subscriptions.queue.isEmpty else { return }
        writePublications(subscriptions)
        subscriptions.letPublishersGo()
        let left = subscriptions.queue.removeAll()
        if left > 0 { countDropped(left, .close, subscriptions) }
    }

    /// The connection is over for the application: nothing is published to it any more.
    func leaveTopics() {
        guard let subscriptions = state.subscriptions else { return }
        topics?.leave(subscriptions)
        subscriptions.letPublishersGo()
        forget(subscriptions)
    }

    private func forget(_ subscriptions: Subscriptions) {
        loop.state.memory.publications &-= subscriptions.accountedByteCount
        state.subscriptions = nil
    }

    /// The topics of the server that this connection belongs to; none for a client's.
    var topics: TopicTable? { withContext { $0.owner?.topicTable } ?? nil }

    /// Has the server account for a frame that it now shares, too.
    func charge(_ frame: EncodedFrame) {
        guard !frame.isCharged, let account = topics?.registry.frames else { return }
        frame.charge(to: account)
    }

    // MARK: Encoding

    /// Puts a message behind what the connection has to write.
    private func encode(_ message: PreparedMessage, _ subscriptions: Subscriptions) {
        switch message.encoding(for: self) {
        case .shared(let frame):
            outboundQueue().queue.append(frame, pool: &loop.state.buffers)
            loop.state.counters[Counter.messagesSent] &+= 1
        case .individual:
            sendPromised(message)
        case .unsupported:
            countDropped(1, .dropNewest, subscriptions)
        }
    }

    /// Compresses a message with this connection's own context; its room was counted before.
    private func sendPromised(_ message: PreparedMessage) {
        let firstByte = 0x80 | message.opcode.rawValue
        let isSent: Void? = unsafe state.compression?.withCompressed(message.payload) {
            unsafe sendFrame(firstByte | 0x40, $0, isPromised: true)
        }
        accountCompression()
        if isSent == nil { unsafe sendFrame(firstByte, message.payload, isPromised: true) }
        loop.state.counters[Counter.messagesSent] &+= 1
    }

    /// Sends a prepared message as the application's own.
    func send(_ message: PreparedMessage) -> SendResult {
        switch message.encoding(for: self) {
        case .unsupported: return .unsupported
        case .individual:
            return unsafe sendMessage(message.opcode, message.payload, mayCompress: true)
        case .shared(let frame):
            let result = sendShared(frame)
            switch result {
            case .sent, .queued: loop.state.counters[Counter.messagesSent] &+= 1
            case .dropped, .unfinished: loop.state.counters[Counter.messagesDropped] &+= 1
            case .unsupported: break
            }
            return result
        }
    }

    private func sendShared(_ frame: EncodedFrame) -> SendResult {
        guard state.phase == .open else { return .dropped }
        if sendsFragments { return .unfinished }
        if state.flags.contains(.isCorked) {
            if state.outbound == nil, frame.count <= loop.state.cork.available,
                frame.count < OutboundQueue.referenceByteCountMin,
                let source = unsafe frame.bytes.baseAddress
            {
                unsafe loop.state.cork.end.copyMemory(from: source, byteCount: frame.count)
                loop.state.cork.commit(frame.count)
                return .sent
            }
            flushCork()
        }
        guard !state.flags.contains(.isCondemned), hasRoom(for: frame.count) else {
            return .dropped
        }
        charge(frame)
        outboundQueue().queue.append(frame, pool: &loop.state.buffers)
        checkSoftLimit()
        return sendResultAfterQueueing()
    }
}
