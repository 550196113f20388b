// Messages on their way to a handler that waits for them. Reading stops while the handler lags, so
// what waits here is bounded; the handler is resumed once for all messages of a read.

extension AsyncSession {
    func received(_ message: Message, on socket: WebSocket) {
        // Those that come after the handler's end are nobody's.
        guard !state.isOver else { return }
        state.ring.append(OwnedMessage(copying: message))
        inputArrived()
    }

    /// Something waits for the handler: it is told when the read is over, and reading stops when
    /// the credit is used up.
    @inline(__always)
    func inputArrived() {
        accountInput()
        if state.ring.count &+ state.parts.count >= credit.messageCount
            || state.ring.byteCount &+ state.parts.byteCount >= credit.byteCount
        {
            setPaused(true)
        }
        if state.reader != nil, !state.willResumeReader {
            state.willResumeReader = true
            withExecutor { $0.resumeAfterRead(self) }
        }
    }

    /// A message that is there already. Reading goes on when half of the credit is free again.
    @inline(__always)
    func takeMessage() -> OwnedMessage? {
        guard !state.isCancelled, let message = state.ring.popFirst() else { return nil }
        accountInput()
        if state.isPaused { resumeReadingIfCaughtUp() }
        return message
    }

    /// What waits for the handler, in bytes.
    @inline(__always)
    var waitingByteCount: Int { state.ring.heldByteCount &+ state.parts.heldByteCount }

    /// Brings the loop's account up to date.
    @inline(__always)
    func accountInput() {
        let byteCount = waitingByteCount
        let difference = byteCount &- state.accountedByteCount
        withExecutor { $0.state.waitingByteCount &+= difference }
        state.accountedByteCount = byteCount
    }

    func resumeReadingIfCaughtUp() {
        guard state.isPaused,
            state.ring.count + state.parts.count <= credit.messageCount / 2,
            state.ring.byteCount + state.parts.byteCount <= credit.byteCount / 2
        else { return }
        setPaused(false)
    }

    /// Waits for a message. Nil when the peer has said goodbye and nothing is left.
    nonisolated(nonsending) func waitForMessage() async throws -> OwnedMessage? {
        while true {
            if let message = takeMessage() { return message }
            guard try await waitForInput() else { return nil }
        }
    }

    /// Waits until something has arrived. False when the peer has said goodbye instead.
    nonisolated(nonsending) func waitForInput() async throws -> Bool {
        guard try canWaitForInput() else { return false }
        await park(.input)
        return true
    }

    /// Whether there is something to wait for: false when the peer has said goodbye.
    ///
    /// Only the session cancels the handler's task, and says so in its state.
    func canWaitForInput() throws -> Bool {
        if state.isCancelled { throw CancellationError() }
        if let end = state.end {
            if end.isNormal { return false }
            throw end
        }
        precondition(state.reader == nil, "one task at a time waits for a socket's messages")
        state.sentSinceSuspended = 0
        return true
    }

    nonisolated(nonsending) func nextFromElsewhere() async throws -> OwnedMessage? {
        try await loopActor?.next(from: Start(session: self))
    }

    /// The parking lot for a handler that is to wait for a message; nil when there is none to come.
    @inline(__always)
    func willParkForMessage() throws -> ParkingLot? {
        precondition(!isStreaming, "messages in parts come from the handler's second argument")
        guard try canWaitForInput() else { return nil }
        return willPark(.input)
    }

    /// Takes the waiting handler's task, to let it go on.
    @inline(__always)
    func takeReader() -> UnownedJob? {
        state.willResumeReader = false
        return state.reader.take()
    }

    /// Has the waiting handler go on soon.
    func resumeReader() {
        guard let job = takeReader() else { return }
        executor?.add(job)
    }

    func setPaused(_ pauses: Bool) {
        guard state.isPaused != pauses else { return }
        state.isPaused = pauses
        if pauses { state.socket?.pause() } else { state.socket?.resume() }
    }
}

/// The messages of a connection, in order, as they arrive.
///
/// Ends when the peer closes the connection with 1000, 1001 or no code. Throws
/// ``WebSocketClosed`` when it ends in another way, after the last message that had arrived, and
/// `CancellationError` when the handler is to end because the server is.
public struct AsyncMessages: AsyncSequence {
    let session: AsyncSession

    /// An iterator; all iterators of a socket take from the same messages.
    public func makeAsyncIterator() -> Iterator { Iterator(session: session) }

    /// Takes one message after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let session: AsyncSession

        /// The next message; nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws -> OwnedMessage? {
            guard session.isHere else { return try await session.nextFromElsewhere() }
            while true {
                if let message = session.takeMessage() { return message }
                guard let lot = try session.willParkForMessage() else { return nil }
                await lot.park()
                session.checkParked()
            }
        }

        /// The next message; nil at the end.
        public nonisolated(nonsending) mutating func next() async throws -> OwnedMessage? {
            guard session.isHere else { return try await session.nextFromElsewhere() }
            while true {
                if let message = session.takeMessage() { return message }
                guard let lot = try session.willParkForMessage() else { return nil }
                await lot.park()
                session.checkParked()
            }
        }
    }
}

@available(*, unavailable)
extension AsyncMessages: Sendable {}
@available(*, unavailable)
extension AsyncMessages.Iterator: Sendable {}
