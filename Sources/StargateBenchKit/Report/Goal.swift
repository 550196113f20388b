// A goal for a run, as `--slo` takes it: `p99<5ms`, `errors==0`, `rate>=50000`, `cpu<10us`.

internal import Histogram

/// A figure of the report, a comparison and a value.
struct Goal: Sendable, Equatable {
    enum Metric: Sendable, Equatable {
        /// A percentile of the main latency: 50, 99, 99.9.
        case percentile(Double)
        case mean
        case max
        case rate
        case errors
        case errorRate
        /// CPU time of the server an operation.
        case cpu

        var isTime: Bool {
            switch self {
            case .percentile, .mean, .max, .cpu: true
            case .rate, .errors, .errorRate: false
            }
        }
    }

    enum Relation: String, Sendable, CaseIterable {
        case atMost = "<="
        case atLeast = ">="
        case equal = "=="
        case unequal = "!="
        case below = "<"
        case above = ">"

        func holds(_ left: Double, _ right: Double) -> Bool {
            switch self {
            case .atMost: left <= right
            case .atLeast: left >= right
            case .equal: left == right
            case .unequal: left != right
            case .below: left < right
            case .above: left > right
            }
        }
    }

    let expression: String
    let metric: Metric
    let relation: Relation
    /// In nanoseconds for times.
    let value: Double

    /// Nil for what is no goal.
    init?(_ text: String) {
        let compact = text.filter { $0 != " " }
        for relation in Relation.allCases {
            guard let cut = compact.firstRange(of: relation.rawValue) else { continue }
            guard let metric = Self.metric(String(compact[..<cut.lowerBound])) else { return nil }
            let right = String(compact[cut.upperBound...])
            if metric.isTime {
                guard let span = TimeSpan(right) else { return nil }
                value = Double(span.nanoseconds)
            } else {
                let isPercent = right.hasSuffix("%")
                guard let number = Double(isPercent ? String(right.dropLast()) : right) else {
                    return nil
                }
                value = isPercent ? number / 100 : number
            }
            expression = compact
            self.metric = metric
            self.relation = relation
            return
        }
        return nil
    }

    private static func metric(_ name: String) -> Metric? {
        switch name.lowercased() {
        case "mean", "avg": return .mean
        case "max": return .max
        case "rate": return .rate
        case "errors": return .errors
        case "error_rate": return .errorRate
        case "cpu": return .cpu
        case "median": return .percentile(50)
        case let name where name.hasPrefix("p"):
            guard let number = Double(name.dropFirst()), number > 0, number < 100 else {
                return nil
            }
            return .percentile(number)
        default: return nil
        }
    }

    /// The figure in a report; nil where the run has none.
    func actual(in report: RunReport) -> Double? {
        let main = report.mainLatency
        switch metric {
        case .percentile(let number):
            return main.map { Double($0.histogram.valueAtPercentile(number)) }
        case .mean: return main?.mean
        case .max: return main.map { Double($0.max) }
        case .rate: return report.result.perSecond
        case .errors: return Double(report.errorTotal)
        case .errorRate:
            let all = report.result.completed + report.errorTotal
            return all == 0 ? nil : Double(report.errorTotal) / Double(all)
        case .cpu: return report.server?.cpuPerOperation
        }
    }

    /// A figure that is not there misses its goal: nobody can say that it was met.
    func judge(_ report: RunReport) -> GoalReport {
        let actual = actual(in: report)
        return GoalReport(
            expression: expression,
            actual: actual,
            isMet: actual.map { relation.holds($0, value) } ?? false
        )
    }

    /// The figure in words.
    static func describe(_ report: GoalReport) -> String {
        guard let actual = report.actual else { return "no such figure in this run" }
        let isTime = Goal(report.expression)?.metric.isTime ?? false
        return "it is \(isTime ? Figure.time(actual) : Figure.significant(actual))"
    }
}
