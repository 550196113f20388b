/// What a connection has received and not used up: it exists only while there is something.
@safe
struct InboundState {
    /// The message that is being assembled, once the connection is open.
    var assembler = MessageAssembler()
    /// The same for a hixie connection, which keeps it from its first frame to its end.
    var hixie: HixieAssembler?
    /// The head of a request or response that is not whole yet.
    var head = PooledBuffer.empty
    /// How much of the head the owner has looked at.
    var scannedByteCount = 0
    /// The start of a frame that the end of a read cut: a header, or a control frame.
    var spillByteCount = 0
    var spill = InlineArray<144, UInt8>(repeating: 0)
    /// What the owner keeps about a request that is not answered within one read: its body is on the
    /// way, or a task of the application is at work on it.
    var exchange: AnyObject?
    /// Whether the connection has to begin with a PROXY header that is not whole yet.
    var awaitsProxyHeader = false
    /// What the body of a request holds, on the loop's account.
    var bodyByteCount = 0
    /// What arrived before reading was paused and has not been processed.
    var held = PooledBuffer.empty

    /// Whether there is nothing to keep.
    var isIdle: Bool {
        !assembler.isInProgress && hixie == nil && spillByteCount == 0 && head.count == 0
            && held.count == 0 && exchange == nil && !awaitsProxyHeader
    }
}

/// A pointer to what a connection has received.
@safe
struct Inbound {
    private let pointer: UnsafeMutablePointer<InboundState>

    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: InboundState())
    }

    var state: InboundState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Empties it, to be lent again.
    func reset() {
        unsafe pointer.pointee = InboundState()
    }

    func deallocate() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }
}

extension Connection {
    /// The inbound state, made if there is none.
    func inboundState() -> Inbound {
        if let inbound = state.inbound { return inbound }
        let inbound = loop.state.spareInbound.popLast() ?? Inbound()
        state.inbound = inbound
        return inbound
    }

    /// Gives the inbound state back when there is nothing in it.
    func releaseIdleInbound() {
        guard let inbound = state.inbound, inbound.state.isIdle else { return }
        discardInbound()
    }

    /// Gives the inbound state back, whatever is in it.
    func discardInbound() {
        guard let inbound = state.inbound else { return }
        state.inbound = nil
        inbound.state.assembler.reset(pool: &loop.state.buffers)
        if var hixie = inbound.state.hixie { loop.state.buffers.give(&hixie.payload) }
        loop.state.memory.bodies &-= inbound.state.bodyByteCount
        loop.state.buffers.give(&inbound.state.head)
        loop.state.buffers.give(&inbound.state.held)
        guard loop.state.spareInbound.count < LoopState.spareCountMax else {
            return inbound.deallocate()
        }
        inbound.reset()
        loop.state.spareInbound.append(inbound)
    }
}
