internal import Synchronization

/// A WebSocket server that lives in your program.
///
///     let server = Server(configuration: .init(port: 9001))
///     server.webSocket("/echo") { _ in .accept { Echo() } }
///     server.get("/health") { _ in .text("ok") }
///     try await server.run(stoppingOn: [.interrupt, .terminate])
///
/// Routes are added first; then the server is started, once. A client's requests are answered on
/// the loop that accepted it, and so is everything that follows.
public final class Server: Sendable {
    /// How this server listens and what it allows.
    public let configuration: Configuration

    let state = Lock(State())
    /// The topics, across all loops.
    let topicRegistry = TopicRegistry()
    /// What the loops may hold together.
    let memoryBudget: MemoryBudget
    /// Who is let in.
    let admission: Admission

    /// A server that does nothing yet.
    public init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
        memoryBudget = MemoryBudget(configuration.memoryBudget, frames: topicRegistry.frames)
        admission = Admission(configuration, memoryBudget)
    }

    struct State {
        var phase = Phase.idle
        var routes = Routes()
        /// The first mistake made while routes were added; reported by `start`.
        var routeError: RouteError?
        var addresses: [SocketAddress] = []
        /// The certificates that new connections get.
        var tls: TLSContext?
        /// Whether the application wants to be sent clients.
        var isWilling = true
        /// Resumed when the last connection is gone.
        var waiters: [@Sendable () -> Void] = []
        /// Waits for the next generation.
        var handover: HandoverServer?
        /// Whether another process accepts on the same sockets.
        var isHandedOver = false
        var watchdog: Watchdog?
        /// What became of the connections since the server was told to stop.
        var drain = DrainReport()
        var drainBegin: ContinuousClock.Instant?
        /// When ``DrainPolicy/progress`` was told last.
        var lastProgress: ContinuousClock.Instant?
    }

    enum Phase {
        case idle
        case running(LoopGroup)
        /// Told to stop; so many loops still have connections.
        case draining(LoopGroup, loopsLeft: Int)
        /// Every connection is gone; the threads are still to be joined.
        case drained(LoopGroup)
        case stopped
    }

    func addRoute(_ add: (inout Routes) throws(RouteError) -> Void) {
        state.withLock { state in
            guard case .idle = state.phase else {
                preconditionFailure("routes are added before the server is started")
            }
            do throws(RouteError) {
                try add(&state.routes)
            } catch {
                state.routeError = state.routeError ?? error
            }
        }
    }

    // MARK: What it does

    /// The addresses the server listens on, with the ports the system chose; empty while it does
    /// not run.
    public var addresses: [SocketAddress] { state.withLock { $0.addresses } }

    /// Whether the server listens and wants clients: what a load balancer asks for.
    ///
    ///     server.get("/health") { _ in .text("ok") }
    ///     server.get("/ready") { [unowned server] _ in
    ///         server.isReady ? .text("ready") : .text("not now", status: .serviceUnavailable)
    ///     }
    ///
    /// It is false before the start and as soon as the server is told to stop. Set it to false
    /// some seconds before that, to have the balancer look elsewhere while clients are still
    /// served; or as long as something is missing that the application needs.
    public var isReady: Bool {
        get {
            state.withLock { state in
                guard case .running = state.phase else { return false }
                return state.isWilling
            }
        }
        set { state.withLock { $0.isWilling = newValue } }
    }

    /// What all loops have counted so far, summed up.
    public func counters() async -> LoopCounters {
        guard let group = runningGroup else { return LoopCounters() }
        var total = LoopCounters()
        for mailbox in group.mailboxes {
            total += await withCheckedContinuation { continuation in
                let isPosted = mailbox.post { eventLoop in
                    continuation.resume(
                        returning: LoopCounters(eventLoop.loop.state.counters)
                    )
                }
                if !isPosted { continuation.resume(returning: LoopCounters()) }
            }
        }
        return total
    }

    /// The doors of the server's loops, one for each; empty while it does not run.
    public var mailboxes: [Mailbox] { runningGroup?.mailboxes ?? [] }

    var runningGroup: LoopGroup? {
        state.withLock { state in
            switch state.phase {
            case .running(let group), .draining(let group, _), .drained(let group): group
            case .idle, .stopped: nil
            }
        }
    }
}
