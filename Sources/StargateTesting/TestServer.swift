public import StargateCore

/// A server in memory: its handlers and routes run in the test, without sockets, without threads,
/// and on a clock that the test sets.
///
///     let app = try TestServer { server in
///         server.webSocket("/echo") { _ in .accept { Echo() } }
///     }
///     let peer = try app.connect("/echo")
///     peer.send("hello")
///     #expect(try peer.receive() == .text("hello"))
///
/// What runs is the engine itself, from the request head to the last Close frame. Every call here
/// and on a ``TestPeer`` returns when the server has done all that it can do about it, so there is
/// nothing to wait for; see <doc:TestingHandlers>.
///
/// Use it from one task at a time: it is not Sendable, and its handlers run inside its calls.
@safe
public final class TestServer {
    /// The server itself, to publish on, or to look up what its connections are.
    ///
    /// It runs already, and must not be started, run or stopped; ``stop()`` stops it.
    public let server: Server

    let clock = VirtualClock()
    private let loops: [VirtualLoop]
    private let startTime: UInt64
    /// Sockets that the engine has not closed, by loop.
    private var sockets: [[MemorySocket]]
    private var peers: [PeerEnd] = []
    /// What ``client`` has opened and the server has not accepted.
    var arrivals: [Arrival] = []
    let clientLoops: LoopGroup
    private var nextLoop = 0
    private var connectionCount = 0
    private var hasStopped = false
    private var isSettling = false
    var generator: SplitMix64

    /// A task that always has more to do is left alone after so many turns.
    private static let turnCountMax = 100_000

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - configuration: limits, timeouts and protocols as in production. The address is not used;
    ///     loops are made one by default, or as many as are asked for, all on the test's thread.
    ///     Asynchronous closures run there, too, unless there is a `taskExecutor`.
    ///   - seed: what random numbers depend on: masking keys and challenges.
    ///   - addRoutes: adds the routes.
    /// - Throws: `ServerError` for routes that contradict each other, and what `addRoutes` throws.
    public init(
        configuration: Server.Configuration = Server.Configuration(),
        seed: UInt64 = 1,
        _ addRoutes: (Server) throws -> Void
    ) throws {
        let count = max(1, configuration.loopCount ?? 1)
        var loops: [VirtualLoop] = []
        for index in 0..<count {
            loops.append(
                try VirtualLoop(index: index, clock: clock, seed: seed &+ UInt64(index))
            )
        }
        var configuration = configuration
        configuration.loopCount = count
        if configuration.taskExecutor == nil {
            configuration.taskExecutor = loops[0].taskExecutor
        }
        self.loops = loops
        clientLoops = LoopGroup(driving: loops)
        sockets = Array(repeating: [], count: count)
        server = Server(configuration: configuration)
        generator = SplitMix64(state: ~seed)
        startTime = clock.now
        do {
            try addRoutes(server)
            try server.start(on: loops)
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
        for (index, loop) in loops.enumerated() {
            loop.whenConnecting { [unowned self] connection, _ in
                expect(connection, onLoop: index)
            }
        }
        settle()
    }

    deinit {
        stop()
    }

    /// Cuts every connection, as a process that ends, and frees what they held. Nothing is to be
    /// done with the server or its peers afterwards; doing it again does nothing.
    public func stop() {
        guard !hasStopped else { return }
        hasStopped = true
        for loop in loops { loop.stop() }
    }

    // MARK: Time

    /// The time that has passed for the server: only ``advance(by:)`` makes it pass.
    public var elapsedTime: Duration { .milliseconds(Int64(clock.now - startTime)) }

    /// Lets time pass. Each deadline and timer of the server runs at its own time, and the peers
    /// answer in between.
    ///
    /// Only the server's clock moves: a handler that sleeps with `Task.sleep` sleeps by the clock
    /// on the wall.
    public func advance(by duration: Duration) {
        settle()
        let (seconds, attoseconds) = duration.components
        let milliseconds = max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        let target = clock.now + UInt64(milliseconds)
        while let next = loops.compactMap(\.nextDue).min(), next <= target {
            clock.now = max(clock.now, next)
            settle()
        }
        clock.now = target
        settle()
    }

    /// Lets time pass without the server noticing, as when the process was stopped or the machine
    /// suspended: all that was due meanwhile is due at once when it ends.
    public func suspend(for duration: Duration) {
        settle()
        let (seconds, attoseconds) = duration.components
        clock.now += UInt64(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
        settle()
    }

    // MARK: Turns

    /// What all loops have counted so far, summed up.
    public var counters: LoopCounters {
        settle()
        return loops.reduce(into: LoopCounters()) { $0 += $1.counters }
    }

    /// Lets the server do all that it can do now: the tasks of handlers, what was published from
    /// outside, and the bytes on their way in both directions.
    ///
    /// Everything else here does so by itself. Call it after your own code has done something to
    /// the server and before you look at something that is not a ``TestPeer``.
    public func settle() {
        guard !hasStopped, !isSettling else { return }
        isSettling = true
        defer { isSettling = false }
        for _ in 0..<Self.turnCountMax {
            var isIdle = true
            for (index, loop) in loops.enumerated() {
                guard loop.hasWork || sockets[index].contains(where: \.hasEvent) else { continue }
                isIdle = false
                loop.turn {
                    for socket in sockets[index] { socket.deliver() }
                }
                sockets[index].removeAll(where: \.isClosed)
            }
            if acceptArrivals() { isIdle = false }
            for peer in peers where peer.takeInput() { isIdle = false }
            peers.removeAll(where: \.isOver)
            if isIdle { return }
        }
    }

    /// Whether something is to be done that no call here has brought about.
    var hasWork: Bool { loops.contains(where: \.hasWork) }

    /// Has `action` called, on any thread, when other threads have left something to do.
    func whenWoken(_ action: (@Sendable () -> Void)?) {
        for loop in loops { loop.whenWoken(action) }
    }

    var firstLoop: VirtualLoop { loops[0] }

    // MARK: Connections

    /// Opens a connection and sends nothing: for raw bytes, and for clients that behave badly.
    ///
    /// - Parameter host: the address that the server sees, in digits.
    /// - Returns: the client's end of the connection.
    public func open(from host: String = "127.0.0.1") -> TestPeer {
        let end = PeerEnd()
        accept(input: end.output, output: end.input, remoteAddress: nextAddress(host: host))
        peers.append(end)
        settle()
        return TestPeer(self, end)
    }

    /// The address of the next client.
    func nextAddress(host: String) -> SocketAddress? {
        connectionCount += 1
        return SocketAddress(host: host, port: 40_000 + connectionCount % 20_000)
    }

    /// Has the server accept a connection, on each loop in turn.
    func accept(input: ByteStream, output: ByteStream, remoteAddress: SocketAddress?) {
        let index = nextLoop % loops.count
        nextLoop += 1
        loops[index].turn {
            loops[index].accept(for: server) { connection in
                let socket = MemorySocket(
                    connection,
                    input: input,
                    output: output,
                    remoteAddress: remoteAddress
                )
                sockets[index].append(socket)
                return socket
            }
        }
    }

    /// Keeps a client's end of a connection, and runs what it has to be told first.
    func adopt(_ socket: MemorySocket, onLoop index: Int, _ events: () -> Void) {
        sockets[index].append(socket)
        loops[index].turn(events)
    }
}

@available(*, unavailable)
extension TestServer: Sendable {}
