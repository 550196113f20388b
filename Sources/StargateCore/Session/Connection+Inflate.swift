// Compressed messages that arrive in pieces. They are inflated as they come, so that a bomb is
// noticed when it goes off, and bad UTF-8 at the byte that makes it bad, not at the message's end.

extension Connection {
    /// How much is inflated before it is looked at.
    private static let stepByteCount = 64 << 10

    /// Whether a frame whose header was just taken in has to be inflated in pieces: all but those
    /// that are a whole message and lie in the buffer.
    func isInflatedInPieces(
        _ header: FrameHeader,
        arrived count: Int,
        _ inbound: Inbound
    ) -> Bool {
        guard inbound.state.assembler.isCompressed else { return false }
        let isWhole = header.isFinal && header.opcode != .continuation
        return !isWhole || count < header.payloadByteCount
    }

    /// Inflates what has arrived of the current frame, and delivers the message when it is whole.
    func inflatePieces(_ arrived: UnsafeMutableRawBufferPointer, _ inbound: Inbound) {
        guard let compression = state.compression else { return fail(.reservedBits) }
        unsafe inbound.state.assembler.unmask(arrived)
        var used = 0
        var problem: ProtocolViolation?
        while used < arrived.count, problem == nil {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: arrived[used...])
            let violation = unsafe compression.withInflatedPart(
                rest,
                budget: Self.stepByteCount,
                limit: limits.maxMessageSize
            ) { bytes, count in
                used &+= count
                problem = inbound.state.assembler.skip(count)
                unsafe keepInflated(bytes, isLast: false, inbound, &problem)
            }
            problem = problem ?? violation
        }
        if problem == nil, inbound.state.assembler.isComplete {
            let violation = unsafe compression.withLastInflatedPart(limit: limits.maxMessageSize) {
                unsafe keepInflated($0, isLast: true, inbound, &problem)
            }
            problem = problem ?? violation
        }
        accountCompression()
        if let problem {
            fail(problem)
        } else if inbound.state.assembler.isComplete {
            deliverAssembled(inbound, isInflated: true)
        }
    }

    private func keepInflated(
        _ bytes: UnsafeRawBufferPointer,
        isLast: Bool,
        _ inbound: Inbound,
        _ problem: inout ProtocolViolation?
    ) {
        guard problem == nil else { return }
        guard unsafe inbound.state.assembler.validate(bytes, isLast: isLast) else {
            problem = .invalidUTF8
            return
        }
        loop.state.buffers.reserve(bytes.count, in: &inbound.state.assembler.payload)
        unsafe inbound.state.assembler.payload.append(bytes)
    }
}
