internal import CUV

// The way out of a connection with TLS: what would go to the kernel is encrypted in the loop's
// buffer first. Plaintext waits in the connection's queue as long as the kernel refuses; only what
// was encrypted already waits as records, in the session.

extension Connection {
    /// Writes as much as the kernel takes at once, through TLS where there is some.
    ///
    /// - Returns: how many bytes need not be offered again, or libuv's error number. Records may be
    ///   left over even so: then the connection is blocked.
    @inline(__always)
    func writeToTransport(_ slices: UnsafeBufferPointer<uv_buf_t>) -> Int {
        if let session = state.tls { return unsafe encrypt(slices, session) }
        return unsafe writeCounted(slices)
    }

    /// Gives bytes to the transport, and counts what it takes.
    private func writeCounted(_ slices: UnsafeBufferPointer<uv_buf_t>) -> Int {
        let written = loop.withTransport { unsafe $0.write(self, slices) }
        countWrite(written)
        return written
    }

    /// The transport took so many bytes, or gave libuv's error number.
    @inline(__always)
    func countWrite(_ written: Int) {
        let counters = loop.state.counters
        counters[Counter.writes] &+= 1
        guard written > 0 else { return }
        counters[Counter.bytesSent] &+= UInt64(truncatingIfNeeded: written)
    }

    /// Encrypts and writes until the kernel refuses. Short runs are put together: a record costs the
    /// same for a byte as for a thousand.
    private func encrypt(
        _ slices: UnsafeBufferPointer<uv_buf_t>,
        _ session: TLSSession
    ) -> Int {
        guard let shared = loop.state.tls, session.isEstablished else {
            // There is nobody yet, or nobody any more, to say it to.
            condemn()
            return refusal
        }
        let staging = unsafe shared.staging
        var staged = 0
        var taken = 0
        for index in slices.indices {
            var rest = unsafe UnsafeRawBufferPointer(
                start: slices[index].base,
                count: Int(slices[index].len)
            )
            while rest.count > 0 {
                var record = unsafe rest
                if staged > 0 || rest.count < staging.count && index < slices.count - 1 {
                    let count = min(rest.count, staging.count - staged)
                    unsafe UnsafeMutableRawBufferPointer(rebasing: staging[staged...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                    staged += count
                    unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
                    let isLast = rest.count == 0 && index == slices.count - 1
                    guard staged == staging.count || isLast else { continue }
                    unsafe record = unsafe UnsafeRawBufferPointer(rebasing: staging[..<staged])
                    staged = 0
                } else {
                    let count = min(rest.count, staging.count)
                    unsafe record = unsafe UnsafeRawBufferPointer(rebasing: rest[..<count])
                    unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
                }
                let count = unsafe encrypt(record: record, session)
                taken += count
                if count < record.count { return taken > 0 ? taken : refusal }
            }
        }
        takeOutput(session)
        return taken
    }

    /// What is said to the caller of a write that took nothing.
    private var refusal: Int { Int(UV_EAGAIN.rawValue) }

    /// Encrypts one record, if what was encrypted before it leaves. Returns how many bytes it took.
    private func encrypt(record: UnsafeRawBufferPointer, _ session: TLSSession) -> Int {
        if session.pipe.outputRoom < TLSPipe.recordByteCountMax { takeOutput(session) }
        var taken = 0
        while taken < record.count {
            guard state.flags.isDisjoint(with: .stopsWriting) else { return taken }
            switch unsafe session.write(UnsafeRawBufferPointer(rebasing: record[taken...])) {
            case .done(let count): taken += count
            case .needsRoom: takeOutput(session)
            case .needsInput, .ended, .failed:
                // Not at once: the caller may be in the middle of the connection's own callback.
                condemn()
                return taken
            }
        }
        return taken
    }

    // MARK: Records

    /// Writes what OpenSSL has to send; keeps what the kernel refuses. Returns whether there was
    /// something.
    @discardableResult
    func takeOutput(_ session: TLSSession) -> Bool {
        let records = unsafe session.pipe.output
        guard records.count > 0 else { return false }
        defer { session.pipe.emptyOutput() }
        guard state.phase != .ended, state.phase != .free else { return true }
        var sent = 0
        if session.refused == nil {
            let status = unsafe write(records)
            guard status >= 0 || status == refusal else {
                condemn()
                return true
            }
            sent = max(0, status)
            if sent == records.count { return true }
        }
        let refused = session.refused ?? loop.state.spareOutbound.popLast() ?? Outbound()
        session.refused = refused
        unsafe refused.queue.append(
            UnsafeRawBufferPointer(rebasing: records[sent...]),
            pool: &loop.state.buffers
        )
        if !state.flags.contains(.isBlocked) { awaitWritable(refused) }
        // No plaintext is encrypted meanwhile: what grows is answers of OpenSSL's own to a peer that
        // provokes them and does not read them.
        if refused.queue.byteCount > 2 * LoopTLS.sendCapacity { condemn() }
        return true
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        var slice = unsafe uv_buf_t(
            base: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                .assumingMemoryBound(to: CChar.self),
            len: bytes.count
        )
        return unsafe withUnsafePointer(to: &slice) { slice in
            unsafe writeCounted(UnsafeBufferPointer(start: slice, count: 1))
        }
    }

    /// Has the transport say when the kernel takes more; until then everything sent is queued.
    private func awaitWritable(_ refused: Outbound) {
        state.flags.insert(.isBlocked)
        // While it is there nothing is corked.
        _ = outboundQueue()
        checkSoftLimit()
        offer(refused)
    }

    /// The kernel takes bytes again, and `sent` of those offered are written.
    func encryptedWritable(afterSending sent: Int, _ session: TLSSession) {
        state.flags.remove(.isBlocked)
        guard let refused = session.refused else { return }
        refused.queue.offeredByteCount = 0
        refused.queue.consume(sent, pool: &loop.state.buffers)
        while !refused.queue.isEmpty {
            let (written, expected) = writeBatch(of: refused)
            guard written >= 0 || written == refusal else { return condemn() }
            refused.queue.consume(max(0, written), pool: &loop.state.buffers)
            if written < expected { return awaitWritable(refused) }
        }
        discardRefused(session)
    }

    private func writeBatch(of refused: Outbound) -> (written: Int, expected: Int) {
        return unsafe refused.queue.withBatch { batch in
            let expected = unsafe batch.reduce(0) { unsafe $0 + Int($1.len) }
            return (unsafe writeCounted(batch), expected)
        }
    }

    /// Gives the queue of records back.
    func discardRefused(_ session: TLSSession) {
        guard let refused = session.refused else { return }
        session.refused = nil
        giveBack(refused)
    }

    /// The socket is closed: gives back all that the session has of the loop's.
    func discardTLS(_ session: TLSSession) {
        discardRefused(session)
        releaseTLSBuffers()
        loop.state.buffers.give(&session.parked)
        state.tls = nil
        loop.state.memory.tls &-= TLSSession.typicalByteCount
    }

    /// Sends the close_notify that belongs before this endpoint's end. Returns whether it has left.
    func saidGoodbye(_ session: TLSSession) -> Bool {
        session.sayGoodbye()
        takeOutput(session)
        return state.flags.isDisjoint(with: .stopsWriting)
    }
}
