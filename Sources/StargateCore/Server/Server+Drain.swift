// The end of a server, over all of its loops: who is told, and the account of what became of the
// connections. Each loop's part is in `ServerLoop+Drain.swift`.

internal import Synchronization

extension Server {
    /// Has every loop close its connections.
    ///
    /// - Parameters:
    ///   - cutsWhenDraining: whether a server that is stopping already is to cut the connections
    ///     that are left, as the second signal does.
    ///   - isHandedOver: whether another process accepts on the same sockets.
    func beginStopping(cutsWhenDraining: Bool, isHandedOver: Bool = false) {
        let (group, isDraining) = state.withLock { state -> (LoopGroup?, Bool) in
            switch state.phase {
            case .running(let group):
                state.phase = .draining(group, loopsLeft: group.mailboxes.count)
                state.addresses = []
                return (group, false)
            case .draining(let group, _): return (group, true)
            case .idle, .drained, .stopped: return (nil, false)
            }
        }
        if group != nil, !isDraining, !isHandedOver, configuration.notifiesServiceManager {
            ServiceManager.notify(.stopping, .status("saying goodbye to the connections"))
        }
        // Whoever took the sockets over serves already: there is nobody to wait for.
        let delay = isHandedOver ? .zero : configuration.drain.delay
        for mailbox in group?.mailboxes ?? [] {
            mailbox.post { [self] eventLoop in
                guard let resident = serverLoop(on: eventLoop) else { return }
                if isDraining {
                    if cutsWhenDraining { resident.cutTheRest() }
                } else if delay > .zero {
                    eventLoop.schedule(after: delay) { [weak resident] _ in
                        resident?.beginDraining(isHandedOver: isHandedOver)
                    }
                } else {
                    resident.beginDraining(isHandedOver: isHandedOver)
                }
            }
        }
    }

    private func serverLoop(on eventLoop: EventLoop) -> ServerLoop? {
        eventLoop.residents[ObjectIdentifier(self)] as? ServerLoop
    }

    // MARK: The account

    /// What became of the connections so far.
    var drainReport: DrainReport { state.withLock(\.drain) }

    /// A loop with so many connections begins to say goodbye.
    func drainBegan(with count: Int) {
        state.withLock { state in
            state.drain.remainingCount += count
            if state.drainBegin == nil { state.drainBegin = .now }
        }
    }

    /// A connection of a loop that says goodbye has ended.
    func drained(_ outcome: DrainOutcome) {
        state.withLock { state in
            state.drain.remainingCount -= 1
            switch outcome {
            case .closed: state.drain.closedCount += 1
            case .lost: state.drain.lostCount += 1
            case .cut: state.drain.cutCount += 1
            }
        }
    }

    /// Tells the application how far it is, now and then. Called often, by every loop.
    func drainContinues(on index: Int) {
        guard let progress = configuration.drain.progress else { return }
        let report = state.withLock { state -> DrainReport? in
            guard let begin = state.drainBegin else { return nil }
            let now = ContinuousClock.now
            guard now - (state.lastProgress ?? begin) >= .seconds(1) else { return nil }
            state.lastProgress = now
            state.drain.duration = now - begin
            return state.drain
        }
        if let report { progress(report) }
    }

    /// The last connection of a loop is gone.
    func loopDrained() {
        let end = state.withLock { state -> (DrainReport, [@Sendable () -> Void])? in
            guard case .draining(let group, let loopsLeft) = state.phase else { return nil }
            guard loopsLeft == 1 else {
                state.phase = .draining(group, loopsLeft: loopsLeft - 1)
                return nil
            }
            state.phase = .drained(group)
            if let begin = state.drainBegin { state.drain.duration = .now - begin }
            defer { state.waiters = [] }
            return (state.drain, state.waiters)
        }
        guard let (report, waiters) = end else { return }
        let level = report.cutCount > 0 ? LogEntry.Level.warning : .info
        configuration.log(LogEntry(level, "the server has stopped: \(report)"))
        configuration.drain.progress?(report)
        for waiter in waiters { waiter() }
    }
}
