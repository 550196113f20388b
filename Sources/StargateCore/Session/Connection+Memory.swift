// What a connection holds, and how it is made to let go of it when the server is short of memory.

extension Connection {
    /// Brings the loop's account up to date, after compression was used or given up.
    func accountCompression() {
        guard let compression = state.compression else { return }
        let byteCount = compression.memoryByteCount
        loop.state.memory.compression &+= byteCount &- compression.accountedByteCount
        compression.accountedByteCount = byteCount
    }

    /// The connection is over: its contexts go.
    func discardCompression() {
        guard let compression = state.compression else { return }
        loop.state.memory.compression &-= compression.accountedByteCount
        state.compression = nil
    }

    /// The body of a request that is on the way has so many bytes now.
    func accountBody(_ byteCount: Int) {
        guard let inbound = state.inbound else { return }
        loop.state.memory.bodies &+= byteCount &- inbound.state.bodyByteCount
        inbound.state.bodyByteCount = byteCount
    }

    /// What this connection holds beside its block, in bytes: what ending it would set free.
    var heldByteCount: Int {
        var byteCount = state.compression?.accountedByteCount ?? 0
        byteCount &+= state.outbound?.queue.byteCount ?? 0
        if let subscriptions = state.subscriptions {
            byteCount &+= subscriptions.queue.byteCount &+ subscriptions.accountedByteCount
        }
        if let tls = state.tls {
            byteCount &+= TLSSession.typicalByteCount &+ tls.parked.capacity
            if tls.keepsBuffers { byteCount &+= TLSSession.bufferByteCount }
            byteCount &+= tls.refused?.queue.byteCount ?? 0
        }
        if let session = state.handler as? AsyncSession { byteCount &+= session.waitingByteCount }
        if let inbound = state.inbound {
            byteCount &+= inbound.state.assembler.payload.capacity
            byteCount &+= inbound.state.hixie?.payload.capacity ?? 0
            byteCount &+= inbound.state.held.capacity &+ inbound.state.head.capacity
            byteCount &+= inbound.state.bodyByteCount
        }
        return byteCount
    }

    /// Ends the connection because the server is short of memory: with 1013, where that can be
    /// sent.
    func shed() {
        switch state.phase {
        case .open where state.outbound == nil && !state.flags.contains(.isProcessing):
            fail(.tryAgainLater, "the server is short of memory", reason: .memory)
        case .open, .closing:
            countFailure(.memory)
            state.endCode = .tryAgainLater
            discardOutputThatWaits()
            condemn()
        case .connecting, .handshake, .deciding, .answering, .ending:
            countFailure(.memory)
            condemn()
        case .free, .ended: break
        }
    }

    private func discardOutputThatWaits() {
        guard let subscriptions = state.subscriptions else { return }
        _ = subscriptions.queue.removeAll()
    }
}
