// The two oldest drafts: text between 00 and FF, a closing handshake of two bytes or none at all,
// and nothing else. What they cannot carry is refused here, never put on the wire.

/// A message of a hixie connection whose end has not arrived.
struct HixieAssembler {
    var scanner: HixieScanner
    var validator = UTF8Validator()
    var payload = PooledBuffer.empty
    /// Whether a part of the message has been handed on.
    var hasHandedOn = false
}

extension Connection {
    /// Processes bytes that are frames of draft-hixie-75 or -76.
    func receiveHixieFrames(_ bytes: UnsafeRawBufferPointer) {
        let limits = limits
        let inbound = inboundState()
        var assembler =
            inbound.state.hixie
            ?? HixieAssembler(
                scanner: HixieScanner(
                    version: state.version,
                    maxMessageSize: limits.maxMessageSize
                )
            )
        inbound.state.hixie = assembler
        var cursor = 0
        let rate = limits.messagesPerSecond
        let budget = frameBudget(rate: rate)
        var count = 0
        defer { countFrames(count, rate: rate) }
        while mayProceed, count < budget {
            count &+= 1
            let event = unsafe assembler.scanner.next(bytes, from: &cursor)
            inbound.state.hixie = assembler
            switch event {
            case .needMore: return
            case .violation: return fail(.invalidHixieFrame)
            case .closeFrame: return receivedHixieClose()
            case .text(let range, let isEnd):
                guard assembler.scanner.textByteCount <= limits.maxMessageSize else {
                    return fail(.messageTooBig)
                }
                let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
                guard unsafe takeText(part, isEnd: isEnd, &assembler) else { return }
                inbound.state.hixie = assembler
            }
        }
        if cursor < bytes.count, receivesFrames {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[cursor...])
            if mayProceed { unsafe postpone(rest, rate: rate) } else { unsafe hold(rest) }
        }
    }

    /// Delivers a message, from where it lies if it is whole. Returns whether to go on.
    private func takeText(
        _ part: UnsafeRawBufferPointer,
        isEnd: Bool,
        _ assembler: inout HixieAssembler
    ) -> Bool {
        guard unsafe assembler.validator.validate(part), !isEnd || assembler.validator.isComplete
        else {
            fail(.invalidUTF8)
            return false
        }
        if streamsMessages {
            unsafe handOn(part, isEnd: isEnd, &assembler)
            return state.handler != nil
        }
        if isEnd, assembler.payload.count == 0 {
            guard state.handler != nil else { return false }
            unsafe deliverText(part)
            return true
        }
        loop.state.buffers.reserve(part.count, in: &assembler.payload)
        unsafe assembler.payload.append(part)
        guard isEnd, state.handler != nil else { return true }
        var payload = assembler.payload
        assembler.payload = .empty
        // Out of reach of what the handler does, which may end the connection.
        state.inbound?.state.hixie = assembler
        unsafe deliverText(UnsafeRawBufferPointer(payload.bytes))
        loop.state.buffers.give(&payload)
        return true
    }

    private func handOn(
        _ part: UnsafeRawBufferPointer,
        isEnd: Bool,
        _ assembler: inout HixieAssembler
    ) {
        guard let handler = state.handler, isEnd || part.count > 0 else { return }
        if isEnd { loop.state.counters[Counter.messagesReceived] &+= 1 }
        let kind = MessagePart(isText: true, isFirst: !assembler.hasHandedOn, isLast: isEnd)
        assembler.hasHandedOn = !isEnd
        // Out of reach of what the handler does, which may end the connection.
        state.inbound?.state.hixie = assembler
        handler.receivedPart(unsafe part.bytes, kind, on: WebSocket(self))
    }

    /// Sends a text message, which holds no FF because it is valid UTF-8.
    func sendHixieText(_ payload: UnsafeRawBufferPointer) -> SendResult {
        let needed = payload.count &+ HixieEncoder.overhead
        guard hasRoom(for: needed) else { return .dropped }
        if state.flags.contains(.isCorked), state.outbound == nil {
            if needed > loop.state.cork.available { flushCork() }
            if state.outbound == nil, needed <= loop.state.cork.available {
                unsafe HixieEncoder.write(payload, to: loop.state.cork.end)
                loop.state.cork.commit(needed)
                return .sent
            }
        }
        unsafe outboundQueue().queue.append(count: needed, pool: &loop.state.buffers) { target in
            unsafe HixieEncoder.write(payload, to: target)
        }
        checkSoftLimit()
        return sendResultAfterQueueing()
    }

    // MARK: Closing

    /// Begins to close: with FF 00 in draft-hixie-76, by ending the stream in -75.
    func closeHixie() {
        sendHixieClose()
        state.phase = .closing
        setDeadline(afterTicks: ticks.close)
        if state.version == .hixie75 { askForAttention() }
    }

    func sendHixieClose() {
        guard state.version == .hixie76 else { return }
        unsafe HixieEncoder.closeFrame.withUnsafeBytes { unsafe sendRaw($0) }
    }

    /// draft-hixie-76 section 5.3: answered once, then nothing more is read.
    private func receivedHixieClose() {
        if state.phase == .open { sendHixieClose() }
        end(.noStatusReceived, "")
    }

    /// What the end of the stream means: in draft-hixie-75 it is how connections are closed, unless
    /// it cuts a frame.
    var codeAtEndOfStream: CloseCode {
        guard state.version == .hixie75, receivesFrames else { return .abnormalClosure }
        let isWhole = state.inbound?.state.hixie?.scanner.isBetweenFrames ?? true
        return isWhole ? .noStatusReceived : .abnormalClosure
    }
}
