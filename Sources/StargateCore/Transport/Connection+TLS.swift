internal import COpenSSL
internal import CUV

// The walk of a message, between steps 2 and 3, for connections with TLS: what the transport read
// is decrypted to where plain bytes would have been put, and goes on as if it had come like that.

extension Connection {
    // MARK: The beginning

    /// Puts TLS between the transport and everything above; before the first byte.
    func startTLS(_ makeSession: (TLSPipe) throws(TLSError) -> TLSSession) throws(TLSError) {
        let shared = try loop.sharedTLS()
        state.tls = try makeSession(shared.pipe)
        loop.state.memory.tls &+= TLSSession.typicalByteCount
    }

    /// A client begins the handshake: the server waits for its first bytes.
    func startHandshake(_ session: TLSSession) {
        var nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        let step = unsafe session.handshake(&nothing)
        takeOutput(session)
        if case .failed(let error) = step { return failTLS(error) }
        startReading()
    }

    // MARK: Bytes from the transport

    /// `count` encrypted bytes lie at the start of the loop's space for them.
    func receivedEncrypted(_ count: Int, _ session: TLSSession) {
        guard let shared = loop.state.tls else { return }
        unsafe receivedEncrypted(
            UnsafeRawBufferPointer(rebasing: shared.receiveSpace[..<count]),
            session
        )
    }

    /// Encrypted bytes arrived: now, or behind a PROXY header.
    func receivedEncrypted(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) {
        guard let shared = loop.state.tls else { return }
        if session.isHandshaking, !mayShakeHands(shared) || session.parked.count > 0 {
            return unsafe park(bytes, session, shared)
        }
        unsafe decrypt(bytes, session)
    }

    /// Whether the turn has room for another handshake. A client's own is not counted: it has begun
    /// it itself.
    func mayShakeHands(_ shared: LoopTLS) -> Bool {
        isClient || shared.handshakeCount < withContext { $0.limits.handshakesPerTurn } ?? 1
    }

    private func park(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession, _ shared: LoopTLS) {
        loop.state.counters[Counter.tlsHandshakesDeferred] &+= 1
        loop.state.buffers.reserve(bytes.count, in: &session.parked)
        unsafe session.parked.append(bytes)
        pauseReading()
        shared.enqueue(self)
    }

    /// The turn of a parked client has come.
    func leaveQueue(_ session: TLSSession) {
        var parked = session.parked
        session.parked = .empty
        unsafe decrypt(UnsafeRawBufferPointer(parked.bytes), session)
        loop.state.buffers.give(&parked)
        resumeReading()
        loop.serveAttention()
    }

    /// Uses up all of `bytes`: what is no whole record stays in the session.
    private func decrypt(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) {
        var input = unsafe bytes
        if session.isHandshaking {
            let step = unsafe session.handshake(&input)
            let hasAnswered = takeOutput(session)
            if hasAnswered, !isClient { loop.state.tls?.handshakeCount += 1 }
            switch step {
            case .done: established(session)
            case .failed(let error): return failTLS(error)
            case .needsInput, .needsRoom, .ended: return
            }
        }
        while state.phase != .ended, state.phase != .free {
            let space = plaintextSpace()
            var filled = 0
            var step = TLSSession.Step.done(0)
            while filled < space.count {
                step = unsafe session.read(
                    &input,
                    // checked: less than the space is filled.
                    into: UnsafeMutableRawBufferPointer(
                        start: space.start + filled,
                        count: space.count - filled
                    )
                )
                takeOutput(session)
                if case .done(let count) = step { filled += count; continue }
                if case .needsRoom = step { continue }
                break
            }
            if filled > 0 {
                if !session.keepsBuffers { noteRead(session) }
                receivedPlaintext(filled)
            }
            switch step {
            case .done: if space.count == 0 { return condemn() }
            case .needsInput, .needsRoom: return
            case .ended: return peerSaidGoodbye()
            case .failed(let error): return failTLS(error)
            }
        }
    }

    // MARK: Buffers between records

    /// A session that is read often keeps its buffers, if not too many do.
    private func noteRead(_ session: TLSSession) {
        session.readCount &+= 1
        guard session.readCount >= TLSSession.busyReadCount, let shared = loop.state.tls,
            shared.busySessionCount < LoopTLS.busySessionCountMax
        else { return }
        shared.busySessionCount += 1
        session.keepsBuffers = true
        loop.state.memory.tls &+= TLSSession.bufferByteCount
    }

    /// The peer is silent, or gone: gives the buffers of its session back.
    func releaseTLSBuffers() {
        guard let session = state.tls, session.keepsBuffers else { return }
        session.keepsBuffers = false
        session.readCount = 0
        loop.state.tls?.busySessionCount -= 1
        loop.state.memory.tls &-= TLSSession.bufferByteCount
    }

    private func established(_ session: TLSSession) {
        loop.state.counters[Counter.tlsHandshakes] &+= 1
        if session.isResumed { loop.state.counters[Counter.tlsHandshakesResumed] &+= 1 }
        guard isClient, state.phase == .connecting else { return }
        corked {
            if let owner = withContext({ $0.owner }) ?? nil { owner.handshakeConnected(self) }
        }
    }

    // MARK: The end

    /// The peer's close_notify: its half ended in good order, whatever becomes of the socket.
    private func peerSaidGoodbye() {
        guard !state.flags.contains(.peerEnded) else { return }
        transportEnded(UV_EOF.rawValue)
    }

    /// The session is over: its alert leaves, and nothing is believed any more.
    func failTLS(_ error: TLSError) {
        guard state.phase != .ended, state.phase != .free, state.phase != .ending else { return }
        loop.state.counters[Counter.tlsHandshakesFailed] &+= 1
        let wasBeforeOpen = state.phase.isBeforeOpen
        let owner = withContext { $0.owner } ?? nil
        if wasBeforeOpen { owner?.handshakeEnded(self, .tls(error)) }
        state.outbound?.queue.removeAll(pool: &loop.state.buffers)
        // As an end of this endpoint's: what the peer still sends is read, so that it hears the
        // alert before the end.
        end(.abnormalClosure, error.description)
    }
}
