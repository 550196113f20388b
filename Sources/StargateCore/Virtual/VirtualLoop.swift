internal import Synchronization

/// An event loop without a thread, a clock or sockets: all three come from outside, so that the
/// same calls always lead to the same outcome. It is what `StargateTesting` stands on.
///
/// Whoever makes it calls ``turn(_:)`` on one thread at a time, and ``stop()`` in the end.
@safe
package final class VirtualLoop {
    package let eventLoop: EventLoop
    package let clock: VirtualClock
    private let driver: VirtualDriver
    private let transport: VirtualTransport
    private var hasEnded = false

    /// - Parameters:
    ///   - index: the loop's place among those that live together, from 0.
    ///   - clock: the time, shared with them.
    ///   - seed: decides what the loop's random numbers are.
    /// - Throws: never; an event loop over a system may fail.
    package init(index: Int = 0, clock: VirtualClock, seed: UInt64) throws(LoopError) {
        self.clock = clock
        driver = VirtualDriver(clock)
        transport = VirtualTransport()
        eventLoop = try EventLoop(index: index, driver: driver, transport: transport)
        eventLoop.loop.state.randomness = RandomPool(seed: seed)
    }

    /// Runs the tasks of the loop's handlers, and others that are given to it.
    package var taskExecutor: any TaskExecutor { eventLoop.executor }

    /// Called, on any thread, when the loop has something to do. Nil for nobody.
    package func whenWoken(_ action: (@Sendable () -> Void)?) {
        driver.bell.listener.withLock { $0 = action }
    }

    /// Decides about the connections that clients on this loop open.
    package func whenConnecting(
        _ connect: @escaping (VirtualConnection, SocketAddress) -> Bool
    ) {
        transport.connector = connect
    }

    // MARK: Turns

    /// Whether a turn has something to do now, without any event.
    package var hasWork: Bool {
        driver.bell.isRung.load(ordering: .acquiring) || (driver.nextDue ?? .max) <= clock.now
    }

    /// When the loop has something to do at the latest, in milliseconds of the clock.
    package var nextDue: UInt64? { driver.nextDue }

    /// One turn: timers that are due, the sleep, `events`, what other threads left, and the end.
    ///
    /// - Parameter events: what sockets tell their connections.
    package func turn(_ events: () -> Void = {}) {
        eventLoop.executor.withThread {
            driver.fireDueTimers()
            eventLoop.willSleep()
            events()
            if driver.bell.isRung.exchange(false, ordering: .acquiringAndReleasing) {
                eventLoop.runMailbox()
            }
            eventLoop.endTurn()
            transport.reportClosed()
        }
    }

    /// Closes everything and frees the loop. It must not be used afterwards.
    package func stop() {
        guard !hasEnded else { return }
        hasEnded = true
        whenWoken(nil)
        let residents = eventLoop.residents.values
        eventLoop.executor.withThread {
            eventLoop.stop()
            for resident in residents { (resident as? ServerLoop)?.forgetContexts() }
        }
        transport.connector = nil
        eventLoop.tearDown()
    }

    /// What the loop has counted so far.
    package var counters: LoopCounters { LoopCounters(eventLoop.loop.state.counters) }

    /// What the loop has lent and keeps track of. All is zero when nothing is connected and nothing
    /// goes on.
    package struct Account: Equatable {
        /// Connections that are not closed.
        package var connections = 0
        /// Bytes of pooled buffers that somebody holds.
        package var lentByteCount = 0
        /// Connections with a deadline.
        package var deadlines = 0
        /// Timers of the engine and the application.
        package var timers = 0
        /// Asynchronous handlers that have not ended.
        package var handlers = 0
        /// Bytes that compression, TLS and the bodies of requests are accounted for.
        package var compression = 0
        package var tls = 0
        package var bodies = 0
        /// Bytes of pooled buffers in queues, and of queues of publications.
        package var outputByteCount = 0

        package init() {}
    }

    /// What the loop holds at this moment.
    package var account: Account {
        let state = eventLoop.loop.state
        var account = Account()
        account.connections = state.slab.activeCount
        account.lentByteCount = state.buffers.lentByteCount
        account.deadlines = state.deadlines.setCount
        account.timers = driver.timerCount
        account.handlers = eventLoop.executor.activeHandlerCount
        account.compression = state.memory.compression
        account.tls = state.memory.tls
        account.bodies = state.memory.bodies
        account.outputByteCount = state.buffers.outputByteCount + state.memory.publications
        return account
    }

    /// Bytes of a server's encoded publications that somebody still holds, on any loop.
    package static func publishedByteCount(of server: Server) -> Int {
        server.topicRegistry.frames.byteCount
    }

    /// How many topics and filters of a server have subscribers on this loop.
    package func topicCount(of server: Server) -> Int {
        let resident = eventLoop.residents[ObjectIdentifier(server)] as? ServerLoop
        return resident?.topicTable?.channels.count ?? 0
    }

    // MARK: Connections

    /// Has a server accept a connection, as its listener would.
    ///
    /// - Parameters:
    ///   - server: it must run on this loop.
    ///   - socket: makes the socket. Called before the engine reads from it.
    package func accept(
        for server: Server,
        _ socket: (VirtualConnection) -> any VirtualSocket
    ) {
        guard let serverLoop = eventLoop.residents[ObjectIdentifier(server)] as? ServerLoop else {
            return
        }
        let loop = eventLoop.loop
        let connection = loop.state.slab.take(for: loop)
        connection.begin(serverLoop.context(subprotocol: nil), phase: .handshake, isClient: false)
        loop.state.counters[Counter.connectionsAccepted] &+= 1
        let virtual = transport.prepare(connection)
        virtual.attach(socket(virtual))
        serverLoop.begin(connection)
    }
}

extension LoopGroup {
    /// Loops that somebody else drives, for clients on them.
    package convenience init(driving loops: [VirtualLoop]) {
        self.init(driven: loops.map(\.eventLoop))
    }
}

extension LoopExecutor {
    /// Has the calling thread be the one that runs jobs while `body` runs.
    func withThread(_ body: () -> Void) {
        let wasCurrent = isCurrent
        begin()
        body()
        if !wasCurrent { leave() }
    }
}

extension Server {
    /// Begins to stop, as ``stop()`` does, and does not wait for the end.
    package func beginStopping() { beginStopping(cutsWhenDraining: false) }

    /// Starts the server on loops that somebody else drives: it does not listen.
    ///
    /// - Throws: ``ServerError`` for routes that contradict each other, or when it was started.
    package func start(on loops: [VirtualLoop]) throws(ServerError) {
        let routes = try takeRoutes()
        try loadCertificates()
        let mailboxes = loops.map(\.eventLoop.mailbox)
        state.withLock { $0.phase = .running(LoopGroup(driven: loops.map(\.eventLoop))) }
        topicRegistry.start(mailboxes)
        for loop in loops {
            loop.eventLoop.residents[ObjectIdentifier(self)] = ServerLoop(
                self,
                routes: routes,
                on: loop.eventLoop
            )
        }
    }
}
