// What a loop's worker counts while messages fly: plain integers and one histogram, touched by its
// loop alone. They leave the loop once, as a LoopReport, when the run is over.

internal import Glibc
internal import Histogram

/// The parts of a cycle of the handshake mode.
enum CyclePart: Int, CaseIterable, Sendable {
    /// From the start to the TCP connection.
    case connecting
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
    private var measured: UInt64 = 0
    private var window = Window()

    private struct Window {
        var start: UInt64 = 0
        var end: UInt64 = 0
        var cpu: UInt64 = 0
        var waiting: UInt64 = 0
    }

    /// Counts one message or handshake that went well.
    @inline(__always)
    func complete(latency nanoseconds: UInt64) {
        completed &+= 1
        guard isMeasuring else { return }
        measured &+= 1
        latency.record(min(nanoseconds, LatencyHistogram.longestLatency))
    }

    func record(_ part: CyclePart, _ nanoseconds: UInt64) {
        guard isMeasuring else { return }
        if parts.isEmpty { parts = CyclePart.allCases.map { _ in .forLatency() } }
        parts[part.rawValue].record(min(nanoseconds, LatencyHistogram.longestLatency))
    }

    /// Starts the window. Called on the loop, whose thread's clocks it reads.
    func beginWindow() {
        measured = 0
        latency.reset()
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
            latency: latency,
            parts: parts,
            errors: errors
        )
    }

    /// How long the calling thread could have run but had no core.
    private static func waitingTime() -> UInt64 {
        ProcessUsage.schedule("/proc/thread-self/schedstat")?.waitingNanoseconds ?? 0
    }
}

/// What one loop contributes to the report.
struct LoopReport: Sendable {
    var opened: Int
    /// Messages or handshakes completed inside the window.
    var measured: UInt64
    /// The length of the window in nanoseconds, and the thread's time on and without a core in it.
    var elapsed: UInt64
    var cpu: UInt64
    var waiting: UInt64
    var latency: LatencyHistogram
    var parts: [LatencyHistogram]
    var errors: ErrorTally

    /// The share of the window in which the loop's thread ran.
    var busyShare: Double { elapsed == 0 ? 0 : Double(cpu) / Double(elapsed) }
    /// The share in which it waited for a core.
    var waitingShare: Double { elapsed == 0 ? 0 : Double(waiting) / Double(elapsed) }
}

/// The loops together.
struct FleetReport: Sendable {
    let opened: Int
    let measured: UInt64
    let elapsed: UInt64
    let busyShares: [Double]
    let waitingShare: Double
    let latency: LatencyHistogram
    let parts: [LatencyHistogram]
    let errors: ErrorTally

    init(merging reports: [LoopReport]) {
        var latency = LatencyHistogram.forLatency()
        var parts: [LatencyHistogram] = []
        var errors = ErrorTally()
        for report in reports {
            latency.add(report.latency)
            if parts.isEmpty {
                parts = report.parts
            } else {
                for (index, part) in report.parts.enumerated() { parts[index].add(part) }
            }
            errors.merge(report.errors)
        }
        self.latency = latency
        self.parts = parts
        self.errors = errors
        opened = reports.reduce(0) { $0 + $1.opened }
        measured = reports.reduce(0) { $0 + $1.measured }
        elapsed = reports.map(\.elapsed).max() ?? 0
        busyShares = reports.map(\.busyShare)
        waitingShare = reports.map(\.waitingShare).max() ?? 0
    }

    /// Completions per second.
    var rate: Double { elapsed == 0 ? 0 : Double(measured) / (Double(elapsed) / 1e9) }
}
