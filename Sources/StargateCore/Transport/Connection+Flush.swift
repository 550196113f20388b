internal import CUV

// How bytes leave: from the cork at the end of a callback, from the queue when the kernel takes
// more. The kernel is asked once per batch; what it refuses waits in the queue, and then nothing
// overtakes it.

extension Connection {
    /// Bytes that were sent and have not left this process.
    var bufferedAmount: Int {
        let corked = state.flags.contains(.isCorked) ? loop.state.cork.count : 0
        return corked + (state.outbound?.queue.byteCount ?? 0)
            + refusedByteCount
    }

    /// Records that the kernel refused.
    var refusedByteCount: Int { state.tls?.refused?.queue.byteCount ?? 0 }

    /// Whether everything that was sent has left this process.
    var isFlushed: Bool { bufferedAmount == 0 }

    // MARK: The cork

    /// Writes what the cork holds, and keeps what the kernel refuses.
    @inline(__always)
    func flushCork() {
        let loop = loop
        let count = loop.state.cork.count
        guard count > 0 else { return }
        if state.tls == nil {
            assert(!state.flags.contains(.isBlocked), "nothing overtakes what was refused")
            let start = unsafe UnsafeRawPointer(loop.state.cork.base)
            let written = loop.withTransport { unsafe $0.write(self, start, count: count) }
            if written == count { countWrite(count) } else { keepCorked(written) }
        } else {
            writeCorkThrough()
        }
        loop.state.cork.empty()
    }

    @inline(never)
    private func writeCorkThrough() {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe writeThrough(loop.state.cork.bytes, then: nothing)
    }

    /// Copies to the queue what the kernel did not take of what is corked.
    @inline(never)
    private func keepCorked(_ written: Int) {
        countWrite(written)
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe keepRefused(written, loop.state.cork.bytes, then: nothing)
    }

    /// Writes two runs of bytes in one system call; what the kernel refuses is copied to the queue.
    /// The queue must be empty and the connection not blocked.
    func writeThrough(_ head: UnsafeRawBufferPointer, then body: UnsafeRawBufferPointer) {
        assert(!state.flags.contains(.isBlocked), "nothing overtakes what was refused")
        let slices: InlineArray<2, uv_buf_t> = unsafe [Self.slice(head), Self.slice(body)]
        let sliceCount = unsafe body.isEmpty ? 1 : 2
        let span = unsafe slices.span
        let written = unsafe span.withUnsafeBufferPointer { slices in
            unsafe writeToTransport(UnsafeBufferPointer(rebasing: slices[..<sliceCount]))
        }
        if written != head.count + body.count {
            unsafe keepRefused(written, unsafe head, then: body)
        }
    }

    /// Copies to the queue what the kernel did not take of two runs of bytes.
    @inline(never)
    private func keepRefused(
        _ written: Int,
        _ head: UnsafeRawBufferPointer,
        then body: UnsafeRawBufferPointer
    ) {
        let wasInterrupted = written == Int(UV_EINTR.rawValue)
        guard written >= 0 || written == Int(UV_EAGAIN.rawValue) || wasInterrupted else {
            return writeFailed(Int32(truncatingIfNeeded: written))
        }
        let sent = max(0, written)
        let queue = outboundQueue()
        if sent < head.count {
            unsafe queue.queue.append(
                UnsafeRawBufferPointer(rebasing: head[sent...]),
                pool: &loop.state.buffers
            )
        }
        let bodySent = max(0, sent - head.count)
        unsafe queue.queue.append(
            UnsafeRawBufferPointer(rebasing: body[bodySent...]),
            pool: &loop.state.buffers
        )
        if wasInterrupted { askForAttention() } else { becomeBlocked() }
    }

    /// Offers bytes to the kernel, and keeps none. Returns how many it took; nil when the connection
    /// is broken, and condemned.
    func writeOnce(_ bytes: UnsafeRawBufferPointer) -> Int? {
        assert(!state.flags.contains(.isBlocked), "nothing overtakes what was refused")
        let slices: InlineArray<1, uv_buf_t> = unsafe [Self.slice(bytes)]
        let span = unsafe slices.span
        let written = unsafe span.withUnsafeBufferPointer { unsafe writeToTransport($0) }
        guard written >= 0 || written == Int(UV_EAGAIN.rawValue) else {
            writeFailed(Int32(truncatingIfNeeded: written))
            return nil
        }
        return max(0, written)
    }

    private static func slice(_ bytes: UnsafeRawBufferPointer) -> uv_buf_t {
        // The kernel only reads from the buffer, whatever the C type says.
        let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        return unsafe uv_buf_t(base: base?.assumingMemoryBound(to: CChar.self), len: bytes.count)
    }

    // MARK: The queue

    /// The queue, made if there is none.
    func outboundQueue() -> Outbound {
        if let queue = state.outbound { return queue }
        let queue = loop.state.spareOutbound.popLast() ?? Outbound()
        state.outbound = queue
        return queue
    }

    /// Writes as much of the queue as the kernel takes, and ends what was waiting for that.
    func flush() {
        guard state.phase != .ended, !state.flags.contains(.isBlocked) else { return }
        if let outbound = state.outbound, !outbound.queue.isEmpty { writeQueue(outbound) }
        if let subscriptions = state.subscriptions { writePublications(subscriptions) }
        if state.flags.isDisjoint(with: [.isBlocked, .isCondemned]) { queueEmptied() }
    }

    func writeQueue(_ outbound: Outbound) {
        var slices = unsafe InlineArray<32, uv_buf_t>(repeating: unsafe uv_buf_t())
        var span = unsafe slices.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { slices in
            while !outbound.queue.isEmpty, !state.flags.contains(.isBlocked) {
                let count = unsafe outbound.queue.gather(slices)
                let batch = unsafe UnsafeBufferPointer(rebasing: slices[..<count])
                let expected = unsafe batch.reduce(0) { unsafe $0 + Int($1.len) }
                let written = unsafe writeToTransport(batch)
                if written < 0, written != Int(UV_EAGAIN.rawValue) {
                    return writeFailed(Int32(truncatingIfNeeded: written))
                }
                outbound.queue.consume(max(0, written), pool: &loop.state.buffers)
                if written < expected { return becomeBlocked() }
            }
        }
    }

    /// The kernel refused bytes: has the transport say when it takes more.
    func becomeBlocked() {
        guard let outbound = state.outbound else { return }
        let isOffered = state.tls != nil
        state.flags.insert(.isBlocked)
        checkSoftLimit()
        // With TLS the transport was offered the records that are left over.
        if !isOffered { offer(outbound) }
    }

    /// Lends the transport what a queue holds, and has it say when the kernel takes more.
    func offer(_ outbound: Outbound) {
        unsafe outbound.queue.withBatch { batch in
            outbound.queue.offeredByteCount = unsafe batch.reduce(0) { unsafe $0 + Int($1.len) }
            loop.withTransport { unsafe $0.awaitWritable(self, offering: batch) }
        }
    }

    /// The kernel takes bytes again, and `sent` of those offered are written.
    func transportWritable(afterSending sent: Int) {
        guard state.phase != .ended, let outbound = state.outbound else { return }
        loop.state.counters[Counter.bytesSent] &+= UInt64(truncatingIfNeeded: sent)
        if let session = state.tls {
            encryptedWritable(afterSending: sent, session)
        } else {
            state.flags.remove(.isBlocked)
            outbound.queue.offeredByteCount = 0
            outbound.queue.consume(sent, pool: &loop.state.buffers)
        }
        flush()
        checkSoftLimit()
        loop.serveAttention()
    }

    /// Nothing is left to write: tells who waits for that.
    private func queueEmptied() {
        if let outbound = state.outbound {
            answerLatestPing(outbound)
            guard outbound.queue.isEmpty else { return askForAttention() }
            discardOutbound()
        }
        if state.flags.contains(.isPausedByOutput) {
            state.flags.remove(.isPausedByOutput)
            resumeReading()
        }
        if state.flags.contains(.owesDrained) {
            state.flags.remove(.owesDrained)
            if state.phase == .open { state.handler?.drained(WebSocket(self)) }
        }
        if shutsDownWhenFlushed { shutDownWhenFlushed() }
    }

    /// Gives the queue back.
    func discardOutbound() {
        guard let outbound = state.outbound else { return }
        state.outbound = nil
        giveBack(outbound)
    }

    /// Empties a queue and keeps it for whoever needs one next.
    func giveBack(_ outbound: Outbound) {
        outbound.queue.removeAll(pool: &loop.state.buffers)
        guard loop.state.spareOutbound.count < LoopState.spareCountMax else {
            return outbound.deallocate()
        }
        outbound.reset()
        loop.state.spareOutbound.append(outbound)
    }

    private func writeFailed(_ status: Int32) {
        discardOutbound()
        // Not at once: the caller may be in the middle of the connection's own callback.
        condemn()
    }

    // MARK: Backpressure

    /// A peer that does not read is no longer read from, and above the soft limit it has only so
    /// long to catch up.
    ///
    /// A client goes on reading: if both sides stopped, neither would ever go on.
    func checkSoftLimit() {
        guard !isClient, let outbound = state.outbound else { return }
        let limits = limits
        let byteCount = outbound.queue.byteCount &+ refusedByteCount
        if byteCount > limits.readPauseByteCount {
            if state.phase == .open, !state.flags.contains(.isPausedByOutput) {
                state.flags.insert(.isPausedByOutput)
                pauseReading()
            }
        } else if state.flags.contains(.isPausedByOutput) {
            state.flags.remove(.isPausedByOutput)
            resumeReading()
        }
        if byteCount <= limits.outputSoftLimit {
            outbound.queue.overSoftLimitSince = 0
        } else if outbound.queue.overSoftLimitSince == 0, state.phase == .open {
            outbound.queue.overSoftLimitSince = loop.currentTick()
            outbound.queue.consumedByteCount = 0
            setDeadline(afterTicks: ticks.slowPeer)
        }
    }
}
