// The walk of a message, steps 4 to 6: frames are scanned where the kernel put them, unmasked in
// place, and a message that is whole is lent to the handler as it lies. This loop is the hot path:
// no allocation, no reference counting and no dynamic dispatch but the handler's own method.
//
// What the loop asks again for every frame is what a handler can change by what it does, and all of
// that is in the flags. All else is read once per read and stays in registers.

extension Connection {
    /// Processes bytes that are frames. Uses up all of them: what is not whole is kept.
    ///
    /// - Parameter bytes: bytes in a buffer of the loop, with ``BufferPool/slack`` behind them.
    func receiveFrames(_ bytes: UnsafeMutableRawBufferPointer) {
        if state.version.isHixie {
            return unsafe receiveHixieFrames(UnsafeRawBufferPointer(bytes))
        }
        guard var cursor = bytes.baseAddress else { return }
        let end = unsafe cursor + bytes.count
        if state.inbound != nil { unsafe cursor = unsafe receiveRest(cursor, end) }
        if isClient, unsafe cursor < end {
            // checked: both point into the read.
            let arrived = unsafe UnsafeRawBufferPointer(start: cursor, count: end - cursor)
            unsafe cursor += offerFrames(arrived)
        }
        guard unsafe cursor < end else { return }
        let rate = frameRate
        let budget = frameBudget(rate: rate)
        guard budget > 0, mayProceed else {
            if receivesFrames { unsafe keepFrames(cursor, end, rate: rate) }
            return
        }
        unsafe receive(cursor, end, budget: budget, rate: rate)
    }

    /// The same for a connection that is not ``ConnectionFlags/isUncommon``, keeps nothing of an
    /// earlier read, and has its turn.
    @inline(__always)
    func receiveMessages(_ start: UnsafeMutableRawPointer, count: Int, _ loop: Loop) {
        let budget = Self.frameCountPerTurn &- loop.state.lastReaderFrameCount
        // checked: so many bytes were read there.
        unsafe receive(start, start + count, budget: budget, rate: 0)
    }

    /// The loop. It takes in one frame at least and `budget` frames at most.
    @inline(__always)
    private func receive(
        _ start: UnsafeMutableRawPointer,
        _ end: UnsafeMutableRawPointer,
        budget: Int,
        rate: Int
    ) {
        var cursor = unsafe start
        var budget = budget
        // How many messages were whole.
        var count = 0
        repeat {
            guard state.flags.intersection(.decideFrames) == .receivesFrames,
                let whole = unsafe FrameScanner.scanWhole(
                    cursor,
                    end,
                    payloadByteCountMax: state.wholeByteCountMax
                )
            else {
                guard mayProceed else { break }
                budget &-= 1
                countFrames(1, messageCount: 0, rate: rate)
                unsafe cursor = unsafe receiveOther(cursor, end)
                continue
            }
            count &+= 1
            // checked: the payload lies before the end.
            unsafe cursor = unsafe whole.payload + whole.payloadByteCount
            if unsafe cursor == end { loop.state.cork.expectsLast(whole.payloadByteCount) }
            receiveWhole(whole)
        } while unsafe cursor < end && count < budget
        countFrames(count, messageCount: count, rate: rate)
        // Left over when the application paused in the middle of the read, or much came.
        if unsafe cursor < end, receivesFrames { unsafe keepFrames(cursor, end, rate: rate) }
    }

    /// Whether the next frame may be processed.
    @inline(__always)
    var mayProceed: Bool {
        receivesFrames && state.flags.isDisjoint(with: .stopsFrames)
    }

    var maxMessageSize: Int { withContext { $0.limits.maxMessageSize } ?? 0 }

    @inline(__always)
    private func countMessages(_ count: Int) {
        loop.state.counters[Counter.messagesReceived] &+= UInt64(truncatingIfNeeded: count)
    }

    /// Unmasks, checks and delivers a message that lies whole in the buffer. The caller counts it,
    /// be it right or wrong.
    @inline(__always)
    private func receiveWhole(_ whole: WholeMessage) {
        let payload = unsafe whole.payload
        let count = whole.payloadByteCount
        let key = whole.maskingKey
        let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: count)
        if whole.isText {
            // Most text is ASCII, and that is seen on the way.
            guard
                unsafe Masking.applyWithSlack(payload, count: count, key: key, notesASCII: true)
                    || UTF8Validator.isValid(bytes)
            else { return failInvalidText() }
            unsafe handText(bytes)
        } else {
            _ = unsafe Masking.applyWithSlack(payload, count: count, key: key, notesASCII: false)
            unsafe handBinary(bytes)
        }
    }

    @inline(never)
    private func failInvalidText() { fail(.invalidUTF8) }

    /// The validator must have checked the bytes.
    @inline(__always)
    private func handText(_ bytes: UnsafeRawBufferPointer) {
        let characters = unsafe UnsafeBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            count: bytes.count
        )
        let text = unsafe UTF8Span(unchecked: characters.span)
        state.lentHandler?.received(.text(text), on: WebSocket(self))
    }

    @inline(__always)
    private func handBinary(_ bytes: UnsafeRawBufferPointer) {
        state.lentHandler?.received(.binary(unsafe bytes.bytes), on: WebSocket(self))
    }

    @inline(__always)
    func deliverText(_ bytes: UnsafeRawBufferPointer) {
        countMessages(1)
        unsafe handText(bytes)
    }

    @inline(__always)
    func deliverBinary(_ bytes: UnsafeRawBufferPointer) {
        countMessages(1)
        unsafe handBinary(bytes)
    }

    // MARK: What is not a whole message

    /// Goes on with a frame that an earlier read began. Returns where the next one begins.
    private func receiveRest(
        _ start: UnsafeMutableRawPointer,
        _ end: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard let inbound = state.inbound, inbound.state.assembler.partialFrame != nil else {
            return unsafe start
        }
        // checked: both point into the read.
        let arrived = unsafe UnsafeMutableRawBufferPointer(start: start, count: end - start)
        return unsafe start
            + (streamsMessages
                ? receiveParts(arrived, inbound)
                : receivePartialPayload(arrived, inbound))
    }

    /// Takes in one frame, or what there is of it: a control frame, a fragment, a message whose
    /// other half is on its way, whatever breaks the protocol. Returns where the next one begins.
    @inline(never)
    private func receiveOther(
        _ start: UnsafeMutableRawPointer,
        _ end: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let rules = FrameRules(
            expectsMask: !isClient,
            allowedReservedBits: state.compression == nil ? 0 : 0x40,
            payloadByteCountMax: maxMessageSize
        )
        // checked: both point into the read.
        let available = unsafe end - start
        switch unsafe FrameScanner.scan(start, available: available, rules: rules) {
        case .complete(let header):
            let payload = unsafe start + header.headerByteCount
            let arrived = available &- header.headerByteCount
            let isWhole = header.payloadByteCount <= arrived
            if isWhole, header.isWholeMessage, state.inbound == nil, !streamsMessages {
                let whole = unsafe WholeMessage(header, at: payload)
                countMessages(1)
                receiveWhole(whole)
                return unsafe payload + header.payloadByteCount
            }
            if header.opcode.isControl {
                guard isWhole else {
                    unsafe spill(start, available)
                    return unsafe end
                }
                unsafe receiveControl(header, payload)
                return unsafe payload + header.payloadByteCount
            }
            let rest = unsafe UnsafeMutableRawBufferPointer(start: payload, count: arrived)
            return unsafe payload
                + (streamsMessages
                    ? beginParts(header, rest)
                    : receiveFragment(header, rest))
        case .incomplete:
            unsafe spill(start, available)
        case .violation(let violation):
            fail(violation)
        }
        return unsafe end
    }

    /// Keeps frames that must not be processed now.
    @inline(never)
    private func keepFrames(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer, rate: Int) {
        // checked: both point into the read.
        let rest = unsafe UnsafeRawBufferPointer(start: start, count: end - start)
        if mayProceed { unsafe postpone(rest, rate: rate) } else { unsafe hold(rest) }
    }
}
