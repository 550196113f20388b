// What every message of a handler touches, in a block of its own: reached through a plain pointer,
// without the checks for exclusive access that a property of a class has. And how a handler waits:
// its task is parked in that block, and the loop runs it from there.

extension AsyncSession {
    /// The part of a session that every message touches. Only the loop's thread may, or, once the
    /// loop has ended, the one thread that runs what is left.
    @safe
    struct State: ~Copyable {
        /// The session itself.
        var session: Unmanaged<AsyncSession>?
        /// The connection; nil when it is over.
        var socket: WebSocket?
        /// The executor, which the session keeps: no message retains it.
        var executor: Unmanaged<LoopExecutor>?
        /// What that keeps for the loop's thread.
        var loop: UnsafeMutablePointer<LoopExecutor.State>?
        /// Why the connection is over.
        var end: WebSocketClosed?
        var isCancelled = false
        /// Whether the handler has ended.
        var isOver = false

        // Receiving: see `AsyncSession+Receive.swift`.
        var ring = WaitingRing<OwnedMessage>()
        var parts = WaitingRing<ReceivedPart>()
        /// The handler's task, waiting for a message.
        var reader: UnownedJob?
        /// What a task is about to be parked for.
        var parking: Wait?
        var isPaused = false
        /// What is on the loop's account of what waits here.
        var accountedByteCount = 0

        // Sending: see `AsyncSession+Send.swift`.
        /// Tasks that wait until less is buffered, or until a streamed message has ended.
        var writers: [UnownedJob] = []
        /// The message that is being sent fragment by fragment.
        var stream: FragmentStream?
        var sentSinceSuspended = 0

        /// A task stopped here.
        mutating func park(_ job: UnownedJob) {
            guard let wait = parking.take() else {
                preconditionFailure("a task is parked by its session only")
            }
            switch wait {
            case .input: reader = job
            case .room: writers.append(job)
            case .turn: unsafe executor?._withUnsafeGuaranteedRef { $0.add(job) }
            }
        }
    }

    /// What a task waits for.
    enum Wait {
        /// A message, or the end.
        case input
        /// Room in the output, or the end of a streamed message.
        case room
        /// Nothing: others are to have their turn first.
        case turn
    }

    /// Suspends the calling task, which is on the loop, until the session has it go on.
    nonisolated(nonsending) func park(_ wait: Wait) async {
        checkIsHere()
        state.parking = wait
        await lot.park()
        checkParked()
    }

    /// The task that was to be parked has been, and goes on. Were it not so, because a compiler
    /// finds nothing to wait for in a parking lot, its handler would run for ever.
    @inline(__always)
    func checkParked() {
        precondition(state.parking == nil, "a task was not parked where it had to wait")
    }

    /// Calls the loop's executor without retaining it. Nil before the connection is open.
    @inline(__always)
    func withExecutor<Result>(_ body: (LoopExecutor) -> Result) -> Result? {
        unsafe state.executor?._withUnsafeGuaranteedRef { body($0) }
    }
}
