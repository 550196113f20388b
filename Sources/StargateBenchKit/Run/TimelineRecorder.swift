/// Gathers the run over time from the glances at the workers.
struct TimelineRecorder {
    private let start: UInt64
    private var points: [TimelineReport.Point] = []
    private var last: UInt64
    private var errors: UInt64?
    private var interval = IntervalSum()

    /// A point for each tenth of a second at first; when there are too many, two become one.
    private var step: UInt64 = 100_000_000
    private static let pointLimit = 600

    init(start: UInt64) {
        self.start = start
        last = start
    }

    mutating func add(_ snapshot: WorkerSnapshot) {
        interval.merge(snapshot.interval)
        let now = MonotonicClock.now()
        // The glance comes a little early at times; that is no reason to wait for another.
        guard now.minus(last) >= step - step / 20 else { return }
        let seconds = Double(now.minus(last)) / 1e9
        points.append(
            TimelineReport.Point(
                time: Double(now.minus(start)) / 1e9,
                completed: interval.count,
                perSecond: Double(interval.count) / seconds,
                mean: interval.count == 0 ? 0 : interval.sum / interval.count,
                max: interval.longest,
                errors: snapshot.errors.minus(errors ?? snapshot.errors)
            )
        )
        errors = snapshot.errors
        interval = IntervalSum()
        last = now
        if points.count >= Self.pointLimit { halve() }
    }

    func report() -> TimelineReport? {
        points.isEmpty ? nil : TimelineReport(interval: Double(step) / 1e9, points: points)
    }

    private mutating func halve() {
        step *= 2
        points = stride(from: 0, to: points.count - 1, by: 2).map { index in
            let (first, second) = (points[index], points[index + 1])
            let completed = first.completed + second.completed
            let sum = first.mean * first.completed + second.mean * second.completed
            return TimelineReport.Point(
                time: second.time,
                completed: completed,
                perSecond: (first.perSecond + second.perSecond) / 2,
                mean: completed == 0 ? 0 : sum / completed,
                max: max(first.max, second.max),
                errors: first.errors + second.errors
            )
        }
    }
}
