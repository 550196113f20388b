internal import CUV
internal import Glibc
internal import Synchronization

extension Server {
    /// Starts the server, unless ``start()`` did, and returns when it has been stopped, by
    /// ``stop()``, by one of `signals`, or because the task was cancelled.
    ///
    /// - Parameters:
    ///   - signals: end the server in good order; a second one cuts what is left.
    ///   - whenListening: called once clients can connect and signals are heard, for instance to
    ///     print ``addresses``.
    /// - Throws: ``ServerError`` if it cannot be started.
    public func run(
        stoppingOn signals: [Signal] = [],
        whenListening: @Sendable () -> Void = {}
    ) async throws(ServerError) {
        if !isStarted { try start() }
        watch(signals)
        whenListening()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                whenDrained { continuation.resume() }
            }
        } onCancel: {
            beginStopping(cutsWhenDraining: false)
        }
        await finishStopping()
    }

    /// As `run`, for programs without concurrency: blocks the calling thread.
    public func runBlocking(
        stoppingOn signals: [Signal] = [],
        whenListening: () -> Void = {}
    ) throws(ServerError) {
        if !isStarted { try start() }
        watch(signals)
        whenListening()
        let drained = Semaphore()
        whenDrained { drained.signal() }
        drained.wait()
        if let group = drainedGroup { group.stopBlocking() }
        markStopped()
    }

    /// Stops the server: closes the listening sockets, then every connection with 1001, and cuts
    /// those that have not answered after `shutdownTimeout`. Returns when all is over.
    ///
    /// Must not be called on one of the server's loops. Calling it again waits for the same end;
    /// before `start` it does nothing.
    public func stop() async {
        let isRunning = state.withLock { state in
            switch state.phase {
            case .running, .draining, .drained: true
            case .idle, .stopped: false
            }
        }
        guard isRunning else { return }
        beginStopping(cutsWhenDraining: false)
        await withCheckedContinuation { continuation in
            whenDrained { continuation.resume() }
        }
        await finishStopping()
    }

    private var isStarted: Bool {
        state.withLock { state in
            if case .idle = state.phase { false } else { true }
        }
    }

    private func watch(_ signals: [Signal]) {
        guard !signals.isEmpty else { return }
        let first = state.withLock { state -> Mailbox? in
            guard case .running(let group) = state.phase else { return nil }
            return group.mailboxes.first
        }
        // Short enough to be waited for: from here on a signal does not end the process.
        let isWatching = Semaphore()
        let isPosted = first?.post { [self] eventLoop in
            for signal in signals {
                SignalWatcher.start(signal, on: eventLoop) { [self] in
                    beginStopping(cutsWhenDraining: true)
                }
            }
            isWatching.signal()
        }
        if isPosted == true { isWatching.wait() }
    }

    /// Has every loop close its connections.
    ///
    /// - Parameter cutsWhenDraining: whether a server that is stopping already is to cut the
    ///   connections that are left, as the second signal does.
    func beginStopping(cutsWhenDraining: Bool) {
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
        for mailbox in group?.mailboxes ?? [] {
            mailbox.post { [self] eventLoop in
                let resident = eventLoop.residents[ObjectIdentifier(self)] as? ServerLoop
                if !isDraining {
                    resident?.drain()
                } else if cutsWhenDraining {
                    resident?.cut()
                }
            }
        }
    }

    /// The last connection of a loop is gone.
    func loopDrained() {
        let waiters = state.withLock { state -> [@Sendable () -> Void] in
            guard case .draining(let group, let loopsLeft) = state.phase else { return [] }
            guard loopsLeft == 1 else {
                state.phase = .draining(group, loopsLeft: loopsLeft - 1)
                return []
            }
            state.phase = .drained(group)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }

    private func whenDrained(_ action: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            switch state.phase {
            case .drained, .stopped: return true
            case .idle, .running, .draining:
                state.waiters.append(action)
                return false
            }
        }
        if isOver { action() }
    }

    private var drainedGroup: LoopGroup? {
        state.withLock { state in
            if case .drained(let group) = state.phase { group } else { nil }
        }
    }

    /// Everybody who waits comes here, and nobody leaves before the threads have ended.
    private func finishStopping() async {
        if let group = drainedGroup { await group.stop() }
        markStopped()
    }

    private func markStopped() {
        let isFirst = state.withLock { state in
            guard case .drained = state.phase else { return false }
            state.phase = .stopped
            return true
        }
        topicRegistry.stop()
        if isFirst, let path = configuration.unixSocketPath { _ = unsafe unlink(path) }
    }
}
