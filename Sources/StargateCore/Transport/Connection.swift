/// A connection: a pointer to its block, used on its loop's thread.
///
/// The walk of a message: the transport fills ``receiveSpace()`` and calls ``received(_:)``; the
/// frame loop (`Session/Connection+Frames.swift`) hands messages to the handler; what the handler
/// sends goes through `Connection+Send.swift` into the cork, and `Connection+Flush.swift` gives it
/// to the transport when the callback is over.
@safe
struct Connection: Equatable {
    let block: UnsafeMutablePointer<ConnectionBlock>

    init(_ block: UnsafeMutablePointer<ConnectionBlock>) {
        unsafe self.block = unsafe block
    }

    static func == (left: Connection, right: Connection) -> Bool {
        unsafe left.block == right.block
    }

    var state: ConnectionBlock {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(block) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe block }
    }

    @inline(__always)
    var loop: Loop { state.loop }

    /// The transport's storage behind the block.
    @inline(__always)
    var transportStorage: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(block) + ConnectionSlab.transportOffset
    }

    /// What this connection shares with others of its kind, without retaining it.
    @inline(__always)
    func withContext<Result>(_ body: (ConnectionContext) -> Result) -> Result? {
        guard let context = unsafe state.context else { return nil }
        return unsafe context._withUnsafeGuaranteedRef { body($0) }
    }

    /// All limits, copied out: for what is not done with every read.
    var limits: ConnectionLimits {
        withContext { $0.limits } ?? ConnectionLimits()
    }

    /// The limits that are durations, in ticks.
    var ticks: DeadlineTicks {
        withContext { $0.ticks } ?? DeadlineTicks(ConnectionLimits())
    }

    var isClient: Bool { state.flags.contains(.isClient) }

    /// Whether frames are received: after the opening handshake, until the connection ends.
    @inline(__always)
    var receivesFrames: Bool { state.flags.contains(.receivesFrames) }

    /// A name for the connection that stays its own when the block is used again.
    var id: ConnectionID {
        ConnectionID(
            loop: state.loopIndex,
            slot: state.slot,
            generation: state.generation
        )
    }

    // MARK: Beginning and end of a block's use

    /// Makes the block a connection. `context` is kept until the socket is closed.
    func begin(_ context: ConnectionContext, phase: Phase, isClient: Bool) {
        assert(state.phase == .free, "a block is used by one connection at a time")
        unsafe state.context = Unmanaged.passRetained(context)
        state.flags = isClient ? .isClient : []
        state.phase = phase
        state.version = .rfc6455
        state.route = .none
        state.endCode = .abnormalClosure
        state.lastHeard = loop.currentTick()
        state.pingSentAt = 0
        state.roundTrip = 0
        state.messageCredit = MessageCredit()
        loop.state.counters[Counter.connectionsActive] &+= 1
        context.owner?.connectionBegun()
    }

    /// The transport has closed the socket: the block may be used again.
    func transportClosed() {
        state.flags.insert(.isReleased)
        // The attention list goes through the block, so it must be off the list first.
        if !state.flags.contains(.needsAttention) { release() }
    }

    func release() {
        discardInbound()
        discardOutbound()
        if let session = state.tls { discardTLS(session) }
        state.handler = nil
        discardCompression()
        state.subscriptions = nil
        if let seat = state.seat.take() { seat.leave() }
        loop.state.deadlines.clear(slot: state.slot)
        if let context = unsafe state.context {
            unsafe state.context = nil
            unsafe context._withUnsafeGuaranteedRef { $0.owner?.connectionReleased() }
            unsafe context.release()
        }
        state.phase = .free
        state.flags = []
        // Handles to the connection that was do not match from here on.
        state.generation &+= 1
        loop.state.counters[Counter.connectionsActive] &-= 1
        loop.state.slab.give(self)
    }

    // MARK: Attention

    /// Asks to be looked at before the loop sleeps.
    @inline(__always)
    func askForAttention() {
        guard !state.flags.contains(.needsAttention) else { return }
        state.flags.insert(.needsAttention)
        loop.state.attention.append(self)
    }

    /// Does what was put off: it ends, resumes, or flushes.
    func attend() {
        if state.flags.contains(.isReleased) { return release() }
        if state.flags.contains(.isCondemned) { return abort() }
        if let subscriptions = state.subscriptions { attendPublications(subscriptions) }
        resumeHeldInput()
        flush()
    }

    // MARK: Deadline

    /// Sets the one deadline of this connection, counted from now.
    func setDeadline(after duration: Duration) {
        setDeadline(afterTicks: UInt32(ticks: duration))
    }

    func setDeadline(afterTicks ticks: UInt32) {
        // The current tick has begun already: one more, so that no deadline comes early.
        setDeadline(atTick: loop.currentTick() &+ ticks &+ 1)
    }

    func setDeadline(atTick tick: UInt32) {
        if loop.state.deadlines.set(tick, slot: state.slot) {
            loop.eventLoop.startDeadlineTimer()
        }
    }
}

/// A Sendable name of a connection, unique in the process as long as its server lives.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    let loop: UInt32
    let slot: UInt32
    let generation: UInt32

    /// As `loop-slot-generation`, for logs.
    public var description: String { "\(loop)-\(slot)-\(generation)" }
}
