// The walk of a message, steps 7 and 8: header and payload are written once, straight into the
// loop's cork while the connection is being read, else into the connection's queue.

extension Connection {
    /// Sends a data message that the application gave: `count` bytes from `start` on.
    ///
    /// A short answer of a server to what is being read, which most messages are, is only copied
    /// behind the others. No function is called on that way, so that it needs no registers saved.
    @inline(__always)
    func sendMessage(
        _ opcode: Opcode,
        _ start: UnsafeRawPointer?,
        count: Int,
        mayCompress: Bool
    ) -> SendResult {
        guard CorkBuffer.shortByteCounts.contains(count), goesIntoCork(count),
            let start = unsafe start
        else {
            let payload = unsafe UnsafeRawBufferPointer(start: start, count: count)
            return unsafe sendCopied(opcode, payload, mayCompress: mayCompress)
        }
        return unsafe cork(opcode, count) {
            unsafe CorkBuffer.copyShort(start, count: count, to: $0)
        }
    }

    /// The same for a message of any length that goes into the cork.
    @inline(never)
    private func sendCopied(
        _ opcode: Opcode,
        _ payload: UnsafeRawBufferPointer,
        mayCompress: Bool
    ) -> SendResult {
        guard payload.count < loop.state.cork.throughByteCountMin, goesIntoCork(payload.count),
            let start = payload.baseAddress
        else { return unsafe sendOther(opcode, payload, mayCompress: mayCompress) }
        return unsafe cork(opcode, payload.count) {
            unsafe $0.copyMemory(from: start, byteCount: payload.count)
        }
    }

    /// Whether a message is one plain frame, which is to be put into the cork.
    @inline(__always)
    var sendsIntoCork: Bool { state.flags.intersection(.decideSending) == .sendsIntoCork }

    /// The same, and the cork has room for it.
    @inline(__always)
    private func goesIntoCork(_ payloadByteCount: Int) -> Bool {
        // Payloads are in memory already, so the sum cannot overflow.
        sendsIntoCork
            && payloadByteCount &+ FrameEncoder.headerByteCountMax <= loop.state.cork.available
    }

    /// Writes a message into the cork, for which it goes there.
    @inline(__always)
    private func cork(
        _ opcode: Opcode,
        _ payloadByteCount: Int,
        copy: (UnsafeMutableRawPointer) -> Void
    ) -> SendResult {
        let loop = loop
        let target = unsafe loop.state.cork.end
        let headerByteCount = unsafe FrameEncoder.writeHeader(
            to: target,
            firstByte: 0x80 | opcode.rawValue,
            payloadByteCount: payloadByteCount,
            maskingKey: nil
        )
        unsafe copy(target + headerByteCount)
        loop.state.cork.commit(headerByteCount &+ payloadByteCount)
        loop.state.counters[Counter.messagesSent] &+= 1
        return .sent
    }

    /// The same for a payload that is in a buffer.
    @inline(__always)
    func sendMessage(
        _ opcode: Opcode,
        _ payload: UnsafeRawBufferPointer,
        mayCompress: Bool
    ) -> SendResult {
        unsafe sendMessage(
            opcode,
            payload.baseAddress,
            count: payload.count,
            mayCompress: mayCompress
        )
    }

    /// Sends a message in every other case.
    @inline(never)
    private func sendOther(
        _ opcode: Opcode,
        _ payload: UnsafeRawBufferPointer,
        mayCompress: Bool
    ) -> SendResult {
        guard state.phase == .open else { return .dropped }
        let result =
            if state.flags.contains(.isTransformed) {
                unsafe sendTransformed(opcode, payload, mayCompress: mayCompress)
            } else {
                unsafe sendFrame(0x80 | opcode.rawValue, payload)
            }
        switch result {
        case .sent, .queued: loop.state.counters[Counter.messagesSent] &+= 1
        case .dropped, .unfinished: loop.state.counters[Counter.messagesDropped] &+= 1
        case .unsupported: break
        }
        return result
    }

    /// Sends one frame. The connection must not have sent its Close frame.
    ///
    /// - Parameters:
    ///   - firstByte: FIN, reserved bits and opcode.
    ///   - payload: copied, or written before this returns.
    ///   - isPromised: whether room was asked for before, so that it must not be dropped.
    /// - Returns: what became of it.
    @inline(__always)
    @discardableResult
    func sendFrame(
        _ firstByte: UInt8,
        _ payload: UnsafeRawBufferPointer,
        isPromised: Bool = false
    ) -> SendResult {
        let headerByteCount = FrameEncoder.headerByteCount(
            payloadByteCount: payload.count,
            isMasked: isClient
        )
        // Payloads are in memory already, so the sum cannot overflow.
        let needed = headerByteCount &+ payload.count
        if state.flags.contains(.isCorked), state.outbound == nil,
            needed <= loop.state.cork.available,
            payload.count < loop.state.cork.throughByteCountMin
        {
            unsafe write(firstByte, payload, to: loop.state.cork.end)
            loop.state.cork.commit(needed)
            return .sent
        }
        return unsafe sendUncorked(firstByte, payload, needed: needed, isPromised: isPromised)
    }

    /// Writes a frame to memory that has room for it; a client's is masked with a fresh key.
    @inline(__always)
    private func write(
        _ firstByte: UInt8,
        _ payload: UnsafeRawBufferPointer,
        to target: UnsafeMutableRawPointer
    ) {
        let key = isClient ? nextMaskingKey() : nil
        let headerByteCount = unsafe FrameEncoder.writeHeader(
            to: target,
            firstByte: firstByte,
            payloadByteCount: payload.count,
            maskingKey: key
        )
        guard let source = payload.baseAddress else { return }
        if let key {
            unsafe Masking.apply(
                from: source,
                to: target + headerByteCount,
                count: payload.count,
                key: key
            )
        } else {
            unsafe (target + headerByteCount).copyMemory(from: source, byteCount: payload.count)
        }
    }

    /// RFC 6455 section 5.3: a fresh one for each frame, unless the load tester asked otherwise.
    @inline(__always)
    private func nextMaskingKey() -> UInt32 {
        if withContext({ $0.limits.masksWithZero }) ?? false { return 0 }
        return loop.state.randomness.nextWord()
    }

    /// The cork is another's, or too full, or the payload is large, or something waits already.
    @inline(never)
    private func sendUncorked(
        _ firstByte: UInt8,
        _ payload: UnsafeRawBufferPointer,
        needed: Int,
        isPromised: Bool
    ) -> SendResult {
        let throughByteCountMin = loop.state.cork.throughByteCountMin
        let isThrough = payload.count >= throughByteCountMin && !isClient
        if state.flags.contains(.isCorked) {
            // What follows may be meant to share a system call.
            loop.state.cork.expectsMore()
            if isThrough, state.outbound == nil, !state.flags.contains(.isCondemned),
                loop.state.cork.available >= FrameEncoder.headerByteCountMax
            {
                return unsafe writeBehindCork(firstByte, payload)
            }
            flushCork()
        }
        if state.flags.contains(.isCondemned) { return .dropped }
        if state.outbound == nil {
            if state.flags.contains(.isCorked), needed <= loop.state.cork.available,
                payload.count < throughByteCountMin
            {
                unsafe write(firstByte, payload, to: loop.state.cork.end)
                loop.state.cork.commit(needed)
                return .sent
            }
            if isThrough { return unsafe writeThrough(firstByte, payload) }
        }
        return unsafe enqueue(firstByte, payload, needed: needed, isPromised: isPromised)
    }

    /// Writes what is corked, a header and a payload from where it lies, in one system call.
    private func writeBehindCork(
        _ firstByte: UInt8,
        _ payload: UnsafeRawBufferPointer
    ) -> SendResult {
        let headerByteCount = unsafe FrameEncoder.writeHeader(
            to: loop.state.cork.end,
            firstByte: firstByte,
            payloadByteCount: payload.count,
            maskingKey: nil
        )
        loop.state.cork.commit(headerByteCount)
        unsafe writeThrough(loop.state.cork.bytes, then: payload)
        loop.state.cork.empty()
        return sendResultAfterQueueing()
    }

    /// Writes a large frame from where its payload lies; only what the kernel refuses is copied.
    private func writeThrough(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer) -> SendResult {
        var header = InlineArray<14, UInt8>(repeating: 0)
        var span = header.mutableSpan
        unsafe span.withUnsafeMutableBytes { header in
            guard let start = header.baseAddress else { return }
            let count = unsafe FrameEncoder.writeHeader(
                to: start,
                firstByte: firstByte,
                payloadByteCount: payload.count,
                maskingKey: nil
            )
            unsafe writeThrough(
                UnsafeRawBufferPointer(start: start, count: count),
                then: payload
            )
        }
        return sendResultAfterQueueing()
    }

    /// Copies a frame to the connection's queue, unless that is full.
    private func enqueue(
        _ firstByte: UInt8,
        _ payload: UnsafeRawBufferPointer,
        needed: Int,
        isPromised: Bool
    ) -> SendResult {
        let isControl = firstByte & 0x08 != 0
        // Control frames are short and never dropped.
        guard isControl || isPromised || hasRoom(for: needed) else { return .dropped }
        let outbound = outboundQueue()
        unsafe outbound.queue.append(count: needed, pool: &loop.state.buffers) { target in
            unsafe write(firstByte, payload, to: target)
        }
        checkSoftLimit()
        return sendResultAfterQueueing()
    }

    /// Whether the queue takes so many bytes more; acts by the policy if it does not. A message may
    /// pass the limit as long as no more than a quarter of it waits: an echo of the longest message
    /// must not be refused because the one before it is still on its way.
    func hasRoom(for byteCount: Int) -> Bool {
        guard let outbound = state.outbound else { return true }
        let limits = limits
        let waiting = outbound.queue.byteCount &+ refusedByteCount
        guard waiting + byteCount > limits.outputHardLimit, waiting > limits.outputHardLimit / 4
        else { return true }
        // What only waits for the end of this turn is offered to the kernel first.
        if !state.flags.contains(.isBlocked) {
            writeQueue(outbound)
            guard !state.flags.contains(.isCondemned) else { return false }
            let waiting = outbound.queue.byteCount &+ refusedByteCount
            if waiting + byteCount <= limits.outputHardLimit { return true }
        }
        if limits.outputPolicy.endsConnection { overflow() }
        return false
    }

    func sendResultAfterQueueing() -> SendResult {
        if state.flags.contains(.isBlocked) {
            state.flags.insert(.owesDrained)
            return .queued
        }
        if state.outbound != nil { askForAttention() }
        return .sent
    }

    /// The queue is full and the policy is to close: no Close frame would get through either.
    private func overflow() {
        guard !state.flags.contains(.isCondemned) else { return }
        countFailure(.outputOverflow)
        loop.state.counters[DropReason.close] &+= 1
        state.endCode = .policyViolation
        condemn()
    }

    /// Writes bytes that are not frames: an HTTP response, or a client's request.
    func sendRaw(_ bytes: UnsafeRawBufferPointer) {
        if state.flags.contains(.isCorked), state.outbound == nil,
            bytes.count <= loop.state.cork.available, let source = bytes.baseAddress
        {
            unsafe loop.state.cork.end.copyMemory(from: source, byteCount: bytes.count)
            loop.state.cork.commit(bytes.count)
            return
        }
        if state.flags.contains(.isCorked) { flushCork() }
        unsafe outboundQueue().queue.append(bytes, pool: &loop.state.buffers)
        askForAttention()
    }
}
