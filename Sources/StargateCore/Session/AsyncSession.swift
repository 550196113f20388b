// Between the callbacks of a connection and the task of its handler. The callbacks put messages into
// a ring; the task takes them out; both run on the loop's thread, so there is nothing to lock.

/// One connection of the structured tier.
///
/// Each continuation in it is taken out before it is resumed, so none is resumed twice; and at the
/// end of the connection and of the handler all are.
@safe
final class AsyncSession: WebSocketHandler {
    typealias Body = nonisolated(nonsending) @Sendable (AsyncWebSocket) async throws -> Void
    typealias Completion = (Result<Void, any Error>) -> Void

    /// A session on its way into its task, which runs on the session's own loop and nowhere else.
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

    /// The connection; nil when it is over.
    private(set) var socket: WebSocket?
    /// What can be asked about it when it is over, too.
    private(set) var id: ConnectionID?
    private(set) var subprotocol: String?
    private(set) var executor: LoopExecutor?
    private(set) var loopActor: LoopActor?
    private weak var eventLoop: EventLoop?
    private var task: Task<Void, Never>?
    private(set) var isCancelled = false
    /// What the peer is told when the handler was cancelled.
    private var farewell = (code: CloseCode.goingAway, reason: "")
    private var outcome: Outcome?
    /// Why the connection is over.
    private(set) var end: WebSocketClosed?
    private var survivalTimer: LoopTimer?
    private var survivalTime = Duration.seconds(5)

    // Receiving: see `AsyncSession+Receive.swift`.
    var ring = WaitingRing<OwnedMessage>()
    /// Whether the handler takes messages in parts, which then wait here: see
    /// `AsyncSession+Parts.swift`.
    let isStreaming: Bool
    var parts = WaitingRing<ReceivedPart>()
    var incoming = IncomingState.betweenMessages
    /// How many messages the handler has begun to take in parts.
    var incomingNumber = 0
    /// The handler, waiting for a message.
    var reader: UnsafeContinuation<Void, Never>?
    var willResumeReader = false
    var isPaused = false
    /// What is on the loop's account of that.
    var accountedByteCount = 0

    // Sending: see `AsyncSession+Send.swift`.
    /// Tasks that wait until less is buffered, or until a streamed message has ended.
    var writers: [UnsafeContinuation<Void, Never>] = unsafe []
    /// The message that is being sent fragment by fragment.
    var stream: FragmentStream?
    var sentSinceSuspended = 0

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
    }

    /// Whether this runs where the session may be touched.
    ///
    /// The compiler keeps the session in its task, and the task's isolation keeps it on the loop,
    /// with one exception: a closure given to `withTaskExecutorPreference` runs on the executor
    /// named there. What suspends finds its way back to the loop then; what does not cannot.
    var isHere: Bool { executor?.isCurrent ?? true }

    func checkIsHere() {
        precondition(isHere, "a socket is used on its loop, not on a task executor of your own")
    }

    /// Whether the handler has ended.
    var isOver: Bool { outcome != nil }

    // MARK: The handler's life

    func opened(_ socket: WebSocket) {
        guard let eventLoop = socket.eventLoop else { return }
        self.socket = socket
        id = socket.id
        subprotocol = socket.subprotocol
        self.eventLoop = eventLoop
        let executor = eventLoop.executor
        self.executor = executor
        let loopActor = eventLoop.loopActor
        self.loopActor = loopActor
        executor.handlerStarted()
        let start = Start(session: self)
        task = Task(executorPreference: executor) { await loopActor.run(start) }
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
        task = nil
        executor?.handlerEnded()
        survivalTimer?.cancel()
        survivalTimer = nil
        ring.removeAll()
        parts.removeAll()
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
        isCancelled = true
        farewell = (code, reason)
        task.cancel()
        resumeReader()
        resumeWriters()
        return true
    }

    // MARK: The end of the connection

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        let end = WebSocketClosed(code: code, reason: reason)
        if let limits = socket.current?.limits { survivalTime = limits.closeTimeout }
        self.end = end
        self.socket = nil
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
