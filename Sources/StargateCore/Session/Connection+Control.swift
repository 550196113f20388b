// Control frames: pings are answered, pongs reported, and a Close frame begins or completes the
// closing handshake. RFC 6455 section 5.5.

extension Connection {
    /// Takes in a whole control frame; `payload` is still masked.
    func receiveControl(
        _ header: FrameHeader,
        _ payload: UnsafeMutableRawPointer
    ) {
        if header.maskingKey != 0 {
            unsafe Masking.apply(payload, count: header.payloadByteCount, key: header.maskingKey)
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: header.payloadByteCount)
        switch header.opcode {
        case .ping: unsafe receivedPing(bytes)
        case .pong:
            state.flags.remove(.expectsPong)
            if state.pingSentAt != 0, bytes.count == 0 { measureRoundTrip() }
            state.handler?.ponged(unsafe bytes.bytes, on: WebSocket(self))
        default: unsafe receivedClose(bytes)
        }
    }

    /// RFC 6455 section 5.5.3: a pong carries the payload of its ping. To a peer that does not
    /// read, only the latest ping is answered, once it reads again.
    private func receivedPing(_ payload: UnsafeRawBufferPointer) {
        guard state.phase == .open else { return }
        if isClient { tellFrameReader { $0.answeredPing() } }
        if let outbound = state.outbound, state.flags.contains(.isBlocked) {
            var ping = UnansweredPing(
                count: UInt8(truncatingIfNeeded: payload.count),
                bytes: InlineArray(repeating: 0)
            )
            for index in 0..<min(payload.count, 125) { ping.bytes[index] = unsafe payload[index] }
            outbound.queue.unansweredPing = ping
            return
        }
        loop.state.counters[Counter.controlFramesSent] &+= 1
        unsafe sendFrame(0x80 | Opcode.pong.rawValue, payload)
    }

    private func countCloseSent(_ code: CloseCode) {
        loop.state.counters[Counter.controlFramesSent] &+= 1
        loop.state.counters[.closeCodesSent, CloseCodeClass(code).place] &+= 1
    }

    /// Answers the latest ping that had to wait.
    func answerLatestPing(_ outbound: Outbound) {
        guard let ping = outbound.queue.unansweredPing else { return }
        outbound.queue.unansweredPing = nil
        guard state.phase == .open else { return }
        loop.state.counters[Counter.controlFramesSent] &+= 1
        let bytes = ping.bytes
        let span = bytes.span
        unsafe span.withUnsafeBytes { payload in
            _ = unsafe sendFrame(
                0x80 | Opcode.pong.rawValue,
                UnsafeRawBufferPointer(rebasing: payload[..<Int(ping.count)])
            )
        }
    }

    // MARK: The closing handshake (RFC 6455 section 7)

    private func receivedClose(_ payload: UnsafeRawBufferPointer) {
        var code = CloseCode.noStatusReceived
        var reason = ""
        // RFC 6455 section 5.5.1: the payload is empty, or begins with the code.
        if payload.count == 1 { return fail(.closePayloadOfOneByte) }
        if payload.count >= 2 {
            code = CloseCode(
                rawValue: unsafe UInt16(payload[0]) &<< 8 | UInt16(payload[1])
            )
            guard code.isValidOnWire else { return fail(.invalidCloseCode) }
            let text = unsafe UnsafeRawBufferPointer(rebasing: payload[2...])
            guard unsafe UTF8Validator.isValid(text) else { return fail(.invalidCloseReason) }
            // Most say no more than the code.
            if text.count > 0 { reason = unsafe String(decoding: text, as: UTF8.self) }
        }
        loop.state.counters[.closeCodesReceived, CloseCodeClass(code).place] &+= 1
        state.flags.insert(.heardClose)
        if state.phase == .open {
            countCloseSent(code)
            // RFC 6455 section 5.5.1: answered with the code that was received.
            unsafe sendFrame(
                0x80 | Opcode.close.rawValue,
                UnsafeRawBufferPointer(rebasing: payload[..<min(2, payload.count)])
            )
        }
        end(code, reason)
    }

    /// Begins the closing handshake; the peer has `closeTimeout` to answer.
    func close(_ code: CloseCode, _ reason: String) {
        guard state.phase == .open else { return }
        finishPublications()
        if state.version.isHixie { return closeHixie() }
        sendClose(code, reason)
        state.phase = .closing
        setDeadline(afterTicks: ticks.close)
    }

    /// Fails the connection: says why in a Close frame, and receives nothing more.
    /// RFC 6455 section 7.1.7. Not to be called from within the handler's own calls.
    func fail(_ violation: ProtocolViolation) {
        fail(violation.code, violation.reason)
    }

    func fail(_ code: CloseCode, _ text: String, reason: FailureReason? = nil) {
        guard receivesFrames else { return }
        countFailure(reason ?? FailureReason(code))
        if state.phase == .open {
            if state.version.isHixie { sendHixieClose() } else { sendClose(code, text) }
        }
        end(code, text)
    }

    /// This endpoint ends a connection because of something.
    func countFailure(_ reason: FailureReason) {
        loop.state.counters[Counter.connectionsFailed] &+= 1
        loop.state.counters[reason] &+= 1
    }

    private func sendClose(_ code: CloseCode, _ reason: String) {
        countCloseSent(code)
        guard code.isValidOnWire else {
            let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
            unsafe sendFrame(0x80 | Opcode.close.rawValue, nothing)
            return
        }
        var payload = [UInt8(truncatingIfNeeded: code.rawValue >> 8)]
        payload.append(UInt8(truncatingIfNeeded: code.rawValue))
        payload.append(contentsOf: reason.utf8Prefix(byteCount: 123))
        _ = unsafe payload.withUnsafeBytes { unsafe sendFrame(0x80 | Opcode.close.rawValue, $0) }
    }

    /// The connection is over for the application; what is buffered still leaves.
    ///
    /// RFC 6455 section 7.1.1: the server ends the TCP connection first, so that the client does not
    /// have to keep its port in TIME_WAIT. Bytes that may still arrive are read and thrown away, because
    /// closing with unread bytes would reset the connection and could take the Close frame with it.
    func end(_ code: CloseCode, _ reason: String) {
        state.phase = .ending
        state.flags.subtract(.isPaused)
        discardInbound()
        setDeadline(afterTicks: ticks.close)
        notifyClosed(code, reason)
        resumeReading()
        // At the end of a callback of its own that is done anyway, with what it sent.
        if !state.flags.contains(.isProcessing) { shutDownWhenFlushed() }
    }

    /// Tells the handler, exactly once.
    func notifyClosed(_ code: CloseCode, _ reason: String) {
        leaveTopics()
        guard let handler = state.handler else { return }
        state.handler = nil
        loop.note(.closed, route: state.route)
        loop.state.counters[state.version] &-= 1
        handler.closed(WebSocket(self), code: code, reason: reason)
    }
}

extension String {
    /// The longest prefix of whole characters that fits.
    fileprivate func utf8Prefix(byteCount: Int) -> Substring.UTF8View {
        guard utf8.count > byteCount else { return self[...].utf8 }
        var end = utf8.index(startIndex, offsetBy: byteCount)
        while end.samePosition(in: unicodeScalars) == nil, end > startIndex {
            end = utf8.index(before: end)
        }
        return self[..<end].utf8
    }
}
