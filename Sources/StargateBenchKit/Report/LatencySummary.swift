internal import Histogram

/// The figures of a histogram that the report shows, in nanoseconds.
struct LatencySummary: Sendable, Equatable {
    var count: UInt64
    var min: UInt64
    var mean: Double
    var p50: UInt64
    var p90: UInt64
    var p99: UInt64
    var p999: UInt64
    var max: UInt64

    /// Nil when nothing was recorded.
    init?(_ histogram: LatencyHistogram) {
        guard histogram.totalCount > 0 else { return nil }
        count = histogram.totalCount
        min = histogram.min
        mean = histogram.mean
        p50 = histogram.valueAtPercentile(50)
        p90 = histogram.valueAtPercentile(90)
        p99 = histogram.valueAtPercentile(99)
        p999 = histogram.valueAtPercentile(99.9)
        max = histogram.maxRecorded
    }
}
