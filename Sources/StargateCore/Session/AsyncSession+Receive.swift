// Messages on their way to a handler that waits for them. Reading stops while the handler lags, so
// what waits here is bounded; the handler is resumed once for all messages of a read.

extension AsyncSession {
    @usableFromInline
    func received(_ message: Message, on socket: WebSocket) {
        // Those that come after the handler's end are nobody's.
        guard !state.isOver else { return }
        let message = copy(message)
        let byteCount = message.byteCount
        state.ring.append(message, byteCount)
        account(byteCount &+ WaitingRing<OwnedMessage>.elementByteCount)
        inputArrived(state.ring.count, state.ring.byteCount)
    }

    /// A short message is copied into an array that was used before.
    @inline(__always)
    private func copy(_ message: Message) -> OwnedMessage {
        guard case .binary(let bytes) = message, ArrayPool.suits(bytes.byteCount),
            let loop = unsafe state.loop
        else { return OwnedMessage(copying: message) }
        return unsafe .binary(loop.pointee.arrays.copy(bytes))
    }

    /// Something waits for the handler: it goes on when the read is over, once for however many
    /// messages that brings. Reading stops when the credit is used up.
    @inline(__always)
    func inputArrived(_ count: Int, _ byteCount: Int) {
        if count >= credit.messageCount || byteCount >= credit.byteCount { setPaused(true) }
        guard let job = state.reader.take() else { return }
        withExecutor { $0.addHere(job) }
    }

    /// A message that is there already. Reading goes on when half of the credit is free again.
    @inline(__always)
    func takeMessage() -> OwnedMessage? {
        guard !state.isCancelled, let message = state.ring.popFirst() else { return nil }
        account(0 &- message.byteCount &- WaitingRing<OwnedMessage>.elementByteCount)
        if state.isPaused { resumeReadingIfCaughtUp() }
        return message
    }

    /// So much more waits for the handler, on the loop's account.
    @inline(__always)
    private func account(_ byteCount: Int) {
        unsafe state.loop?.pointee.waitingByteCount &+= byteCount
        state.accountedByteCount &+= byteCount
    }

    /// What waits for the handler, in bytes.
    var waitingByteCount: Int { state.ring.heldByteCount &+ state.parts.heldByteCount }

    /// Brings the loop's account up to date with what waits for the handler.
    func accountInput() {
        account(waitingByteCount &- state.accountedByteCount)
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

    @usableFromInline
    nonisolated(nonsending) func nextFromElsewhere() async throws -> OwnedMessage? {
        try await loopActor?.next(from: Start(session: self))
    }

    /// How a handler comes by its next message.
    @usableFromInline
    enum NextStep {
        /// It is there already.
        case message(OwnedMessage)
        /// The task has to be parked for it.
        case wait
        /// The task runs on an executor of its own choice.
        case elsewhere
        /// There is none any more.
        case end
    }

    @usableFromInline
    func nextStep() throws -> NextStep {
        guard isHere else { return .elsewhere }
        if let message = takeMessage() { return .message(message) }
        precondition(!isStreaming, "messages in parts come from the handler's second argument")
        guard try canWaitForInput() else { return .end }
        state.parking = .input
        return .wait
    }

    /// The message for which a handler was parked, or the end: nothing else wakes it.
    func takeAwaited() throws -> OwnedMessage? {
        checkParked()
        if let message = takeMessage() { return message }
        let isWokenForNothing = try canWaitForInput()
        precondition(!isWokenForNothing, "a handler was woken, and there is nothing for it")
        return nil
    }

    /// Has the waiting handler go on soon, if it waits.
    func resumeReader() {
        guard let job = state.reader.take() else { return }
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
    @usableFromInline let session: AsyncSession

    /// An iterator; all iterators of a socket take from the same messages.
    public func makeAsyncIterator() -> Iterator { Iterator(session: session) }

    /// Takes one message after the other.
    ///
    /// Inlined into the handler, and run where the caller is: an `isolated` parameter, which the
    /// protocol would also be content with, has the loop hop twice for each message, a tenth of what
    /// an echo costs.
    public struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let session: AsyncSession

        /// The next message; nil at the end.
        @inlinable
        public nonisolated(nonsending) mutating func next(
            isolation actor: (any Actor)?
        ) async throws -> OwnedMessage? {
            switch try session.nextStep() {
            case .message(let message): return message
            case .wait: return try await session.lot.next()
            case .elsewhere: return try await session.nextFromElsewhere()
            case .end: return nil
            }
        }

        /// The next message; nil at the end.
        @inlinable
        public nonisolated(nonsending) mutating func next() async throws -> OwnedMessage? {
            switch try session.nextStep() {
            case .message(let message): return message
            case .wait: return try await session.lot.next()
            case .elsewhere: return try await session.nextFromElsewhere()
            case .end: return nil
            }
        }
    }
}

@available(*, unavailable)
extension AsyncMessages: Sendable {}
@available(*, unavailable)
extension AsyncMessages.Iterator: Sendable {}
