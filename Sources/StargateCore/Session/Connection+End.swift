internal import CUV

// How connections end: by the peer, by the operating system, by a deadline, or because the
// application or a limit condemned them. Whatever happens, the handler hears of it once.

extension Connection {
    // MARK: The peer and the operating system

    /// A client's TCP connection was made, or was refused: libuv's error number, or 0.
    func transportConnected(_ status: Int32) {
        guard state.phase == .connecting else { return }
        guard status == 0 else { return endTransport(.error(status)) }
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
        if status == UV_EOF.rawValue, state.phase == .ending, !isFlushed, state.flags.contains(.isBlocked) {
            // The peer said goodbye but may still read: what was accepted for sending leaves first.
            return
        }
        endTransport(status == UV_EOF.rawValue ? .endOfStream : .error(status))
    }

    /// Closes the socket and tells whoever has to know.
    private func endTransport(_ end: ConnectionEnd) {
        let phase = state.phase
        let code = if case .endOfStream = end { codeAtEndOfStream } else { CloseCode.abnormalClosure }
        state.phase = .ended
        loop.state.deadlines.clear(slot: state.slot)
        if phase == .connecting || phase == .handshake {
            if let owner = withContext({ $0.owner }) ?? nil { owner.handshakeEnded(self, end) }
        }
        notifyClosed(code, "")
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
        state.flags.insert(.isShut)
        loop.withTransport { $0.shutDown(self) }
    }

    /// Whether nothing follows what is buffered. To close a draft-hixie-75 connection is to end
    /// the stream.
    private var shutsDownWhenFlushed: Bool {
        state.phase == .ending || state.phase == .closing && state.version == .hixie75
    }

    /// An HTTP exchange is over, or was refused: the answer leaves, then this half is shut.
    func finishHandshake() {
        guard state.phase == .handshake else { return }
        state.phase = .ending
        discardInbound()
        setDeadline(after: limits.closeTimeout)
        resumeReading()
        askForAttention()
    }

    /// Has the connection cut when the loop comes to it: safe within any callback.
    func condemn() {
        guard state.phase != .ended, state.phase != .free else { return }
        state.flags.insert(.isCondemned)
        askForAttention()
    }

    /// Cuts a connection that was condemned.
    func endCondemned() {
        guard state.phase != .ended, state.phase != .free else { return }
        abort()
    }

    /// Cuts the connection at once: no Close frame, and the peer sees a reset if bytes are lost.
    /// Not to be called from within the handler's own calls.
    func abort() {
        guard state.phase != .ended, state.phase != .free else { return }
        endTransport(.aborted)
    }

    // MARK: Deadlines and keep-alive

    /// The deadline of this connection has come.
    func deadlineReached() {
        switch state.phase {
        case .connecting, .handshake:
            if let owner = withContext({ $0.owner }) ?? nil { owner.handshakeTimedOut(self) }
        case .open: openDeadlineReached()
        case .closing:
            // RFC 6455 section 7.1.1: a peer that does not answer does not keep the connection.
            notifyClosed(.abnormalClosure, "the peer did not answer the Close frame in time")
            abort()
        case .ending: abort()
        case .ended, .free: break
        }
    }

    /// Cuts a peer that has not caught up, pings one that is silent, cuts one that stayed silent.
    private func openDeadlineReached() {
        let limits = limits
        let now = loop.currentTick()
        if let since = state.outbound?.queue.overSoftLimitSince, since != 0 {
            let end = since &+ UInt32(ticks: limits.slowPeerTimeout)
            guard now < end else { return condemnSlowPeer() }
            return setDeadline(atTick: end)
        }
        guard let interval = limits.keepAliveInterval else { return }
        if state.flags.contains(.isPausedByApplication) {
            // A paused connection cannot hear pongs, so it is not judged by them.
            return armKeepAlive()
        }
        let silence = now &- state.lastHeard
        if silence < UInt32(ticks: interval) {
            state.flags.remove(.awaitsPong)
            return armKeepAlive()
        }
        if state.flags.contains(.awaitsPong) {
            loop.state.counters.connectionsFailed &+= 1
            notifyClosed(.abnormalClosure, "the peer did not answer a ping in time")
            return abort()
        }
        state.flags.insert(.awaitsPong)
        unsafe ping(unsafe UnsafeRawBufferPointer(start: nil, count: 0))
        setDeadline(after: limits.pongTimeout)
        askForAttention()
    }

    private func condemnSlowPeer() {
        loop.state.counters.connectionsFailed &+= 1
        notifyClosed(.abnormalClosure, "the peer reads too slowly")
        abort()
    }

    /// Sets the deadline at which a silent peer is pinged. Each connection is a little early by an
    /// amount of its own, so that a thousand that came together are not pinged together.
    func armKeepAlive() {
        guard let interval = limits.keepAliveInterval else {
            return loop.state.deadlines.clear(slot: state.slot)
        }
        let ticks = UInt32(ticks: interval)
        let jitter = (state.slot &* 2_654_435_761) % max(1, ticks / 8)
        setDeadline(atTick: max(loop.currentTick() &+ 1, state.lastHeard &+ ticks &+ jitter))
    }

    /// Sends a ping, if the peer's protocol has one.
    func ping(_ payload: UnsafeRawBufferPointer) {
        guard state.phase == .open, !state.version.isHixie else { return }
        unsafe sendFrame(0x80 | Opcode.ping.rawValue, payload)
    }
}
