internal import Synchronization

/// What a server has done and holds, as numbers: a value to look at, to compare, or to hand to
/// whatever collects metrics. See ``Server/metrics``.
///
/// Counts are totals since the start, unless they say otherwise; a collector makes rates of them.
public struct Metrics: Sendable {
    /// Connections that are open, being opened, or being closed at this moment.
    public var connectionsActive: UInt64 = 0
    /// Connections that were accepted from listening sockets, those that were turned away included.
    public var connectionsAccepted: UInt64 = 0
    /// Open WebSocket connections at this moment, by generation of the protocol.
    public var connectionsOpen: [ProtocolVersion: UInt64] = [:]
    /// Clients that were turned away when they were accepted, by reason: `server_full`,
    /// `address_full`, `address_rate`, `memory`, `descriptors`.
    public var admissionsRefused: [String: UInt64] = [:]
    /// Times that accepting was paused because no descriptor was left.
    public var acceptPauses: UInt64 = 0

    /// Opening handshakes that succeeded.
    public var handshakesAccepted: UInt64 = 0
    /// Requests that were refused, by status: `400`, `403`, ... or `other`.
    public var handshakesRefused: [String: UInt64] = [:]
    /// Plain HTTP requests that were answered by a route.
    public var requestsAnswered: UInt64 = 0
    /// TLS handshakes that succeeded, resumed sessions included.
    public var tlsHandshakes: UInt64 = 0
    /// TLS handshakes that resumed a session.
    public var tlsHandshakesResumed: UInt64 = 0
    /// TLS handshakes that failed.
    public var tlsHandshakesFailed: UInt64 = 0

    /// Messages handed to handlers.
    public var messagesReceived: UInt64 = 0
    /// Messages taken for sending.
    public var messagesSent: UInt64 = 0
    /// Frames of all kinds that were received.
    public var framesReceived: UInt64 = 0
    /// Pings, pongs and Close frames that were sent.
    public var controlFramesSent: UInt64 = 0
    /// Bytes read from sockets.
    public var bytesReceived: UInt64 = 0
    /// Bytes that the kernel took.
    public var bytesSent: UInt64 = 0
    /// Reads that brought bytes, and writes, refused ones included.
    public var reads: UInt64 = 0
    /// See ``reads``.
    public var writes: UInt64 = 0

    /// Direct messages that a full queue made drop.
    public var messagesDropped: UInt64 = 0
    /// Publications that came to loops with subscribers, once for each of these loops.
    public var publications: UInt64 = 0
    /// Publications taken for subscribers, each counted once per subscriber.
    public var publicationsDelivered: UInt64 = 0
    /// What subscribers did not get, by the policy that dropped it: `drop_newest`, `drop_oldest`,
    /// `latest`, `close`, or `inbox` when a loop could not keep up.
    public var drops: [String: UInt64] = [:]

    /// Close codes in Close frames that were sent: `1000`, ... `3xxx` and `4xxx`.
    public var closeCodesSent: [String: UInt64] = [:]
    /// Close codes in Close frames that were received.
    public var closeCodesReceived: [String: UInt64] = [:]
    /// Connections that this endpoint ended because of something, by reason.
    public var connectionsFailed: [String: UInt64] = [:]

    /// How long the turns of the loops took: nobody on a loop is served while a turn lasts.
    public var turns = Histogram(bounds: TimeBuckets.turns)
    /// The longest turn there was.
    public var longestTurn = Duration.zero
    /// Times that the watchdog found a loop blocked.
    public var stalls: UInt64 = 0
    /// Times that a connection had to wait for the next turn because it had had its share.
    public var yields: UInt64 = 0
    /// How long peers took to answer the keep-alive's pings.
    public var roundTrips = Histogram(bounds: TimeBuckets.roundTrips)

    /// What is held at this moment, in bytes, by account: `connections`, `received`, `output`,
    /// `publications`, `compression`, `tls`, `bodies`, `spare`.
    public var memory: [String: UInt64] = [:]
    /// What may be held in all; nil for no limit.
    public var memoryBudget: UInt64?

    /// The same for each loop; empty in the loops' own.
    public var loops: [Metrics] = []

    /// A histogram of durations.
    public struct Histogram: Sendable, Equatable {
        /// Where the buckets end, in milliseconds.
        public let bounds: [UInt64]
        /// How many there were in each bucket; the last one is for what is longer.
        public internal(set) var counts: [UInt64]
        /// All of them together, in milliseconds.
        public internal(set) var sum: UInt64 = 0

        /// How many there were.
        public var count: UInt64 { counts.reduce(0, &+) }

        init(bounds: [UInt64]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }
    }

    init() {}

    /// What is held at this moment, in bytes.
    public var memoryUsed: UInt64 { memory.values.reduce(0, &+) }
}

extension Server {
    /// What all loops have counted until now, and hold.
    ///
    /// May be asked for on any thread and as often as one likes: the loops are not stopped for it,
    /// and not even told. Each number is as it was a moment ago; two of them need not be of the
    /// same moment. Empty before the start and after the end.
    public var metrics: Metrics {
        var total = Metrics()
        total.memoryBudget = memoryBudget.byteCount.map { UInt64(clamping: $0) }
        guard let group = runningGroup else { return total }
        total.loops = group.meters.map { Metrics($0.counts) }
        for loop in total.loops { total.add(loop) }
        let shared = UInt64(clamping: topicRegistry.frames.byteCount)
        total.memory[MemoryAccount.publications.name] = shared
        return total
    }

    /// Serves ``metrics`` as a page of Prometheus's text format.
    ///
    ///     server.metricsPage("/metrics")
    ///
    /// The page says how many clients there are and what is done to the server, so it belongs behind
    /// a proxy that keeps strangers away from it, or on a server of its own.
    ///
    /// - Parameter pattern: the route, as for those of `get`.
    public func metricsPage(_ pattern: String = "/metrics") {
        get(pattern) { [weak self] _ in
            .bytes(
                Array((self?.metrics ?? Metrics()).prometheusText().utf8),
                contentType: "text/plain; version=0.0.4; charset=utf-8"
            )
        }
    }
}
