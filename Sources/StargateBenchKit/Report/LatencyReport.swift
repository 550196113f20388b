internal import Histogram

/// Latencies in nanoseconds, with three significant digits, up to a minute.
typealias LatencyHistogram = Histogram<UInt64>

extension LatencyHistogram {
    static let longestLatency: UInt64 = 60_000_000_000

    /// An empty histogram of the shape that all threads and processes share, so that theirs can be
    /// added.
    static func forLatency() -> LatencyHistogram {
        LatencyHistogram(
            lowestDiscernibleValue: 1,
            highestTrackableValue: longestLatency,
            numberOfSignificantValueDigits: .three
        )
    }
}

/// A distribution of times, in nanoseconds: the figures that reports show, and all of it for those
/// that draw.
struct LatencyReport: Sendable, Equatable, JSONRecord {
    enum Name: String, Sendable, CaseIterable, JSONCodable {
        /// From the moment a message should have left to its echo: with a rate its due time,
        /// without one the moment of sending.
        case roundTrip = "round_trip"
        /// From the moment it did leave: what a tool sees that waits for the server.
        case uncorrected
        case connect
        case tls
        case upgrade
        case close
        case cycle
        case firstRecipient = "first_recipient"
        case lastRecipient = "last_recipient"
        case delivery

        var title: String {
            switch self {
            case .roundTrip: "round trip"
            case .uncorrected: "uncorrected"
            case .connect: "TCP connect"
            case .tls: "TLS"
            case .upgrade: "upgrade"
            case .close: "close"
            case .cycle: "cycle"
            case .firstRecipient: "first recipient"
            case .lastRecipient: "last recipient"
            case .delivery: "between messages"
            }
        }
    }

    var name = Name.roundTrip
    var count: UInt64 = 0
    var min: UInt64 = 0
    var mean = 0.0
    var deviation = 0.0
    var p50: UInt64 = 0
    var p75: UInt64 = 0
    var p90: UInt64 = 0
    var p95: UInt64 = 0
    var p99: UInt64 = 0
    var p999: UInt64 = 0
    var p9999: UInt64 = 0
    var max: UInt64 = 0
    /// Value, count, value, count: every bucket that is not empty, from below.
    var counts: [UInt64] = []

    init() {}

    /// Nil when nothing was recorded.
    init?(_ name: Name, _ histogram: LatencyHistogram) {
        guard histogram.totalCount > 0 else { return nil }
        self.name = name
        count = histogram.totalCount
        min = histogram.min
        mean = histogram.mean
        deviation = histogram.stdDeviation
        p50 = histogram.valueAtPercentile(50)
        p75 = histogram.valueAtPercentile(75)
        p90 = histogram.valueAtPercentile(90)
        p95 = histogram.valueAtPercentile(95)
        p99 = histogram.valueAtPercentile(99)
        p999 = histogram.valueAtPercentile(99.9)
        p9999 = histogram.valueAtPercentile(99.99)
        max = histogram.maxRecorded
        counts = histogram.flatCounts
    }

    static var fields: [JSONField<LatencyReport>] {
        [
            JSONField("name", \.name, "What was timed."),
            JSONField("count", \.count, "How many times."),
            JSONField("min_ns", \.min, "The shortest."),
            JSONField("mean_ns", \.mean, "The mean."),
            JSONField("stddev_ns", \.deviation, "The standard deviation."),
            JSONField("p50_ns", \.p50, "The median."),
            JSONField("p75_ns", \.p75, "The 75th percentile."),
            JSONField("p90_ns", \.p90, "The 90th percentile."),
            JSONField("p95_ns", \.p95, "The 95th percentile."),
            JSONField("p99_ns", \.p99, "The 99th percentile."),
            JSONField("p99_9_ns", \.p999, "The 99.9th percentile."),
            JSONField("p99_99_ns", \.p9999, "The 99.99th percentile."),
            JSONField("max_ns", \.max, "The longest."),
            JSONField("counts", \.counts, "Value, count, value, count: all buckets in use."),
        ]
    }

    /// All of it again.
    var histogram: LatencyHistogram { LatencyHistogram(flatCounts: counts) }
}

extension LatencyHistogram {
    /// Value, count, value, count, from below.
    var flatCounts: [UInt64] {
        recordedValues().flatMap { [$0.value, $0.count] }
    }

    /// The histogram that was written so. Values beyond the longest count as that.
    init(flatCounts: [UInt64]) {
        self = .forLatency()
        for index in stride(from: 0, to: flatCounts.count - 1, by: 2) {
            record(Swift.min(flatCounts[index], Self.longestLatency), count: flatCounts[index + 1])
        }
    }
}
