/// The part of an event loop that every read and every write touches.
///
/// It lives in a block of its own and is reached through ``Loop``, a plain pointer: no reference
/// counting, no exclusivity check. Only the loop's thread may touch it.
@safe
struct LoopState {
    /// The object this state belongs to, which outlives it.
    let owner: Unmanaged<EventLoop>
    /// Who runs tasks on this loop.
    let executor: Unmanaged<LoopExecutor>
    /// How sockets are read and written on this loop.
    let transport: Unmanaged<Transport>
    /// What the loop is doing, for the watchdog.
    let activity: Unmanaged<LoopActivity>
    let receiveBuffer: ReceiveBuffer
    var cork: CorkBuffer
    var buffers = BufferPool()
    var slab: ConnectionSlab
    var deadlines = DeadlineTable()
    /// Connections with something to do before the loop sleeps: flush, resume, end.
    var attention = AttentionList()
    /// Tasks are to be run or resumed, see ``LoopExecutor``.
    var hasTasks = false
    /// Blocks for connections that have something to keep, for the next one that needs them.
    var spareInbound: [Inbound] = []
    var spareOutbound: [Outbound] = []
    static let spareCountMax = 64
    var randomness = RandomPool()
    /// Made with the first connection that has TLS.
    var tls: LoopTLS?
    /// What is counted, for other threads to read.
    let counters: Meter.Counts
    /// What is held for connections beside the blocks and the pool, in bytes.
    var memory = LoopMemory()
    /// Connections that had their share of the turn and go on in the next.
    var yielded: [ConnectionID] = []
    /// The loop's clock in ticks of ``DeadlineTable/ticksPerSecond``; it does not jump.
    var now: UInt32 = 1
    /// Whether the loop slept since ``now`` was read.
    var isClockStale = false
    /// The connection that was read last, and what it got in this turn, for fairness.
    var lastReader: UnsafeMutablePointer<ConnectionBlock>?
    var lastReaderByteCount = 0
    var lastReaderFrameCount = 0
    /// When another than the one before was read last.
    var sharedTick: UInt32 = 0
}

/// A pointer to the state of one event loop.
@safe
struct Loop {
    private let pointer: UnsafeMutablePointer<LoopState>

    init(_ pointer: UnsafeMutablePointer<LoopState>) {
        unsafe self.pointer = pointer
    }

    var state: LoopState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// The loop's transport, called without retaining it.
    @inline(__always)
    func withTransport<Result>(_ body: (Transport) -> Result) -> Result {
        unsafe state.transport._withUnsafeGuaranteedRef { body($0) }
    }

    /// Notes what the loop does next, in case that it does not come back from it. One store.
    @inline(__always)
    func note(_ work: LoopWork, route: RouteMark = .none) {
        unsafe state.activity._withUnsafeGuaranteedRef { $0.note(work, route) }
    }

    /// Lets tasks go on that have something to go on with.
    @inline(__always)
    func runTasks() {
        unsafe state.executor._withUnsafeGuaranteedRef { $0.run() }
    }

    /// The event loop itself, for control calls.
    var eventLoop: EventLoop { unsafe state.owner.takeUnretainedValue() }

    /// The time in ticks, read once per turn.
    @inline(__always)
    func currentTick() -> UInt32 {
        if state.isClockStale { readClock() }
        return state.now
    }

    @inline(never)
    private func readClock() {
        unsafe state.owner._withUnsafeGuaranteedRef { $0.updateClock() }
    }

    func deallocate() {
        for inbound in state.spareInbound { inbound.deallocate() }
        for outbound in state.spareOutbound { outbound.deallocate() }
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }
}
