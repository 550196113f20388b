internal import StargateCore
internal import StargateTesting

/// One run: loops, a server, peers, and the network between them, all decided by a seed.
///
/// It is used on one thread; Sendable only because the server's closures have to be.
final class Simulation: @unchecked Sendable {
    private static let stepCount = 160
    /// In a network that takes a few bytes at a time, not everything arrives before this.
    private static let lullRoundMax = 2000
    /// The longest time that a peer that says nothing more may be kept: every deadline in a row.
    private static let patience: UInt64 = 180_000

    let seed: UInt64
    var random: SplitMix64
    let faults: Faults
    let trace: Trace
    let clock = VirtualClock()
    let settings: Settings
    let loops: [VirtualLoop]
    let server: Server
    private(set) var failures: [String] = []
    var totals = SimulationTotals()

    private(set) var sockets: [SimulatedSocket] = []
    private(set) var socketCount = 0
    var peers: [any SimulatedPeer] = []
    /// The state of every handler that was made, by its number.
    var handlers: [HandlerRecord] = []
    /// Handlers that are still in memory.
    var liveHandlerCount = 0
    /// Connections of clients that a server is to accept.
    private var arrivals: [(input: ByteStream, output: ByteStream)] = []
    private(set) var hasTimeJumped = false
    private var stamp = 0
    /// What a run before this one has left behind, if it failed.

    init(seed: UInt64, traces: Bool) {
        self.seed = seed
        var random = SplitMix64(state: seed)
        faults = Faults(&random)
        settings = Settings(&random, faults)
        trace = Trace(prints: traces)
        var loops: [VirtualLoop] = []
        for index in 0..<settings.loopCount {
            if let loop = try? VirtualLoop(index: index, clock: clock, seed: seed &+ UInt64(index))
            {
                loops.append(loop)
            }
        }
        self.loops = loops
        var configuration = settings.configuration
        configuration.taskExecutor = loops.first?.taskExecutor
        server = Server(configuration: configuration)
        self.random = random
    }

    /// Counts what happens to subscriptions and publications, so that their order is known.
    func nextStamp() -> Int {
        stamp += 1
        return stamp
    }

    // MARK: Checks

    func check(_ condition: Bool, _ failure: @autoclosure () -> String) {
        guard !condition else { return }
        failures.append("\(failure()) (at \(clock.now) ms)")
        trace.note("FAILURE", failures.count)
    }

    // MARK: The course of a run

    func run() {
        addRoutes()
        do {
            try server.start(on: loops)
        } catch {
            check(false, "the server does not start: \(error)")
        }
        for (index, loop) in loops.enumerated() {
            loop.whenConnecting { [unowned self] connection, _ in
                connectClient(connection, loop: index)
            }
        }
        addPeers()
        for _ in 0..<Self.stepCount {
            guard failures.isEmpty else { break }
            step()
        }
        if failures.isEmpty { finish() }
        // A run that failed may hold what can be closed no more; it is left as it is.
        guard failures.isEmpty else { return }
        for loop in loops {
            totals.failed += Int(loop.counters.connectionsFailed)
            loop.stop()
        }
        totals.opened += handlers.count
        peers = []
        sockets = []
        for record in handlers {
            check(
                record.closedCount == 1,
                "handler \(record.number) was closed \(record.closedCount) times"
            )
        }
        check(liveHandlerCount == 0, "\(liveHandlerCount) handlers are left in memory")
    }

    private func step() {
        totals.steps += 1
        switch Int.random(in: 0..<10, using: &random) {
        case 0...5: turn(Int.random(in: 0..<loops.count, using: &random))
        case 6...8:
            guard !peers.isEmpty else { return }
            peers[Int.random(in: 0..<peers.count, using: &random)].act()
        default: passTime()
        }
        checkSockets()
    }

    /// Lets some time pass, and the loops notice.
    private func passTime() {
        var milliseconds = UInt64.random(in: 0...300, using: &random)
        if faults.jumps, random.oneIn(6) {
            milliseconds = UInt64.random(in: 1000...60_000, using: &random)
            hasTimeJumped = true
        }
        clock.now += milliseconds
        trace.note("time", Int(clock.now))
        for index in loops.indices { turn(index) }
    }

    /// One turn of a loop, in which a random part of what could happen happens.
    func turn(_ index: Int) {
        loops[index].turn {
            acceptArrivals(on: index)
            let due = sockets.filter { $0.loop == index && $0.hasEvent }
            for socket in due.shuffled(using: &random) where !random.oneIn(4) { socket.deliver() }
        }
        sockets.removeAll(where: \.isClosed)
    }

    // MARK: Connections

    /// Connects a peer. Returns the streams to the server and from it.
    func connect() -> (output: ByteStream, input: ByteStream) {
        let streams = (output: ByteStream(), input: ByteStream(window: settings.window))
        arrivals.append((input: streams.output, output: streams.input))
        return streams
    }

    private func acceptArrivals(on index: Int) {
        let arrived = arrivals
        arrivals = []
        for arrival in arrived {
            loops[index].accept(for: server) { connection in
                addSocket(connection, loop: index, arrival.input, arrival.output, isClient: false)
            }
        }
    }

    private func connectClient(_ connection: VirtualConnection, loop: Int) -> Bool {
        let output = ByteStream(window: settings.window)
        let input = ByteStream(window: settings.window)
        let socket = addSocket(connection, loop: loop, input, output, isClient: true)
        connection.attach(socket)
        arrivals.append((input: output, output: input))
        return true
    }

    @discardableResult
    private func addSocket(
        _ connection: VirtualConnection,
        loop: Int,
        _ input: ByteStream,
        _ output: ByteStream,
        isClient: Bool
    ) -> SimulatedSocket {
        socketCount += 1
        totals.connections += 1
        trace.note("socket", socketCount, loop, isClient ? 1 : 0)
        let socket = SimulatedSocket(
            self,
            connection,
            number: socketCount,
            loop: loop,
            input: input,
            output: output,
            isClient: isClient
        )
        sockets.append(socket)
        return socket
    }

    // MARK: Invariants

    /// What holds after every step.
    private func checkSockets() {
        let limits = settings.configuration
        for socket in sockets where !socket.isClosed {
            let connection = socket.connection
            let queued = connection.queuedByteCount
            // A single message may be longer than the limit, and what one callback sends is judged
            // only when its cork is flushed: another 128 KiB.
            let limit =
                max(limits.outputHardLimit, settings.messageSizeMax + 64)
                + limits.publicationQueueSize + (144 << 10)
            check(
                socket.isClient || queued <= limit,
                "socket \(socket.number) has \(queued) bytes queued of \(limit)"
            )
            check(
                connection.heldByteCount <= 600 << 10,
                "socket \(socket.number) holds \(connection.heldByteCount) bytes"
            )
            check(
                connection.waitingPublicationCount <= limits.publicationQueueCount,
                "socket \(socket.number) has too many publications waiting"
            )
            if connection.isPaused || !connection.isOpen { socket.lastPaused = clock.now }
            checkKeepAlive(socket)
        }
        for record in handlers {
            check(record.topicsMatch, "handler \(record.number) lost a topic")
        }
    }

    /// A peer that is silent is pinged, and cut in time.
    private func checkKeepAlive(_ socket: SimulatedSocket) {
        guard !hasTimeJumped, socket.connection.isOpen, !socket.isClient,
            let interval = settings.configuration.keepAliveInterval
        else { return }
        check(
            socket.connection.hasDeadline,
            "socket \(socket.number) is open and has no deadline"
        )
        let allowed = interval * 9 / 8 + settings.configuration.pongTimeout + .seconds(2)
        let silence = clock.now - max(socket.lastHeard, socket.lastPaused)
        check(
            .milliseconds(Int64(silence)) <= allowed,
            "socket \(socket.number) is kept after \(silence) ms of silence"
        )
    }

    // MARK: The end

    private enum Ending: CaseIterable {
        /// Everybody does what is left to do, and goes.
        case inPeace
        /// Nobody says or reads anything any more.
        case inSilence
        /// The server is stopped.
        case drained
        /// The network is gone.
        case cut
    }

    private func finish() {
        let ending = Ending.allCases.randomElement(using: &random) ?? .inPeace
        trace.note("ending", Ending.allCases.firstIndex(of: ending) ?? 0)
        switch ending {
        case .inPeace:
            if faults.isCalm { checkFanOut() }
            endInPeace()
        case .inSilence:
            for peer in peers { peer.fallSilent() }
        case .drained: server.beginStopping()
        case .cut: for peer in peers { peer.cut() }
        }
        waitForTheEnd(peersAct: ending == .drained)
        for peer in peers { peer.finish() }
        checkAccounts()
    }

    /// Lets everything that is on its way arrive, and compares what everybody got with what he is
    /// owed.
    private func checkFanOut() {
        var quietRounds = 0
        for _ in 0..<Self.lullRoundMax {
            let before = trace.digest
            for peer in peers { peer.listen() }
            for _ in 0..<4 { for index in loops.indices { turn(index) } }
            guard failures.isEmpty else { return }
            let isQuiet = trace.digest == before && peers.allSatisfy(\.isQuiet)
            quietRounds = isQuiet ? quietRounds + 1 : 0
            // Nothing has moved, several times over: delays are a matter of chance.
            if quietRounds == 3 {
                for peer in peers {
                    if let debt = peer.debt { check(false, debt) }
                }
                totals.lulls += 1
                return
            }
        }
    }

    /// Lets everybody get what he is owed.
    private func endInPeace() {
        for round in 0..<4000 {
            for peer in peers { peer.conclude() }
            for index in loops.indices { turn(index) }
            if round % 8 == 0 { clock.now += 10 }
            checkSockets()
            guard failures.isEmpty else { return }
            if sockets.isEmpty, arrivals.isEmpty, peers.allSatisfy(\.isOver) { return }
        }
        // Those who went silent before are waited for below, like everybody's mistakes.
        for peer in peers { peer.fallSilent() }
    }

    private func waitForTheEnd(peersAct: Bool) {
        let end = clock.now + Self.patience
        var idleTurns = 0
        while failures.isEmpty, clock.now < end {
            for index in loops.indices { turn(index) }
            // Two ends that are both the engine's would keep each other alive for ever.
            for peer in peers where peersAct || peer is ClientPeer { peer.conclude() }
            if sockets.isEmpty, arrivals.isEmpty {
                idleTurns += 1
                if idleTurns > 4 { break }
            }
            clock.now += 100
        }
        check(
            sockets.isEmpty,
            "\(sockets.count) connections are left, the first is \(sockets.first?.number ?? 0)"
        )
    }

    private func checkAccounts() {
        // Timers of handlers that are gone run out by themselves.
        clock.now += 120_000
        for _ in 0..<3 { for index in loops.indices { turn(index) } }
        for (index, loop) in loops.enumerated() {
            let account = loop.account
            check(account == VirtualLoop.Account(), "loop \(index) still has \(account)")
            let topics = loop.topicCount(of: server)
            check(topics == 0, "loop \(index) still has \(topics) topics")
            check(loop.counters.connectionsActive == 0, "loop \(index) counts connections")
        }
        let published = VirtualLoop.publishedByteCount(of: server)
        check(published == 0, "\(published) bytes of publications are left")
    }
}
