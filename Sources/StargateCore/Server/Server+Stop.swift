internal import CUV
internal import Glibc
internal import Synchronization

extension Server {
    /// Starts the server, unless ``start()`` did, and returns when it has been stopped, by
    /// ``stop()``, by one of `signals`, or because the task was cancelled.
    ///
    /// - Parameters:
    ///   - signals: end the server in good order; a second one cuts what is left.
    ///     With any, SIGPIPE is ignored, too, unless the program has set its action.
    ///   - whenListening: called once clients can connect and signals are heard, for instance to
    ///     print ``addresses``.
    /// - Returns: what became of the connections when it stopped.
    /// - Throws: ``ServerError`` if it cannot be started.
    @discardableResult
    public func run(
        stoppingOn signals: [Signal] = [],
        whenListening: @Sendable () -> Void = {}
    ) async throws(ServerError) -> DrainReport {
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
        return await finishStopping()
    }

    /// As `run`, for programs without concurrency: blocks the calling thread.
    @discardableResult
    public func runBlocking(
        stoppingOn signals: [Signal] = [],
        whenListening: () -> Void = {}
    ) throws(ServerError) -> DrainReport {
        if !isStarted { try start() }
        watch(signals)
        whenListening()
        let drained = Semaphore()
        whenDrained { drained.signal() }
        drained.wait()
        if let group = drainedGroup { group.stopBlocking() }
        markStopped()
        return drainReport
    }

    /// Stops the server: closes the listening sockets, then every connection with 1001, at the pace
    /// of ``DrainPolicy``, and cuts those that have not answered after
    /// ``Configuration/shutdownTimeout``. Returns when all is over.
    ///
    /// What was accepted before is still served: messages that were taken for sending leave before
    /// the Close frame, requests are answered, asynchronous handlers are cancelled and have time to
    /// end.
    ///
    /// Must not be called on one of the server's loops. Calling it again waits for the same end;
    /// before `start` it does nothing.
    ///
    /// - Returns: what became of the connections.
    @discardableResult
    public func stop() async -> DrainReport {
        let isRunning = state.withLock { state in
            switch state.phase {
            case .running, .draining, .drained: true
            case .idle, .stopped: false
            }
        }
        guard isRunning else { return drainReport }
        beginStopping(cutsWhenDraining: false)
        await withCheckedContinuation { continuation in
            whenDrained { continuation.resume() }
        }
        return await finishStopping()
    }

    private var isStarted: Bool {
        state.withLock { state in
            if case .idle = state.phase { false } else { true }
        }
    }

    private func watch(_ signals: [Signal]) {
        guard !signals.isEmpty else { return }
        SignalWatcher.ignoreBrokenPipes()
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
    private func finishStopping() async -> DrainReport {
        if let group = drainedGroup { await group.stop() }
        markStopped()
        return drainReport
    }

    private func markStopped() {
        let left = state.withLock { state -> (HandoverServer?, Watchdog?, Bool)? in
            guard case .drained = state.phase else { return nil }
            state.phase = .stopped
            defer { (state.handover, state.watchdog) = (nil, nil) }
            return (state.handover, state.watchdog, state.isHandedOver)
        }
        topicRegistry.stop()
        guard let (handover, watchdog, isHandedOver) = left else { return }
        watchdog?.stop()
        handover?.stop()
        // What was given belongs to whoever gave it.
        guard !isHandedOver, case .bound = configuration.listeners else { return }
        if let path = configuration.unixSocketPath { _ = unsafe unlink(path) }
    }
}
