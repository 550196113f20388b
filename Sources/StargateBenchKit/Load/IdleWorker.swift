// The idle mode on one loop: connections that are opened, held, and do nothing.

internal import StargateCore

/// What the idle workers need to know.
struct IdlePlan: Sendable {
    let target: TargetPlan
    let timeout: UInt64
    /// Connections per second on one loop; 0 for no limit.
    let connectRate: Double
}

/// One loop's share of the connections of an idle run.
final class IdleWorker: LoadWorker {
    private let plan: IdlePlan
    private let share: Range<Int>
    let statistics = WorkerStatistics()
    private(set) var stage = WorkerStage.connecting
    private var connector: Connector?
    private var sockets: [Int: WebSocket] = [:]

    init(plan: IdlePlan, share: Range<Int>) {
        self.plan = plan
        self.share = share
    }

    func connect(on loop: EventLoop) {
        guard let request = try? plan.target.request() else {
            statistics.errors.add(.connect, count: UInt64(share.count), "the URL is not valid")
            stage = .ready
            return
        }
        sockets.reserveCapacity(share.count)
        let connector = Connector(
            request: { [plan] in (try? plan.target.request(connection: $0)) ?? request },
            connections: share,
            rate: plan.connectRate,
            timeout: plan.timeout,
            makeHandler: { [unowned self] in IdleConnection(index: $0, worker: self) },
            settled: { [unowned self] in settle($0, $1) }
        )
        self.connector = connector
        connector.start(on: loop)
        becomeReadyIfSettled()
    }

    private func settle(_ index: Int, _ outcome: ConnectOutcome) {
        switch outcome {
        case .open(let socket):
            sockets[index] = socket
            statistics.opened += 1
            statistics.openNow += 1
            statistics.complete(latency: 0)
        case .failed(let kind, let example):
            statistics.errors.add(kind, example)
        }
        becomeReadyIfSettled()
    }

    private func becomeReadyIfSettled() {
        if stage == .connecting, connector?.isFinished ?? true { stage = .ready }
    }

    func go() {
        stage = .running
        becomeDrainedIfLost()
    }

    /// Without a connection left there is nothing to hold.
    private func becomeDrainedIfLost() {
        guard stage == .running, sockets.isEmpty else { return }
        statistics.endWindow()
        stage = .drained
    }

    func drain() {
        connector?.stop()
        if stage < .drained { stage = .drained }
        statistics.endWindow()
    }

    func close() {
        for socket in sockets.values { socket.close() }
        becomeClosedIfEmpty()
    }

    func cut() {
        let remaining = sockets
        sockets = [:]
        statistics.openNow = 0
        statistics.errors.add(
            .closingHandshake,
            count: UInt64(remaining.count),
            "the server did not answer our Close frame"
        )
        for socket in remaining.values { socket.terminate() }
        stage = .closed
    }

    func sweep(now: UInt64) {
        connector?.sweep(now: now)
    }

    func closed(_ index: Int, code: CloseCode, reason: String) {
        guard sockets.removeValue(forKey: index) != nil else { return }
        statistics.openNow -= 1
        if stage < .drained {
            statistics.errors.add(
                .closedEarly,
                "connection \(index + 1): closed with \(code)"
                    + (reason.isEmpty ? "" : " \"\(reason)\"")
            )
        }
        becomeDrainedIfLost()
        becomeClosedIfEmpty()
    }

    private func becomeClosedIfEmpty() {
        if stage == .drained, sockets.isEmpty { stage = .closed }
    }
}

/// A connection that waits for its end.
private final class IdleConnection: WebSocketHandler {
    private let index: Int
    private unowned let worker: IdleWorker

    init(index: Int, worker: IdleWorker) {
        self.index = index
        self.worker = worker
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        worker.closed(index, code: code, reason: reason)
    }
}
