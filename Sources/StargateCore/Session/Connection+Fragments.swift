// The walk of a message, step 5, for what does not lie whole in a read: the start of a frame is kept,
// fragments and long frames go to the assembler, and what it has put together is delivered.

extension Connection {
    /// A frame that no read brings whole is taken for one of many. One that a read can bring is not,
    /// because two reads cost more than what they save.
    private static let largeFrameByteCount = ReceiveBuffer.capacity

    /// Keeps the start of a frame until the rest of it arrives: at most a header, or a control
    /// frame, which is no longer than 139 bytes.
    func spill(_ start: UnsafeRawPointer, _ count: Int) {
        let inbound = inboundState()
        guard count <= inbound.state.spill.count else { return }
        for index in 0..<count {
            inbound.state.spill[index] = unsafe start.load(fromByteOffset: index, as: UInt8.self)
        }
        inbound.state.spillByteCount = count
    }

    /// Takes in a data frame that is a fragment, or not whole. Returns how many bytes of `arrived`
    /// belonged to it.
    func receiveFragment(
        _ header: FrameHeader,
        _ arrived: UnsafeMutableRawBufferPointer
    ) -> Int {
        let limits = limits
        if header.payloadByteCount >= Self.largeFrameByteCount {
            state.flags.insert(.expectsLargeFrame)
        }
        if header.payloadByteCount > Self.sharedByteCountPerTurn { state.flags.insert(.sendsLong) }
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
        } else {
            unsafe append(UnsafeRawBufferPointer(part), to: inbound)
        }
        return count
    }

    /// Goes on with a frame that an earlier read began. Returns how many bytes belonged to it.
    func receivePartialPayload(
        _ arrived: UnsafeMutableRawBufferPointer,
        _ inbound: Inbound
    ) -> Int {
        let remaining = inbound.state.assembler.partialFrame?.remainingByteCount ?? 0
        let count = min(remaining, arrived.count)
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: arrived[..<count])
        if inbound.state.assembler.isCompressed {
            unsafe inflatePieces(part, inbound)
        } else {
            unsafe append(UnsafeRawBufferPointer(part), to: inbound)
        }
        return count
    }

    /// Joins a part of a payload to the message, and delivers what is whole.
    private func append(_ part: UnsafeRawBufferPointer, to inbound: Inbound) {
        if let violation = unsafe inbound.state.assembler.append(part, pool: &loop.state.buffers) {
            fail(violation)
        } else if inbound.state.assembler.isComplete {
            deliverAssembled(inbound)
        }
    }

    /// Lends the assembled message to the handler, then gives its memory back.
    ///
    /// - Parameters:
    ///   - inbound: where it was assembled.
    ///   - isInflated: whether it was inflated, and its text checked, as it arrived.
    func deliverAssembled(_ inbound: Inbound, isInflated: Bool = false) {
        guard let opcode = inbound.state.assembler.opcode else { return }
        // Taken out, so that nothing the handler does can reach the bytes it is reading.
        var assembler = inbound.state.assembler
        inbound.state.assembler = MessageAssembler()
        releaseIdleInbound()
        let bytes = unsafe UnsafeRawBufferPointer(assembler.payload.bytes)
        let fragmentCount = assembler.fragmentCount
        if isClient, fragmentCount > 1 { tellFrameReader { $0.joinedFragments(fragmentCount) } }
        if assembler.isCompressed, !isInflated {
            unsafe deliverCompressed(opcode, bytes)
        } else if opcode == .text {
            unsafe deliverText(bytes)
        } else {
            unsafe deliverBinary(bytes)
        }
        assembler.reset(pool: &loop.state.buffers)
    }
}
