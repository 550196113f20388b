// The walk of a message, steps 4 to 6: frames are scanned where the kernel put them, unmasked in
// place, and a message that is whole is lent to the handler as it lies. This loop is the hot path:
// no allocation, no reference counting and no dynamic dispatch but the handler's own method.

extension Connection {
    /// Processes bytes that are frames. Uses up all of them: what is not whole is kept.
    func receiveFrames(_ bytes: UnsafeMutableRawBufferPointer) {
        if state.version.isHixie {
            return unsafe receiveHixieFrames(UnsafeRawBufferPointer(bytes))
        }
        guard var cursor = bytes.baseAddress, let handler = state.handler else { return }
        let end = unsafe cursor + bytes.count
        let limits = limits
        let isStreaming = limits.streamsMessages
        let rules = FrameRules(
            expectsMask: !isClient,
            allowedReservedBits: state.compression == nil ? 0 : 0x40,
            payloadByteCountMax: limits.maxMessageSize
        )
        if let inbound = state.inbound, inbound.state.assembler.partialFrame != nil {
            // checked: both point into the read.
            let arrived = unsafe UnsafeMutableRawBufferPointer(start: cursor, count: end - cursor)
            unsafe cursor +=
                isStreaming
                ? receiveParts(arrived, inbound)
                : receivePartialPayload(arrived, inbound)
        }
        let budget = frameBudget(limits)
        var count = 0
        defer { countFrames(count) }
        while unsafe cursor < end, mayProceed, count < budget {
            count &+= 1
            let available = unsafe end - cursor
            switch unsafe FrameScanner.scan(cursor, available: available, rules: rules) {
            case .complete(let header):
                let payload = unsafe cursor + header.headerByteCount
                let arrived = available &- header.headerByteCount
                if header.payloadByteCount <= arrived, header.isWholeMessage,
                    state.inbound == nil, !isStreaming
                {
                    unsafe receiveWhole(header, payload, handler)
                    unsafe cursor = unsafe payload + header.payloadByteCount
                } else if header.opcode.isControl {
                    guard header.payloadByteCount <= arrived else {
                        return unsafe spill(cursor, available)
                    }
                    unsafe receiveControl(header, payload, handler)
                    unsafe cursor = unsafe payload + header.payloadByteCount
                } else {
                    let rest = unsafe UnsafeMutableRawBufferPointer(start: payload, count: arrived)
                    let used =
                        unsafe isStreaming
                        ? beginParts(header, rest, limits: limits)
                        : receiveFragment(header, rest, limits: limits)
                    unsafe cursor = unsafe payload + used
                }
            case .incomplete:
                return unsafe spill(cursor, available)
            case .violation(let violation):
                return fail(violation)
            }
        }
        // Left over when the application paused in the middle of the read, or much came.
        if unsafe cursor < end, receivesFrames {
            // checked: both point into the read.
            let rest = unsafe UnsafeRawBufferPointer(start: cursor, count: end - cursor)
            if mayProceed { unsafe postpone(rest, limits) } else { unsafe hold(rest) }
        }
    }

    /// Whether the next frame may be processed.
    @inline(__always)
    var mayProceed: Bool {
        receivesFrames && state.flags.isDisjoint(with: .stopsFrames)
    }

    /// Unmasks, checks and delivers a message that lies whole in the buffer.
    @inline(__always)
    private func receiveWhole(
        _ header: FrameHeader,
        _ payload: UnsafeMutableRawPointer,
        _ handler: any WebSocketHandler
    ) {
        let count = header.payloadByteCount
        if header.maskingKey != 0 {
            unsafe Masking.apply(payload, count: count, key: header.maskingKey)
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: count)
        if header.opcode == .text {
            guard unsafe UTF8Validator.isValid(bytes) else { return fail(.invalidUTF8) }
            unsafe deliverText(bytes, handler)
        } else {
            unsafe deliverBinary(bytes, handler)
        }
    }

    @inline(__always)
    func deliverText(_ bytes: UnsafeRawBufferPointer, _ handler: any WebSocketHandler) {
        loop.state.counters[Counter.messagesReceived] &+= 1
        let characters = unsafe UnsafeBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            count: bytes.count
        )
        // The validator has just checked it.
        let text = unsafe UTF8Span(unchecked: characters.span)
        handler.received(.text(text), on: WebSocket(self))
    }

    @inline(__always)
    func deliverBinary(_ bytes: UnsafeRawBufferPointer, _ handler: any WebSocketHandler) {
        loop.state.counters[Counter.messagesReceived] &+= 1
        handler.received(.binary(unsafe bytes.bytes), on: WebSocket(self))
    }

    // MARK: Fragments and frames that span reads

    /// Keeps the start of a frame until the rest of it arrives: at most a header, or a control
    /// frame, which is no longer than 139 bytes.
    private func spill(_ start: UnsafeRawPointer, _ count: Int) {
        let inbound = inboundState()
        guard count <= inbound.state.spill.count else { return }
        for index in 0..<count {
            inbound.state.spill[index] = unsafe start.load(fromByteOffset: index, as: UInt8.self)
        }
        inbound.state.spillByteCount = count
    }

    /// Takes in a data frame that is a fragment, or not whole. Returns how many bytes of `arrived`
    /// belonged to it.
    private func receiveFragment(
        _ header: FrameHeader,
        _ arrived: UnsafeMutableRawBufferPointer,
        limits: ConnectionLimits
    ) -> Int {
        let inbound = inboundState()
        let count = min(header.payloadByteCount, arrived.count)
        if let violation = inbound.state.assembler.begin(
            header,
            messageByteCountMax: limits.maxMessageSize,
            fragmentCountMax: limits.maxFragmentCount
        ) {
            fail(violation)
            return count
        }
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: arrived[..<count])
        if isInflatedInPieces(header, arrived: count, inbound) {
            unsafe inflatePieces(part, inbound)
            return count
        }
        let violation = unsafe inbound.state.assembler.append(
            UnsafeRawBufferPointer(part),
            pool: &loop.state.buffers
        )
        if let violation {
            fail(violation)
        } else if inbound.state.assembler.isComplete {
            deliverAssembled(inbound)
        }
        return count
    }

    /// Goes on with a frame that an earlier read began. Returns how many bytes belonged to it.
    private func receivePartialPayload(
        _ arrived: UnsafeMutableRawBufferPointer,
        _ inbound: Inbound
    ) -> Int {
        let remaining = inbound.state.assembler.partialFrame?.remainingByteCount ?? 0
        let count = min(remaining, arrived.count)
        if inbound.state.assembler.isCompressed {
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: arrived[..<count])
            unsafe inflatePieces(part, inbound)
            return count
        }
        let violation = unsafe inbound.state.assembler.append(
            unsafe UnsafeRawBufferPointer(rebasing: arrived[..<count]),
            pool: &loop.state.buffers
        )
        if let violation {
            fail(violation)
        } else if inbound.state.assembler.isComplete {
            deliverAssembled(inbound)
        }
        return count
    }

    /// Lends the assembled message to the handler, then gives its memory back.
    func deliverAssembled(_ inbound: Inbound) {
        guard let handler = state.handler, let opcode = inbound.state.assembler.opcode else {
            return
        }
        // Taken out, so that nothing the handler does can reach the bytes it is reading.
        var assembler = inbound.state.assembler
        inbound.state.assembler = MessageAssembler()
        releaseIdleInbound()
        let bytes = unsafe UnsafeRawBufferPointer(assembler.payload.bytes)
        if assembler.isCompressed {
            unsafe deliverCompressed(opcode, bytes, handler)
        } else if opcode == .text {
            unsafe deliverText(bytes, handler)
        } else {
            unsafe deliverBinary(bytes, handler)
        }
        assembler.reset(pool: &loop.state.buffers)
    }
}

extension FrameHeader {
    /// An unfragmented data message without compression: FIN and text or binary, nothing else.
    @inline(__always)
    fileprivate var isWholeMessage: Bool { firstByte == 0x81 || firstByte == 0x82 }
}
