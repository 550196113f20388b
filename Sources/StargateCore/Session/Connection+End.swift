internal import CUV

// How connections end: by the peer, by the operating system, by a deadline, or because the
// application or a limit condemned them. Whatever happens, the handler hears of it once.

extension Connection {
    // MARK: The peer and the operating system

    /// A client's TCP connection was made, or was refused: libuv's error number, or 0.
    func transportConnected(_ status: Int32) {
        guard state.phase == .connecting else { return }
        guard status == 0 else { return endTransport(.error(status)) }
        if isClient, let owner = withContext({ $0.owner }) ?? nil {
            owner.transportConnected(self)
        }
        if let session = state.tls { return startHandshake(session) }
        corked {
            if let owner = withContext({ $0.owner }) ?? nil { owner.handshakeConnected(self) }
        }
    }

    /// The stream is at its end, or broken: libuv's negative error number.
    func transportEnded(_ status: Int32) {
        guard state.phase != .ended, state.phase != .free else { return }
        state.flags.insert(.peerEnded)
        state.flags.remove(.isReading)
        if status == UV_EOF.rawValue { loop.withTransport { $0.stopReading(self) } }
        if status == UV_EOF.rawValue, let session = state.tls, !session.peerSaidGoodbye,
            state.phase != .ending
        {
            // RFC 8446 section 6.1: anybody can end a TCP connection; only the peer can say that it
            // has said all.
            return endTransport(.tls(.truncated), reason: TLSError.truncated.description)
        }
        // Requests that wait for their turn, or for the peer to read, are answered first.
        if status == UV_EOF.rawValue, state.phase == .handshake,
            state.inbound?.state.held.count ?? 0 > 0
        {
            return askForAttention()
        }
        if status == UV_EOF.rawValue, !isFlushed,
            state.phase == .ending || state.phase == .handshake
        {
            // The peer has said all, but may still read: what waits for it leaves first.
            state.phase = .ending
            return askForAttention()
        }
        // Half a stream is enough for a response, as above; for a WebSocket it is not.
        if status == UV_EOF.rawValue, state.phase == .answering { return }
        endTransport(status == UV_EOF.rawValue ? .endOfStream : .error(status))
    }

    /// Closes the socket and tells whoever has to know.
    private func endTransport(_ end: ConnectionEnd, reason: String = "") {
        let phase = state.phase
        let code = if case .endOfStream = end { codeAtEndOfStream } else { state.endCode }
        if case .endOfStream = end, let session = state.tls { _ = saidGoodbye(session) }
        state.phase = .ended
        loop.state.deadlines.clear(slot: state.slot)
        // The context stays until the block is given back, and its owner with it.
        withContext { context in
            guard let owner = context.owner else { return }
            if phase.isBeforeOpen { owner.handshakeEnded(self, end) }
            owner.connectionEnded(self, end, in: phase)
        }
        notifyClosed(code, reason)
        loop.withTransport { $0.close(self) }
    }

    // MARK: This endpoint

    /// Shuts this endpoint's half once everything is written; the client leaves that to the server.
    func shutDownWhenFlushed() {
        guard shutsDownWhenFlushed, isFlushed, !state.flags.contains(.isBlocked) else {
            if !state.flags.contains(.isBlocked) { askForAttention() }
            return
        }
        if state.flags.contains(.peerEnded) { return endTransport(.endOfStream) }
        // RFC 6455 section 7.1.1: a client waits for the server to end the stream.
        guard !state.flags.contains(.isShut), !isClient || state.version == .hixie75 else { return }
        // If it has to wait, this is called again when it has left.
        if let session = state.tls, !saidGoodbye(session) { return }
        if peerIsDone {
            // In its own callback there is more to do, and then this is called again.
            if !state.flags.contains(.isProcessing) { endTransport(.endOfStream) }
            return
        }
        state.flags.insert(.isShut)
        loop.withTransport { $0.shutDown(self) }
    }

    /// Whether nothing can come from the peer that would make the kernel reset the connection if it
    /// were closed now: it sent its Close frame, which RFC 6455 section 5.5.1 makes the last, and has
    /// no ping left to answer. A system call less, and the peer hears of the end as early.
    private var peerIsDone: Bool {
        state.flags.contains(.heardClose) && !state.flags.contains(.expectsPong)
            && state.tls == nil && !state.version.isHixie && !isClient
    }

    /// Whether nothing follows what is buffered. To close a draft-hixie-75 connection is to end
    /// the stream.
    var shutsDownWhenFlushed: Bool {
        state.phase == .ending || state.phase == .closing && state.version == .hixie75
    }

    /// An HTTP exchange is over, or was refused: the answer leaves, then this half is shut.
    func finishHandshake() {
        guard state.phase == .handshake || waitsForApplication else { return }
        state.phase = .ending
        discardInbound()
        setDeadline(afterTicks: ticks.close)
        resumeReading()
        askForAttention()
    }

    /// Has the connection cut when the loop comes to it: safe within any callback.
    func condemn() {
        guard state.phase != .ended, state.phase != .free else { return }
        state.flags.insert(.isCondemned)
        // Nothing more can be sent.
        if state.phase == .open { state.phase = .closing }
        askForAttention()
    }

    /// Cuts the connection at once: no Close frame, and the peer sees a reset if bytes are lost.
    /// Not to be called from within the handler's own calls.
    func abort(_ reason: String = "") {
        guard state.phase != .ended, state.phase != .free else { return }
        endTransport(.aborted, reason: reason)
    }

    // MARK: Deadlines and keep-alive

    /// The deadline of this connection has come.
    func deadlineReached() {
        switch state.phase {
        case .connecting, .handshake, .deciding, .answering:
            if let owner = withContext({ $0.owner }) ?? nil { owner.handshakeTimedOut(self) }
        case .open: openDeadlineReached()
        case .closing:
            // RFC 6455 section 7.1.1: a peer that does not answer does not keep the connection.
            abort("the peer did not answer the Close frame in time")
        case .ending: abort()
        case .ended, .free: break
        }
    }

    /// Cuts a peer that has not caught up, pings one that is silent, cuts one that stayed silent.
    private func openDeadlineReached() {
        let ticks = ticks
        let now = loop.currentTick()
        if let outbound = state.outbound, outbound.queue.overSoftLimitSince != 0 {
            let end = outbound.queue.overSoftLimitSince &+ ticks.slowPeer
            guard now >= end else { return setDeadline(atTick: end &+ 1) }
            // Slow is who reads nothing to speak of: a long message over a thin line takes its time.
            guard outbound.queue.consumedByteCount > limits.outputSoftLimit else {
                return cutSlowPeer()
            }
            outbound.queue.overSoftLimitSince = now
            outbound.queue.consumedByteCount = 0
            return setDeadline(atTick: now &+ ticks.slowPeer &+ 1)
        }
        guard ticks.keepAlive != DeadlineTable.never else { return }
        // A paused connection cannot hear pongs, so it is not judged by them.
        if !state.flags.isDisjoint(with: [.isPausedByApplication, .isPausedByTopics]) {
            return setDeadline(afterTicks: ticks.keepAlive)
        }
        if state.flags.contains(.isPausedByOutput), let outbound = state.outbound {
            return judgeByOutput(outbound, ticks)
        }
        let silence = now &- state.lastHeard
        if state.flags.contains(.awaitsPong) {
            countFailure(.pongTimeout)
            return abort("the peer did not answer a ping in time")
        }
        if silence < ticks.keepAlive { return armKeepAlive() }
        state.compression?.releaseIdleMemory()
        accountCompression()
        releaseTLSBuffers()
        state.flags.insert(.awaitsPong)
        // Every bit but the last is the time: 0 would say that there is no ping.
        state.pingSentAt = loop.eventLoop.milliseconds | 1
        unsafe ping(unsafe UnsafeRawBufferPointer(start: nil, count: 0))
        setDeadline(afterTicks: ticks.pong)
        askForAttention()
    }

    /// A peer that is not read from, because it does not read, is there as long as it takes
    /// something of what waits for it.
    private func judgeByOutput(_ outbound: Outbound, _ ticks: DeadlineTicks) {
        if outbound.queue.consumedByteCount > 0 {
            outbound.queue.consumedByteCount = 0
            state.flags.remove(.awaitsPong)
            return setDeadline(afterTicks: ticks.keepAlive)
        }
        if state.flags.contains(.awaitsPong) { return cutSlowPeer() }
        state.flags.insert(.awaitsPong)
        setDeadline(afterTicks: ticks.pong)
    }

    func cutSlowPeer() {
        countFailure(.slowPeer)
        state.endCode = .policyViolation
        abort("the peer reads too slowly")
    }

    /// Sets the deadline at which a silent peer is pinged. Each connection is a little late by an
    /// amount of its own, so that a thousand that came together are not pinged together.
    func armKeepAlive() {
        let ticks = ticks
        guard ticks.keepAlive != DeadlineTable.never else {
            return loop.state.deadlines.clear(slot: state.slot)
        }
        let jitter = Self.keepAliveJitter(slot: state.slot, interval: ticks.keepAlive)
        let due = state.lastHeard &+ ticks.keepAlive &+ jitter
        setDeadline(atTick: max(loop.currentTick() &+ 1, due))
    }

    /// How much later than the interval the connection of a slot is pinged, in ticks: up to an eighth
    /// of the interval, and neighbours as far from each other as any.
    static func keepAliveJitter(slot: UInt32, interval ticks: UInt32) -> UInt32 {
        (slot &* 2_654_435_761) % max(1, ticks / 8)
    }

    /// The keep-alive's ping was answered.
    func measureRoundTrip() {
        // The time that was noted may be one more than it was.
        let elapsed = Int32(bitPattern: loop.eventLoop.milliseconds &- state.pingSentAt)
        state.pingSentAt = 0
        // A clock that went on while the process was stopped says nothing.
        guard elapsed < 3_600_000 else { return }
        let duration = UInt32(clamping: elapsed)
        state.roundTrip = max(1, duration)
        loop.state.counters[Counter.roundTripMilliseconds] &+= UInt64(duration)
        let place = TimeBuckets.place(of: UInt64(duration), in: TimeBuckets.roundTrips)
        loop.state.counters[.roundTrips, place] &+= 1
    }

    /// Sends a ping, if the peer's protocol has one.
    func ping(_ payload: UnsafeRawBufferPointer) {
        guard state.phase == .open, !state.version.isHixie else { return }
        loop.state.counters[Counter.controlFramesSent] &+= 1
        state.flags.insert(.expectsPong)
        unsafe sendFrame(0x80 | Opcode.ping.rawValue, payload)
    }
}
