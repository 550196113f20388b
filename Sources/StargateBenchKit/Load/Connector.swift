// Opening many connections: not all at once, because no server's backlog takes ten thousand, and
// not one by one, because that takes for ever.

internal import StargateCore

/// Opens a range of connections on one loop and tells how each attempt ended.
final class Connector {
    /// Attempts at a time. A server's backlog is 128 on old systems, and several loops share it.
    private static let pendingLimit = 64

    private let request: (Int) -> ClientRequest
    private var remaining: Range<Int>
    /// Connections per second on this loop; 0 for as fast as the server takes them.
    private let rate: Double
    private let timeout: UInt64
    private let makeHandler: (Int) -> any WebSocketHandler
    private let settled: (Int, ConnectOutcome) -> Void
    private var pending: [Int: UInt64] = [:]
    private var startedAt: UInt64 = 0
    private var startedCount = 0
    private var rateTimer: LoopTimer?

    /// - Parameters:
    ///   - request: the handshake to make, by the connection's number.
    ///   - connections: their numbers.
    ///   - rate: connections per second; 0 for no limit.
    ///   - timeout: after how many nanoseconds an attempt has failed.
    ///   - makeHandler: makes the handler of the connection with that number.
    ///   - settled: called once for each of them.
    init(
        request: @escaping (Int) -> ClientRequest,
        connections: Range<Int>,
        rate: Double,
        timeout: UInt64,
        makeHandler: @escaping (Int) -> any WebSocketHandler,
        settled: @escaping (Int, ConnectOutcome) -> Void
    ) {
        self.request = request
        remaining = connections
        self.rate = rate
        self.timeout = timeout
        self.makeHandler = makeHandler
        self.settled = settled
    }

    var isFinished: Bool { remaining.isEmpty && pending.isEmpty }

    func start(on loop: EventLoop) {
        startedAt = MonotonicClock.now()
        fill(on: loop)
        if rate > 0 { keepRate(on: loop) }
    }

    /// Starts no attempt any more. Those on their way still settle.
    func stop() {
        remaining = remaining.upperBound..<remaining.upperBound
    }

    /// Fails the attempts that take too long.
    func sweep(now: UInt64) {
        for (index, start) in pending where now.minus(start) > timeout {
            pending[index] = nil
            settled(index, .failed(.timeout, "no answer to the opening handshake in time"))
        }
    }

    private func keepRate(on loop: EventLoop) {
        rateTimer = loop.schedule(every: .milliseconds(10)) { [unowned self] loop in
            fill(on: loop)
            if remaining.isEmpty { rateTimer?.cancel() }
        }
    }

    private func fill(on loop: EventLoop) {
        while !remaining.isEmpty, pending.count < Self.pendingLimit, isDue {
            let index = remaining.removeFirst()
            startedCount += 1
            pending[index] = MonotonicClock.now()
            WebSocketClient.connect(request(index), on: loop, handler: makeHandler(index)) {
                [weak self] result in
                self?.finish(index, result, on: loop)
            }
        }
    }

    private var isDue: Bool {
        guard rate > 0 else { return true }
        let elapsed = Double(MonotonicClock.now().minus(startedAt)) / 1e9
        return Double(startedCount) <= elapsed * rate
    }

    private func finish(_ index: Int, _ result: Result<WebSocket, ClientError>, on loop: EventLoop)
    {
        let outcome = ConnectOutcome(result)
        guard pending.removeValue(forKey: index) != nil else {
            // It was given up meanwhile.
            if case .open(let socket) = outcome { socket.terminate() }
            return
        }
        settled(index, outcome)
        fill(on: loop)
    }
}
