/// The run, interval by interval.
struct TimelineReport: Sendable, Equatable, JSONRecord {
    /// One interval.
    struct Point: Sendable, Equatable, JSONRecord {
        /// The end of the interval, in seconds from the start of the window.
        var time = 0.0
        var completed: UInt64 = 0
        var perSecond = 0.0
        var mean: UInt64 = 0
        var max: UInt64 = 0
        var errors: UInt64 = 0

        static var fields: [JSONField<Point>] {
            [
                JSONField("t_s", \.time, "Seconds from the start to the end of the interval."),
                JSONField("completed", \.completed, "Operations completed in it."),
                JSONField("per_second", \.perSecond, "The same by time."),
                JSONField("mean_ns", \.mean, "The mean latency of those."),
                JSONField("max_ns", \.max, "The longest."),
                JSONField("errors", \.errors, "Errors in it."),
            ]
        }
    }

    var interval = 0.0
    var points: [Point] = []

    static var fields: [JSONField<TimelineReport>] {
        [
            JSONField("interval_s", \.interval, "Seconds of an interval."),
            JSONField("points", \.points, "The intervals in order."),
        ]
    }
}
