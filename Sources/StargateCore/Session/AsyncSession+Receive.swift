// Messages on their way to a handler that waits for them. Reading stops while the handler lags, so
// what waits here is bounded; the handler is resumed once for all messages of a read.

extension AsyncSession {
    func received(_ message: Message, on socket: WebSocket) {
        // Those that come after the handler's end are nobody's.
        guard executor != nil, !isOver else { return }
        ring.append(OwnedMessage(copying: message))
        inputArrived()
    }

    /// Something waits for the handler: it is told when the read is over, and reading stops when
    /// the credit is used up.
    func inputArrived() {
        accountInput()
        if ring.count + parts.count >= credit.messageCount
            || ring.byteCount + parts.byteCount >= credit.byteCount
        {
            setPaused(true)
        }
        if unsafe reader != nil, !willResumeReader {
            willResumeReader = true
            executor?.resumeAfterRead(self)
        }
    }

    /// A message that is there already. Reading goes on when half of the credit is free again.
    func takeMessage() -> OwnedMessage? {
        guard !isCancelled, let message = ring.popFirst() else { return nil }
        accountInput()
        resumeReadingIfCaughtUp()
        return message
    }

    /// What waits for the handler, in bytes.
    var waitingByteCount: Int { ring.heldByteCount &+ parts.heldByteCount }

    /// Brings the loop's account up to date.
    func accountInput() {
        guard let executor else { return }
        let byteCount = waitingByteCount
        executor.waitingByteCount &+= byteCount &- accountedByteCount
        accountedByteCount = byteCount
    }

    func resumeReadingIfCaughtUp() {
        guard isPaused, ring.count + parts.count <= credit.messageCount / 2,
            ring.byteCount + parts.byteCount <= credit.byteCount / 2
        else { return }
        setPaused(false)
    }

    /// Waits for a message. Nil when the peer has said goodbye and nothing is left.
    nonisolated(nonsending) func waitForMessage() async throws -> OwnedMessage? {
        precondition(!isStreaming, "messages in parts come from the handler's second argument")
        while true {
            if isCancelled { throw CancellationError() }
            if let message = takeMessage() { return message }
            guard try await waitForInput() else { return nil }
        }
    }

    /// Waits until something has arrived. False when the peer has said goodbye instead.
    nonisolated(nonsending) func waitForInput() async throws -> Bool {
        if let end {
            if end.isNormal { return false }
            throw end
        }
        try Task.checkCancellation()
        precondition(unsafe reader == nil, "one task at a time waits for a socket's messages")
        sentSinceSuspended = 0
        unsafe await withUnsafeContinuation { unsafe reader = $0 }
        return true
    }

    nonisolated(nonsending) func nextFromElsewhere() async throws -> OwnedMessage? {
        try await loopActor?.next(from: Start(session: self))
    }

    /// Lets the waiting handler go on.
    func resumeReader() {
        willResumeReader = false
        guard let waiting = unsafe reader else { return }
        unsafe reader = nil
        unsafe waiting.resume()
    }

    func setPaused(_ pauses: Bool) {
        guard isPaused != pauses else { return }
        isPaused = pauses
        if pauses { socket?.pause() } else { socket?.resume() }
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
            if let message = session.takeMessage() { return message }
            return try await session.waitForMessage()
        }

        /// The next message; nil at the end.
        public nonisolated(nonsending) mutating func next() async throws -> OwnedMessage? {
            guard session.isHere else { return try await session.nextFromElsewhere() }
            if let message = session.takeMessage() { return message }
            return try await session.waitForMessage()
        }
    }
}

@available(*, unavailable)
extension AsyncMessages: Sendable {}
@available(*, unavailable)
extension AsyncMessages.Iterator: Sendable {}
