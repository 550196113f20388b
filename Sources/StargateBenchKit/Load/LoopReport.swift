internal import Histogram

/// What one loop contributes to the report.
struct LoopReport: Sendable {
    var opened = 0
    /// Messages or handshakes completed inside the window.
    var measured: UInt64 = 0
    /// The length of the window in nanoseconds, and the thread's time on and without a core in it.
    var elapsed: UInt64 = 0
    var cpu: UInt64 = 0
    var waiting: UInt64 = 0
    var sent: UInt64 = 0
    var checked: UInt64 = 0
    /// Messages that were due and never left.
    var unsent: UInt64 = 0
    /// What a broadcast's publisher sent altogether; nil where it was not here.
    var published: UInt64?
    /// Deliveries altogether, and those known to be lost.
    var accounted: UInt64 = 0
    var pings: UInt64 = 0
    var fragmented: UInt64 = 0
    var latency = LatencyHistogram.forLatency()
    var uncorrected: LatencyHistogram?
    var parts: [LatencyHistogram] = []
    var fanout: [FanoutRecord] = []
    var errors = ErrorTally()
    /// Bytes on the wire, all threads of the process together; in the first of their reports.
    var wire: WireCount?

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
    let sent: UInt64
    let checked: UInt64
    let unsent: UInt64
    let pings: UInt64
    let fragmented: UInt64
    let latency: LatencyHistogram
    let uncorrected: LatencyHistogram?
    let parts: [LatencyHistogram]
    let fanout: [FanoutRecord]
    let errors: ErrorTally
    let wire: WireCount?

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
        Self.addUndelivered(reports, to: &errors)
        var uncorrected: LatencyHistogram?
        for other in reports.compactMap(\.uncorrected) {
            if uncorrected == nil { uncorrected = .forLatency() }
            uncorrected?.add(other)
        }
        self.uncorrected = uncorrected
        let wires = reports.compactMap(\.wire)
        wire =
            wires.isEmpty
            ? nil
            : WireCount(
                sent: wires.reduce(0) { $0 + $1.sent },
                received: wires.reduce(0) { $0 + $1.received }
            )
        fanout = FanoutRecord.merged(reports.map(\.fanout))
        sent = reports.reduce(0) { $0 + $1.sent }
        checked = reports.reduce(0) { $0 + $1.checked }
        unsent = reports.reduce(0) { $0 + $1.unsent }
        pings = reports.reduce(0) { $0 + $1.pings }
        fragmented = reports.reduce(0) { $0 + $1.fragmented }
        self.latency = latency
        self.parts = parts
        self.errors = errors
        opened = reports.reduce(0) { $0 + $1.opened }
        measured = reports.reduce(0) { $0 + $1.measured }
        elapsed = reports.map(\.elapsed).max() ?? 0
        busyShares = reports.map(\.busyShare)
        waitingShare = reports.map(\.waitingShare).max() ?? 0
    }

    /// What was published and neither came nor was missed in the sequence: only all loops together
    /// know that, because the publisher is on one of them.
    private static func addUndelivered(_ reports: [LoopReport], to errors: inout ErrorTally) {
        guard let published = reports.lazy.compactMap(\.published).first else { return }
        let recipients = reports.reduce(0) { $0 + $1.opened }
        let (expected, isTooMuch) = published.multipliedReportingOverflow(
            by: UInt64(clamping: recipients)
        )
        let accounted = reports.reduce(0) { $0 &+ $1.accounted }
        guard !isTooMuch, expected > accounted else { return }
        errors.add(
            .undelivered,
            count: expected - accounted,
            "\(published) messages to \(recipients) recipients, but \(accounted) deliveries"
        )
    }

    /// Completions per second.
    var rate: Double { elapsed == 0 ? 0 : Double(measured) / (Double(elapsed) / 1e9) }
}
