// Between the callbacks of a connection and the task of its handler. The callbacks put messages into
// a ring; the task takes them out; both run on the loop's thread, so there is nothing to lock.

/// One connection of the structured tier.
///
/// Each continuation in it is taken out before it is resumed, so none is resumed twice; and at the
/// end of the connection and of the handler all are.
@usableFromInline
@safe
final class AsyncSession: WebSocketHandler {
    typealias Body = nonisolated(nonsending) @Sendable (AsyncWebSocket) async throws -> Void
    typealias Completion = (Result<Void, any Error>) -> Void

    /// A session on its way into its task, which runs on the session's own loop and nowhere else.
    @usableFromInline
    struct Start: @unchecked Sendable {
        let session: AsyncSession
    }

    /// How a handler ended.
    private enum Outcome {
        case returned
        case threw(any Error)
    }

    let credit: ReceiveCredit
    let request: UpgradeRequest?
    private let body: Body
    /// Told when the handler has ended and the connection is over; for clients.
    private let completion: Completion?

    private let block: UnsafeMutablePointer<State>
    /// Where the handler's task waits, and those that send for others.
    @usableFromInline let lot: ParkingLot
    private(set) var executor: LoopExecutor?
    private(set) var loopActor: LoopActor?
    /// What can be asked about the connection when it is over, too.
    private(set) var id: ConnectionID?
    private(set) var subprotocol: String?
    private weak var eventLoop: EventLoop?
    private var task: Task<Void, Never>?
    /// What the peer is told when the handler was cancelled.
    private var farewell = (code: CloseCode.goingAway, reason: "")
    private var outcome: Outcome?
    private var survivalTimer: LoopTimer?
    private var survivalTime = Duration.seconds(5)

    /// Whether the handler takes messages in parts, which then wait in ``State/parts``: see
    /// `AsyncSession+Parts.swift`.
    let isStreaming: Bool
    var incoming = IncomingState.betweenMessages
    /// How many messages the handler has begun to take in parts.
    var incomingNumber = 0

    init(
        credit: ReceiveCredit,
        isStreaming: Bool = false,
        request: UpgradeRequest? = nil,
        completion: Completion? = nil,
        body: @escaping Body
    ) {
        self.credit = credit
        self.isStreaming = isStreaming
        self.request = request
        self.completion = completion
        self.body = body
        unsafe block = .allocate(capacity: 1)
        unsafe block.initialize(to: State())
        lot = unsafe ParkingLot(ParkingLot.Executor(block))
        unsafe state.session = Unmanaged.passUnretained(self)
    }

    deinit {
        unsafe block.deinitialize(count: 1)
        unsafe block.deallocate()
    }

    var state: State {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(block) }
        @inline(__always) unsafeMutableAddress { unsafe block }
    }

    // What the rest of the library asks.
    var socket: WebSocket? { state.socket }
    var end: WebSocketClosed? { state.end }
    var isCancelled: Bool { state.isCancelled }

    /// Whether this runs where the session may be touched.
    ///
    /// The compiler keeps the session in its task, and the task's isolation keeps it on the loop,
    /// with one exception: a closure given to `withTaskExecutorPreference` runs on the executor
    /// named there. What suspends finds its way back to the loop then; what does not cannot.
    @inline(__always)
    var isHere: Bool { withExecutor { $0.isCurrent } ?? true }

    func checkIsHere() {
        precondition(isHere, "a socket is used on its loop, not on a task executor of your own")
    }

    /// Whether the handler has ended.
    var isOver: Bool { state.isOver }

    // MARK: The handler's life

    @usableFromInline
    func opened(_ socket: WebSocket) {
        guard let eventLoop = socket.eventLoop else { return }
        state.socket = socket
        id = socket.id
        subprotocol = socket.subprotocol
        self.eventLoop = eventLoop
        let executor = eventLoop.executor
        self.executor = executor
        unsafe state.executor = Unmanaged.passUnretained(executor)
        unsafe state.loop = executor.block
        loopActor = eventLoop.loopActor
        executor.handlerStarted()
        task = eventLoop.loopActor.begin(Start(session: self))
    }

    nonisolated(nonsending) func runHandler() async {
        do {
            try await body(AsyncWebSocket(self))
            finish(.returned)
        } catch {
            finish(.threw(error))
        }
    }

    /// The handler is done, and with it the connection: a return closes with 1000, an error with
    /// 1011, cancellation with 1001.
    private func finish(_ outcome: Outcome) {
        self.outcome = outcome
        state.isOver = true
        task = nil
        executor?.handlerEnded()
        survivalTimer?.cancel()
        survivalTimer = nil
        state.ring.removeAll()
        state.parts.removeAll()
        accountInput()
        setPaused(false)
        if let socket {
            switch outcome {
            case _ where isCancelled: socket.close(farewell.code, reason: farewell.reason)
            case .returned: socket.close(.normalClosure)
            case .threw(let error):
                if socket.isOpen, completion == nil { socket.current?.reportHandlerError(error) }
                socket.close(.internalError)
            }
        }
        completeWhenOver()
    }

    /// Has the handler end: where it waits for a message or for room it is told by
    /// `CancellationError`, and the connection is closed with 1001, or another code, when it is
    /// done. Returns false if it is already.
    @discardableResult
    func cancel(_ code: CloseCode = .goingAway, _ reason: String = "") -> Bool {
        guard outcome == nil, let task else { return false }
        state.isCancelled = true
        farewell = (code, reason)
        task.cancel()
        resumeReader()
        resumeWriters()
        return true
    }

    // MARK: The end of the connection

    @usableFromInline
    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        let end = WebSocketClosed(code: code, reason: reason)
        if let limits = socket.current?.limits { survivalTime = limits.closeTimeout }
        state.end = end
        state.socket = nil
        resumeWriters()
        resumeReader()
        if outcome == nil {
            if end.isNormal { executor?.watchSurvivor(self) } else { task?.cancel() }
        }
        completeWhenOver()
    }

    /// The peer has said goodbye and the handler is still at work. It may use what it has received;
    /// but what waits for something that never comes must not stay for ever.
    func limitSurvival() {
        guard outcome == nil, let eventLoop else { return }
        if eventLoop.isStopping { return cancelTask() }
        survivalTimer = eventLoop.schedule(after: survivalTime) { [weak self] _ in
            self?.cancelTask()
        }
        eventLoop.closeOnStop(self) { [weak self] in self?.cancelTask() }
    }

    private func cancelTask() {
        task?.cancel()
    }

    private func completeWhenOver() {
        guard let outcome, end != nil else { return }
        eventLoop?.forget(self)
        switch outcome {
        case .returned: completion?(.success(()))
        case .threw(let error): completion?(.failure(error))
        }
    }
}
