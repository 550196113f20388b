// What a loop's worker counts while messages fly: plain integers and one histogram, touched by its
// loop alone. They leave the loop once, as a LoopReport, when the run is over.

internal import Glibc
internal import Histogram

/// The parts of a cycle of the handshake mode.
enum CyclePart: Int, CaseIterable, Sendable {
    /// From the start to the TCP connection.
    case connecting
    /// From there to the end of the TLS handshake; nothing without TLS.
    case securing
    /// From there to the checked 101 response.
    case upgrading
    /// From our Close frame to the end of the connection.
    case closing
}

/// The counters of one worker.
///
/// Completions are always counted; latencies only in the window between `beginWindow` and
/// `endWindow`, so that neither warm-up nor the end of the run shows in the figures. Errors count
/// from start to end: a wrong echo during the warm-up is as wrong as any.
final class WorkerStatistics {
    private(set) var completed: UInt64 = 0
    var opened = 0
    var openNow = 0
    var errors = ErrorTally()
    private(set) var isMeasuring = false
    /// The main latency: the round trip of a message, or a whole cycle of handshakes.
    private var latency = LatencyHistogram.forLatency()
    /// The parts of such a cycle, by `CyclePart`; empty in other modes.
    private var parts: [LatencyHistogram] = []
    /// From the moment of sending, where messages have another moment at which they were due.
    private var uncorrected: LatencyHistogram?
    private var measured: UInt64 = 0
    private var sentInWindow: UInt64 = 0
    private(set) var interval = IntervalSum()
    private var window = Window()
    /// Echoes whose bytes were compared, counted when the connections are asked.
    var checked: UInt64 = 0
    /// Messages that were due and never left.
    var unsent: UInt64 = 0
    /// Messages that a broadcast's publisher sent, from start to end; nil where it is not here.
    var published: UInt64?
    /// Deliveries from start to end: those that came, and those known to be lost.
    var accounted: UInt64 = 0
    private(set) var pings: UInt64 = 0
    private(set) var fragmented: UInt64 = 0
    /// What the recipients of a broadcast saw, by message.
    var fanout: [FanoutRecord] = []

    private struct Window {
        var start: UInt64 = 0
        var end: UInt64 = 0
        var cpu: UInt64 = 0
        var waiting: UInt64 = 0
    }

    /// Counts one message or handshake that went well.
    @inline(__always)
    func complete(latency nanoseconds: UInt64, count: UInt64 = 1) {
        completed &+= count
        guard isMeasuring else { return }
        measured &+= count
        interval.add(nanoseconds, count: count)
        latency.record(min(nanoseconds, LatencyHistogram.longestLatency), count: count)
    }

    /// The same for messages that left together, and were perhaps due at another moment than that.
    @inline(__always)
    func complete(_ departure: Departure, count: Int = 1, at now: UInt64) {
        let count = UInt64(truncatingIfNeeded: count)
        complete(latency: now.minus(departure.dueAt), count: count)
        guard isMeasuring, uncorrected != nil else { return }
        uncorrected?.record(
            min(now.minus(departure.sentAt), LatencyHistogram.longestLatency),
            count: count
        )
    }

    /// Counts a ping of the server.
    func countPing() {
        if isMeasuring { pings &+= 1 }
    }

    /// Counts a message that came in fragments.
    func countFragmented() {
        if isMeasuring { fragmented &+= 1 }
    }

    /// Counts messages that left.
    @inline(__always)
    func countSent(_ count: Int = 1) {
        if isMeasuring { sentInWindow &+= UInt64(truncatingIfNeeded: count) }
    }

    /// Has the times from the moment of sending recorded too.
    func keepUncorrected() {
        uncorrected = .forLatency()
    }

    /// What was completed since the last call.
    func takeInterval() -> IntervalSum {
        defer { interval = IntervalSum() }
        return interval
    }

    func record(_ part: CyclePart, _ nanoseconds: UInt64) {
        guard isMeasuring else { return }
        if parts.isEmpty { parts = CyclePart.allCases.map { _ in .forLatency() } }
        parts[part.rawValue].record(min(nanoseconds, LatencyHistogram.longestLatency))
    }

    /// Starts the window. Called on the loop, whose thread's clocks it reads.
    func beginWindow() {
        measured = 0
        sentInWindow = 0
        (pings, fragmented) = (0, 0)
        interval = IntervalSum()
        latency.reset()
        uncorrected?.reset()
        parts = []
        window = Window(
            start: MonotonicClock.now(),
            end: 0,
            cpu: MonotonicClock.threadCPUTime(),
            waiting: Self.waitingTime()
        )
        isMeasuring = true
    }

    /// Ends it, if it is not over yet.
    func endWindow() {
        guard isMeasuring else { return }
        isMeasuring = false
        window.end = MonotonicClock.now()
        window.cpu = MonotonicClock.threadCPUTime().minus(window.cpu)
        window.waiting = Self.waitingTime().minus(window.waiting)
    }

    func report() -> LoopReport {
        LoopReport(
            opened: opened,
            measured: measured,
            elapsed: window.end.minus(window.start),
            cpu: window.cpu,
            waiting: window.waiting,
            sent: sentInWindow,
            checked: checked,
            unsent: unsent,
            published: published,
            accounted: accounted,
            pings: pings,
            fragmented: fragmented,
            latency: latency,
            uncorrected: uncorrected,
            parts: parts,
            fanout: fanout,
            errors: errors
        )
    }

    /// How long the calling thread could have run but had no core.
    private static func waitingTime() -> UInt64 {
        ProcessUsage.schedule("/proc/thread-self/schedstat")?.waitingNanoseconds ?? 0
    }
}
