// The end of a server, on one of its loops. The goodbyes are paced; what arrives meanwhile is
// still served; and whoever is left at the deadline is cut.

/// What a loop has still to do before its server's end.
@safe
struct LoopDrain {
    /// How often a loop goes on with its goodbyes.
    static let interval = Duration.milliseconds(20)

    /// Whom to say goodbye to, in random order; from the end.
    var waiting: [ConnectionID]
    let total: Int
    /// The loop's time in milliseconds when it began.
    let begin: UInt64
    /// Over how many milliseconds the goodbyes are spread.
    let window: UInt64
    /// After so many milliseconds a connection without a request is closed: one that was accepted
    /// a moment before the end has had time to ask.
    let idleGrace: UInt64
    /// After so many, tasks of the application are no longer waited for.
    let patience: UInt64
    var timer: LoopTimer?

    init(_ waiting: [ConnectionID], _ configuration: Server.Configuration, loops: Int, now: UInt64)
    {
        self.waiting = waiting
        total = waiting.count
        begin = now
        let timeout = configuration.shutdownTimeout.milliseconds
        let policy = configuration.drain
        let perSecond = max(1, policy.goodbyesPerSecond / max(1, loops))
        let needed = UInt64(waiting.count) * 1000 / UInt64(perSecond)
        window = min(needed, policy.window.milliseconds, timeout / 2)
        idleGrace = max(window, min(1000, timeout / 4))
        patience = max(idleGrace, min(configuration.closeTimeout.milliseconds, timeout / 2))
    }

    /// How many may still wait at a time.
    func waitingCount(after elapsed: UInt64) -> Int {
        guard elapsed < window else { return 0 }
        return total - Int(UInt64(total) * elapsed / window)
    }
}

extension ServerLoop {
    /// Closes the listening sockets and says goodbye to everybody.
    ///
    /// - Parameter isHandedOver: whether another process accepts on the same sockets from here on.
    ///   Otherwise who waits in their queues is accepted first, to be told the same.
    func beginDraining(isHandedOver: Bool) {
        guard !isDraining else { return }
        for listener in listeners { listener.close(acceptingTheRest: !isHandedOver) }
        listeners = []
        var randomness = LoopRandomness(eventLoop.loop)
        let present = connections.filter { $0.state.phase != .ended }
        isDraining = true
        drain = LoopDrain(
            present.map(\.id).shuffled(using: &randomness),
            configuration,
            loops: server.mailboxes.count,
            now: eventLoop.driver.now
        )
        server.drainBegan(with: present.count)
        drain?.timer = eventLoop.schedule(every: LoopDrain.interval) { [weak self] _ in
            self?.continueDraining()
        }
        eventLoop.schedule(after: configuration.shutdownTimeout) { [weak self] _ in
            self?.cutTheRest()
        }
        continueDraining()
        reportIfDrained()
    }

    private func continueDraining() {
        guard let state = drain else { return }
        let elapsed = eventLoop.driver.now &- state.begin
        let count = state.waitingCount(after: elapsed)
        while let id = drain?.waiting.last, drain?.waiting.count ?? 0 > count {
            drain?.waiting.removeLast()
            guard let connection = eventLoop.loop.state.slab[id.slot], connection.id == id else {
                continue
            }
            sayGoodbye(connection)
        }
        if elapsed >= state.window { sweep(elapsed, state) }
        server.drainContinues(on: eventLoop.index)
        eventLoop.loop.serveAttention()
    }

    private func sayGoodbye(_ connection: Connection) {
        guard connection.state.phase == .open else { return }
        let policy = configuration.drain
        // An asynchronous handler says goodbye by returning.
        if let session = connection.state.handler as? AsyncSession,
            session.isCancelled || session.cancel(policy.closeCode, policy.closeReason)
        {
            return
        }
        connection.close(policy.closeCode, policy.closeReason)
    }

    /// Looks after those who were accepted late, or were busy when the goodbyes were said.
    private func sweep(_ elapsed: UInt64, _ state: LoopDrain) {
        for connection in connections {
            switch connection.state.phase {
            case .open where elapsed >= state.patience:
                connection.close(configuration.drain.closeCode, configuration.drain.closeReason)
            case .open: sayGoodbye(connection)
            case .connecting: connection.condemn()
            case .handshake where elapsed >= state.idleGrace && connection.state.inbound == nil:
                connection.condemn()
            case .deciding where elapsed >= state.patience:
                giveUpWaiting(connection, "The server is shutting down.")
            // The answer is sent when it comes, and is the last.
            case .handshake, .deciding, .answering: break
            case .closing, .ending, .ended, .free: break
            }
        }
    }

    /// Cuts whoever is left.
    func cutTheRest() {
        beginDraining(isHandedOver: true)
        drain?.waiting = []
        for connection in connections { connection.condemn() }
        eventLoop.loop.serveAttention()
    }

    // MARK: The account

    func connectionEnded(_ connection: Connection, _ end: ConnectionEnd, in phase: Phase) {
        if hasProxied { proxied[connection.state.slot] = nil }
        guard isDraining else { return }
        server.drained(outcome(connection, end, phase))
    }

    private func outcome(
        _ connection: Connection,
        _ end: ConnectionEnd,
        _ phase: Phase
    ) -> DrainOutcome {
        switch (phase, end) {
        case (.ending, _) where connection.isFlushed: .closed
        case (.handshake, _) where connection.state.inbound == nil: .closed
        // It has heard the Close frame, and ended the stream instead of answering.
        case (.closing, .endOfStream): .closed
        case (_, .aborted): .cut
        case (_, .endOfStream), (_, .error), (_, .tls): .lost
        }
    }

    func reportIfDrained() {
        guard isDraining, connectionCount == 0, !hasReported else { return }
        hasReported = true
        drain?.timer?.cancel()
        forgetContexts()
        server.loopDrained()
    }

    private var connections: [Connection] {
        eventLoop.loop.state.slab.active.filter { connection in
            connection.withContext { $0.owner === self } ?? false
        }
    }
}
