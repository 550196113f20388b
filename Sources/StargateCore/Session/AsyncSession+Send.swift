// What a handler sends. While the peer reads, sending costs what it costs a callback; when more is
// buffered than the soft limit, the handler waits until the kernel has taken it.

/// A message that is being sent fragment by fragment.
struct FragmentStream {
    let opcode: Opcode
    let compress: Bool
    var hasBegun = false
    /// The whole message, for the drafts that have no fragments.
    var collected: [UInt8] = []
}

extension AsyncSession {
    /// A handler that never has to wait lets others have their turn after so many bytes.
    private static var byteCountPerTurn: Int { 256 << 10 }

    @usableFromInline
    func drained(_ socket: WebSocket) {
        resumeWriters()
    }

    func resumeWriters() {
        guard !state.writers.isEmpty, let executor else { return }
        let waiting = state.writers
        state.writers = []
        for job in waiting { executor.add(job) }
    }

    /// Sends a message if that can be done at once, without the cost of an asynchronous call. False
    /// when the task has to wait, or to let others have their turn.
    @usableFromInline
    func sendNow(_ message: OwnedMessage, compress: Bool) throws -> Bool {
        guard isHere, state.stream == nil, state.sentSinceSuspended <= Self.byteCountPerTurn else {
            return false
        }
        guard case .binary(let bytes) = message, let connection = state.socket?.current,
            connection.takesAtOnce(bytes.count)
        else { return try sendNowIfRoom(message, compress: compress) }
        state.sentSinceSuspended &+= bytes.count
        let result = unsafe bytes.withUnsafeBytes {
            unsafe connection.sendMessage(.binary, $0, mayCompress: compress)
        }
        if result != .sent { try check(result) }
        return true
    }

    /// The same for a message about which more has to be asked.
    @inline(never)
    private func sendNowIfRoom(_ message: OwnedMessage, compress: Bool) throws -> Bool {
        let byteCount = message.byteCount
        guard !needsToWait(byteCount) else { return false }
        state.sentSinceSuspended &+= byteCount
        try check(put(message, compress: compress))
        return true
    }

    @inline(__always)
    private func put(_ message: OwnedMessage, compress: Bool) throws -> SendResult {
        guard let socket = state.socket else { throw closedError }
        return switch message {
        case .text(let text): socket.send(text, compress: compress)
        case .binary(let bytes): unsafe socket.send(bytes.span.bytes, compress: compress)
        }
    }

    /// Sends a message when there is room for it.
    @usableFromInline
    nonisolated(nonsending) func send(_ message: OwnedMessage, compress: Bool) async throws {
        guard isHere else {
            try await loopActor?.send(message, compress: compress, on: Start(session: self))
            return
        }
        let byteCount = message.byteCount
        while state.stream != nil { try await waitForWritable() }
        if needsToWait(byteCount) { try await waitForRoom(byteCount) }
        try check(put(message, compress: compress))
        await yieldIfLong(byteCount)
    }

    @inline(never)
    func check(_ result: SendResult) throws {
        switch result {
        case .sent, .queued: break
        case .dropped: throw closedError
        case .unsupported: throw WebSocketClosed(code: .unsupportedData, reason: "text only")
        case .unfinished:
            // Begun by the handle for callbacks, which alone can end it.
            let reason = "another message is being sent in fragments"
            throw WebSocketClosed(code: .noStatusReceived, reason: reason)
        }
    }

    /// Why nothing can be sent: the end, or that this endpoint has begun to close.
    var closedError: WebSocketClosed {
        end ?? WebSocketClosed(code: .noStatusReceived, reason: "the connection is being closed")
    }

    nonisolated(nonsending) func yieldIfLong(_ byteCount: Int) async {
        state.sentSinceSuspended += byteCount
        guard state.sentSinceSuspended > Self.byteCountPerTurn else { return }
        state.sentSinceSuspended = 0
        await park(.turn)
    }

    // MARK: Waiting

    /// Whether more than the soft limit is buffered, or the message would not fit beside it.
    func needsToWait(_ byteCount: Int) -> Bool {
        guard let current = state.socket?.current else { return false }
        let buffered = current.bufferedAmount
        // What surely fits is not looked at closely.
        guard buffered > 0, buffered + byteCount > current.outputSoftLimit else { return false }
        let limits = current.limits
        return buffered > limits.outputSoftLimit
            || byteCount > limits.outputHardLimit - Swift.min(buffered, limits.outputHardLimit)
    }

    nonisolated(nonsending) func waitForRoom(_ byteCount: Int) async throws {
        // What only waits for the end of this turn is offered to the kernel first.
        socket?.current?.offerBuffered()
        while needsToWait(byteCount) {
            guard socket?.current?.promiseDrained() == true else { break }
            try await waitForWritable()
        }
    }

    /// Waits until something has changed: the queue was drained, the connection ended, or the task
    /// was cancelled.
    ///
    /// Who cancels the task resumes those who wait: the session for its handler, and
    /// ``WebSocketSender`` for others. A cancellation handler around this would not stay on the loop
    /// with a task that prefers another executor.
    nonisolated(nonsending) func waitForWritable() async throws {
        if let end { throw end }
        try Task.checkCancellation()
        state.sentSinceSuspended = 0
        await park(.room)
        if let end { throw end }
        try Task.checkCancellation()
    }
}

extension Connection {
    /// Whether a message goes into the cork while nothing else is buffered, and there is room: then
    /// its sender need not wait, and no more has to be looked at.
    @inline(__always)
    func takesAtOnce(_ byteCount: Int) -> Bool {
        sendsIntoCork && state.tls == nil
            && loop.state.cork.count &+ byteCount <= outputSoftLimit
    }

    @inline(__always)
    var outputSoftLimit: Int { withContext { $0.limits.outputSoftLimit } ?? 0 }

    /// Writes what is corked or queued, as far as the kernel takes it.
    func offerBuffered() {
        if state.flags.contains(.isCorked) { flushCork() }
        flush()
    }

    /// Has the handler's `drained` called when what is buffered now has left. False if nothing is.
    func promiseDrained() -> Bool {
        guard state.phase == .open, state.outbound != nil else { return false }
        state.flags.insert(.owesDrained)
        askForAttention()
        return true
    }

    /// The handler threw: the owner says so to the operator.
    func reportHandlerError(_ error: any Error) {
        if let owner = withContext({ $0.owner }) ?? nil { owner.handlerThrew(error, on: self) }
    }
}
