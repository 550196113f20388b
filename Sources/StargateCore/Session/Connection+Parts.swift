// Messages that are handed on as they arrive, for connections that were asked to: no message is
// ever held, so that its length does not matter. What the handler has not taken yet is what holds
// the rest back: when it pauses, what lies here waits as it came.

extension Connection {
    /// How long a part is at most: what one lends to a handler at once. Parts of compressed messages
    /// may be a little longer.
    private static let partByteCountMax = 64 << 10

    /// Whether messages are handed on in parts.
    var streamsMessages: Bool { withContext { $0.limits.streamsMessages } ?? false }

    /// Takes in the header of a data frame and what has arrived of its payload. Returns how many
    /// bytes of `arrived` were used.
    func beginParts(
        _ header: FrameHeader,
        _ arrived: UnsafeMutableRawBufferPointer
    ) -> Int {
        let limits = limits
        let inbound = inboundState()
        let violation = inbound.state.assembler.begin(
            header,
            messageByteCountMax: limits.maxMessageSize,
            fragmentCountMax: limits.maxFragmentCount
        )
        if let violation {
            fail(violation)
            return 0
        }
        if header.payloadByteCount == 0 {
            if inbound.state.assembler.isComplete { handOnEnd(inbound) }
            return 0
        }
        return unsafe receiveParts(arrived, inbound)
    }

    /// Hands on what has arrived of the current frame, until the handler pauses. Returns how many
    /// bytes were used.
    func receiveParts(_ arrived: UnsafeMutableRawBufferPointer, _ inbound: Inbound) -> Int {
        let remaining = inbound.state.assembler.partialFrame?.remainingByteCount ?? 0
        let count = min(remaining, arrived.count)
        var used = 0
        while used < count, mayProceed {
            let end = min(count, used + Self.partByteCountMax)
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: arrived[used..<end])
            if inbound.state.assembler.isCompressed {
                used += unsafe receiveCompressedPart(part, inbound)
            } else {
                unsafe receivePlainPart(part, inbound)
                used = end
            }
        }
        return used
    }

    private func receivePlainPart(_ part: UnsafeMutableRawBufferPointer, _ inbound: Inbound) {
        unsafe inbound.state.assembler.unmask(part)
        let bytes = UnsafeRawBufferPointer(part)
        let isValid = unsafe inbound.state.assembler.validate(bytes)
        guard isValid else { return fail(.invalidUTF8) }
        if let violation = inbound.state.assembler.skip(part.count) { return fail(violation) }
        unsafe handOn(bytes, isLast: inbound.state.assembler.isComplete, inbound)
    }

    /// Inflates a part, as long as the handler does not pause. Returns how many bytes were used:
    /// the others are left as they came.
    private func receiveCompressedPart(
        _ part: UnsafeMutableRawBufferPointer,
        _ inbound: Inbound
    ) -> Int {
        unsafe inbound.state.assembler.unmask(part)
        var used = 0
        while used < part.count, mayProceed {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: part[used...])
            guard unsafe inflatePart(rest, &used, inbound) else { return part.count }
        }
        if used < part.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: part[used...])
            unsafe inbound.state.assembler.unmask(rest)
        } else if inbound.state.assembler.isComplete {
            handOnEnd(inbound)
        }
        return used
    }

    /// Returns false when the connection failed.
    private func inflatePart(
        _ rest: UnsafeRawBufferPointer,
        _ used: inout Int,
        _ inbound: Inbound
    ) -> Bool {
        guard let compression = state.compression else {
            fail(.reservedBits)
            return false
        }
        var problem: ProtocolViolation?
        var usedNow = 0
        let violation = unsafe compression.withInflatedPart(
            rest,
            budget: Self.partByteCountMax,
            limit: limits.maxMessageSize
        ) { bytes, count in
            usedNow = count
            problem = inbound.state.assembler.skip(count)
            if problem == nil, unsafe !inbound.state.assembler.validate(bytes) {
                problem = .invalidUTF8
            }
            if problem == nil, bytes.count > 0 { unsafe handOn(bytes, isLast: false, inbound) }
        }
        used += usedNow
        guard let violation = violation ?? problem else { return true }
        fail(violation)
        return false
    }

    /// Hands on the last part of a message whose last byte has been taken in.
    private func handOnEnd(_ inbound: Inbound) {
        guard inbound.state.assembler.isCompressed else {
            return unsafe handOn(
                UnsafeRawBufferPointer(start: nil, count: 0),
                isLast: true,
                inbound
            )
        }
        guard let compression = state.compression else { return fail(.reservedBits) }
        var isValid = true
        let violation = unsafe compression.withLastInflatedPart(limit: limits.maxMessageSize) {
            bytes in
            isValid = unsafe inbound.state.assembler.validate(bytes, isLast: true)
            if isValid { unsafe handOn(bytes, isLast: true, inbound) }
        }
        if let violation { fail(violation) } else if !isValid { fail(.invalidUTF8) }
    }

    private func handOn(_ bytes: UnsafeRawBufferPointer, isLast: Bool, _ inbound: Inbound) {
        guard let handler = state.handler else { return }
        let part = inbound.state.assembler.nextPart(isLast: isLast)
        if isLast {
            // Before the call, so that nothing the handler does finds half a message.
            loop.state.counters[Counter.messagesReceived] &+= 1
            inbound.state.assembler.reset(pool: &loop.state.buffers)
            releaseIdleInbound()
        }
        handler.receivedPart(unsafe bytes.bytes, part, on: WebSocket(self))
    }
}
