// The path of a handshake run: a lane makes one cycle after the other on its loop.

internal import StargateCore

/// One cycle after the other. A cycle is its own handler, so that a late call for an abandoned
/// connection finds an object that no longer counts.
final class HandshakeLane {
    private let index: Int
    private unowned let worker: HandshakeWorker
    private let request: ClientRequest
    private unowned let loop: EventLoop
    private var remaining: UInt64
    private var cycle: HandshakeCycle?
    private var hasEnded = false

    init(index: Int, worker: HandshakeWorker, request: ClientRequest, loop: EventLoop) {
        self.index = index
        self.worker = worker
        self.request = request
        self.loop = loop
        remaining = worker.plan.quota(of: index)
    }

    func start() {
        guard remaining > 0 else { return end() }
        remaining -= 1
        let cycle = HandshakeCycle(lane: self, now: MonotonicClock.now())
        self.cycle = cycle
        WebSocketClient.connect(
            request,
            on: loop,
            handler: cycle,
            connected: { [weak cycle] in cycle?.connectedAt = MonotonicClock.now() },
            secured: { [weak cycle] in cycle?.securedAt = MonotonicClock.now() },
            completion: { [weak cycle] in cycle?.settle(ConnectOutcome($0)) }
        )
    }

    func startNoMore() {
        remaining = 0
    }

    /// Leaves the connection that is open, if there is one.
    func abandon() {
        cycle?.abandon()
        cycle = nil
    }

    func sweep(now: UInt64, timeout: UInt64) {
        guard let cycle, now.minus(cycle.startedAt) > timeout else { return }
        fail(
            cycle,
            .timeout,
            "lane \(index + 1): \(cycle.waitingFor) within \(Figure.span(timeout))"
        )
        cycle.abandon()
    }

    // MARK: Told by the cycle

    var statistics: WorkerStatistics { worker.statistics }

    var isSecure: Bool { request.url.isSecure }

    func succeed(_ cycle: HandshakeCycle) {
        guard self.cycle === cycle else { return }
        self.cycle = nil
        start()
    }

    func fail(_ cycle: HandshakeCycle, _ kind: ErrorKind, _ example: String) {
        guard self.cycle === cycle else { return }
        self.cycle = nil
        statistics.errors.add(kind, example)
        if worker.isHopeless { remaining = 0 }
        // A server that refuses does so at once: without a pause this would be a busy loop.
        loop.schedule(after: .milliseconds(100)) { [weak self] _ in self?.start() }
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        worker.laneEnded()
    }
}
