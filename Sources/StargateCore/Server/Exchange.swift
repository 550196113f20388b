// A request that is not answered within the read that brought it. It hangs on the connection's
// inbound state, so that a connection without one pays nothing for it.

/// A request whose body is on the way, or at which a task of the application is at work.
final class Exchange {
    enum Stage {
        /// The connection is in its handshake phase; its bytes belong to the body.
        case receivingBody(BodyReceiver, PlainRequest)
        /// An asynchronous closure decides about an upgrade.
        case deciding(UpgradeRequest, WebSocketRoute, hixie76Proof: [UInt8])
        /// An asynchronous closure makes a response.
        case answering(PlainRequest)
    }

    var stage: Stage
    private var task: Task<Void, Never>?

    init(_ stage: Stage) { self.stage = stage }

    /// Starts the application's closure as a task. Its outcome comes back through the mailbox, and
    /// finds the connection by its id: it may be gone by then.
    ///
    /// - Parameters:
    ///   - eventLoop: where to go on.
    ///   - server: the server whose part on that loop goes on.
    ///   - work: the closure.
    ///   - finish: is given the outcome on the loop.
    func start<Value: Sendable>(
        on eventLoop: EventLoop,
        of server: Server,
        _ work: @escaping @Sendable () async throws -> Value,
        finish: @escaping @Sendable (ServerLoop, Result<Value, any Error>) -> Void
    ) {
        let mailbox = eventLoop.mailbox
        let key = ObjectIdentifier(server)
        task = Task(executorPreference: server.configuration.taskExecutor) {
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await work())
            } catch {
                outcome = .failure(error)
            }
            mailbox.post { eventLoop in
                guard let serverLoop = eventLoop.residents[key] as? ServerLoop else { return }
                finish(serverLoop, outcome)
            }
        }
    }

    /// Tells the closure that nobody waits for it any more.
    func cancel() { task?.cancel() }
}

/// A plain HTTP request and what is to be done with it.
struct PlainRequest {
    var request: Request
    let respond: Resource.Respond
    /// The pattern of its route, and the same for the watchdog.
    let pattern: String
    let mark: RouteMark
    /// Whether the client wants the connection for another request.
    let keepsAlive: Bool
}

extension Connection {
    /// What is going on before the connection is open, beyond the current read.
    var exchange: Exchange? {
        get { state.inbound?.state.exchange as? Exchange }
        nonmutating set {
            if let newValue {
                inboundState().state.exchange = newValue
            } else if let inbound = state.inbound {
                inbound.state.exchange = nil
                releaseIdleInbound()
            }
        }
    }
}

extension ServerLoop {
    /// Ends the wait of a connection for a task, if it still waits for that one.
    ///
    /// - Returns: the connection, in its handshake phase again, and what it was about.
    func endWaiting(_ id: ConnectionID) -> (Connection, Exchange.Stage)? {
        guard let connection = eventLoop.loop.state.slab[id.slot],
            connection.state.generation == id.generation, connection.waitsForApplication,
            let exchange = connection.exchange
        else { return nil }
        connection.exchange = nil
        connection.state.phase = .handshake
        return (connection, exchange.stage)
    }

    /// The application is too late: 503, and the task is told.
    func giveUpWaiting(_ connection: Connection, _ reason: String) {
        connection.exchange?.cancel()
        refuse(connection, HTTPRefusal(.serviceUnavailable, reason))
    }

    /// What a client is told about an error that the application threw. What the application did
    /// not mean for clients is logged instead.
    func response(to error: any Error, in pattern: String) -> Response {
        if let response = (error as? any ResponseError)?.response, response.status.code >= 200 {
            return response
        }
        let now = eventLoop.loop.currentTick()
        if let line = failureLog.line("the closure of \(pattern)", error, now: now) {
            configuration.log(LogEntry(.error, line))
        }
        return .text("The server failed.\n", status: .internalServerError)
    }
}
