// The report as a page: complete in one file, for a browser without a network, for a dark room and
// for paper.

internal import Glibc
internal import Histogram

/// Renders one run as HTML.
struct ReportPage {
    let report: RunReport

    private var text: ReportText { ReportText(report: report, style: .plain) }

    func rendered() -> String {
        let title = report.name ?? "stargate-bench \(report.mode.rawValue)"
        var parts = [
            "<h1>\(HTMLText.escaped(title))</h1>",
            "<p class=\"sub\">\(HTMLText.escaped(report.target.url))</p>",
            "<div class=\"verdict \(tone)\">\(HTMLText.escaped(text.verdict))</div>",
            cards,
        ]
        parts += [distribution, spread, overTime, searched].compactMap { $0 }
        parts += [times, costs, memory, errors, goals, setup, notes].compactMap { $0 }
        return HTMLText.page(title: title, body: parts.joined(separator: "\n"))
    }

    private var tone: String {
        switch report.result.status {
        case .good: "good"
        case .interrupted: "warn"
        default: "bad"
        }
    }

    private var cards: String {
        var cards: [(String, String)] = []
        if report.mode == .idle {
            cards.append(
                (Figure.grouped(UInt64(report.result.connectionsHeld)), "connections held")
            )
            if let each = report.memory?.residentPerConnection {
                cards.append((Figure.bytes(each), "RSS a connection"))
            }
        } else {
            cards.append((Figure.rate(report.result.perSecond), "\(report.mode.unit)/s"))
        }
        if let main = report.mainLatency {
            cards.append((Figure.time(Double(main.p50)), "median"))
            cards.append((Figure.time(Double(main.p99)), "99th percentile"))
            cards.append((Figure.time(Double(main.p9999)), "99.99th percentile"))
        }
        if let each = report.server?.cpuPerOperation {
            cards.append((Figure.time(each), "server CPU a \(report.mode.operation)"))
        }
        cards.append((Figure.grouped(report.errorTotal), "errors"))
        let boxes = cards.map {
            "<div class=\"card\"><b>\(HTMLText.escaped($0.0))</b><span>\(HTMLText.escaped($0.1))</span></div>"
        }
        return "<div class=\"cards\">\(boxes.joined())</div>"
    }

    // MARK: Charts

    /// Latency over percentiles; each label is ten times rarer than the one before.
    private var distribution: String? {
        guard let main = report.mainLatency, main.count > 1 else { return nil }
        let others = report.latencies.filter {
            $0.name == .uncorrected || $0.name == .firstRecipient
        }
        let rarest = min(5.3, max(2, log10(Double(main.count))))
        func line(_ latency: LatencyReport, _ style: String) -> ChartLine {
            let histogram = latency.histogram
            let points = (0...120).map { step -> (x: Double, y: Double) in
                let place = rarest * Double(step) / 120
                let percentile = 100 * (1 - pow(10, -place))
                return (place, Double(histogram.valueAtPercentile(percentile)))
            }
            return ChartLine(points: points, style: style)
        }
        let lines = [line(main, "first")] + others.map { line($0, "second") }
        let labels = [
            (0.0, "0 %"), (0.301, "50 %"), (1, "90 %"), (2, "99 %"), (3, "99.9 %"),
            (4, "99.99 %"), (5, "99.999 %"),
        ]
        let chart = LineChart(
            lines: lines,
            x: ChartScale(low: 0, high: rarest),
            y: ChartScale(lines.flatMap { $0.points.map(\.y) }, isLogarithmic: true),
            xLabels: labels.filter { $0.0 <= rarest }.map { (place: $0.0, text: $0.1) },
            yLabel: { Figure.time($0) },
            title: "latency by percentile"
        )
        let key = ([(main.name.title, "first")] + others.map { ($0.name.title, "second") })
            .map { "<i class=\"\($0.1)\"></i>\(HTMLText.escaped($0.0))" }
        return
            "<h2>Latency by percentile</h2>\(chart.rendered())<p class=\"key\">\(key.joined())</p>"
    }

    private var spread: String? {
        guard let main = report.mainLatency else { return nil }
        let rows = HistogramRows(main, limit: 16).rows
        guard rows.count > 1 else { return nil }
        let chart = BarChart(
            bars: rows.map {
                BarChart.Bar(
                    name: "below " + Figure.time(Double($0.upper)),
                    value: Double($0.count),
                    figure: Figure.percent(Double($0.count) / Double(main.count))
                )
            },
            title: "the spread of the latency"
        )
        return "<h2>Spread</h2>\(chart.rendered())"
    }

    private var overTime: String? {
        guard let points = report.timeline?.points, points.count > 2 else { return nil }
        let end = points.last?.time ?? 1
        let x = ChartScale(low: 0, high: end)
        let labels = x.ticks.map { (place: $0, text: "\(Figure.significant($0)) s") }
        let rates = points.map { (x: $0.time, y: $0.perSecond) }
        let slowest = points.map { (x: $0.time, y: Double($0.max)) }
        let means = points.map { (x: $0.time, y: Double($0.mean)) }
        let rate = LineChart(
            lines: [ChartLine(points: rates, style: "first")],
            x: x,
            y: ChartScale(rates.map(\.y)),
            xLabels: labels,
            yLabel: { Figure.rate($0) },
            title: "the rate over time"
        )
        let latency = LineChart(
            lines: [
                ChartLine(points: means, style: "first"),
                ChartLine(points: slowest, style: "second"),
            ],
            x: x,
            y: ChartScale(slowest.map(\.y) + means.map(\.y), isLogarithmic: true),
            xLabels: labels,
            yLabel: { Figure.time($0) },
            title: "latency over time"
        )
        return """
            <h2>Over time</h2>
            \(rate.rendered())<p class="key"><i></i>\(report.mode.unit)/s</p>
            \(latency.rendered())<p class="key"><i></i>mean<i class="second"></i>slowest</p>
            """
    }

    private var searched: String? {
        guard !report.steps.isEmpty else { return nil }
        let rows = report.steps.map {
            [
                Figure.rate($0.rate), Figure.rate($0.achieved), Figure.time(Double($0.p50)),
                Figure.time(Double($0.p99)), $0.isMet ? "met" : $0.why,
            ]
        }
        return "<h2>Search</h2>"
            + HTMLText.table(head: ["asked", "came back", "p50", "p99", "goals"], rows: rows)
    }

    // MARK: Tables

    private var times: String? {
        guard !report.latencies.isEmpty else { return nil }
        let rows = report.latencies.map { entry in
            [entry.name.title]
                + [
                    Double(entry.min), Double(entry.p50), Double(entry.p75), Double(entry.p90),
                    Double(entry.p95), Double(entry.p99), Double(entry.p999), Double(entry.p9999),
                    Double(entry.max), entry.mean,
                ].map { Figure.time($0) }
        }
        let head = [
            "time", "min", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "mean",
        ]
        return "<h2>Times</h2>" + HTMLText.table(head: head, rows: rows)
    }

    private var costs: String? {
        var pairs: [(String, String)] = []
        let lines = text.server + text.client
        for line in lines {
            let label = line.prefix(14).filter { $0 != " " }
            let rest = String(line.dropFirst(14))
            if label.isEmpty, let last = pairs.indices.last {
                pairs[last].1 += "; " + rest
            } else {
                pairs.append((label, rest))
            }
        }
        if let limit = report.limit, report.result.completed > 0 {
            pairs.append(("limited by", limit.explanation))
        }
        return pairs.isEmpty ? nil : "<h2>Costs</h2>" + HTMLText.definitions(pairs)
    }

    private var memory: String? {
        guard let memory = report.memory else { return nil }
        func row(_ name: String, _ before: UInt64, _ after: UInt64, _ each: Double?) -> [String] {
            [
                name, Figure.bytes(Double(before)), Figure.bytes(Double(after)),
                each.map { Figure.bytes($0) } ?? "-",
            ]
        }
        var rows = [
            row("RSS", memory.residentBefore, memory.residentAfter, memory.residentPerConnection),
            row(
                "PSS",
                memory.proportionalBefore,
                memory.proportionalAfter,
                memory.proportionalPerConnection
            ),
        ]
        if let before = memory.kernelBefore, let after = memory.kernelAfter {
            rows.append(row("kernel, whole machine", before, after, memory.kernelPerConnection))
        }
        return "<h2>Memory</h2>"
            + HTMLText.table(head: ["", "before", "after", "a connection"], rows: rows)
    }

    private var errors: String? {
        guard !report.errors.isEmpty else { return nil }
        let rows = report.errors.map { [$0.title, Figure.grouped($0.count), $0.firstExample] }
        return "<h2>Errors</h2>"
            + HTMLText.table(head: ["kind", "count", "the first of them"], rows: rows)
    }

    private var goals: String? {
        guard !report.goals.isEmpty else { return nil }
        let rows = report.goals.map {
            [$0.expression, Goal.describe($0), $0.isMet ? "met" : "missed"]
        }
        return "<h2>Goals</h2>" + HTMLText.table(head: ["goal", "figure", ""], rows: rows)
    }

    private var setup: String? {
        let machine = report.machine
        let pairs = [
            ("server", text.target.joined(separator: ", ")),
            ("load", text.load.joined(separator: ", ")),
            (
                "machine",
                "\(machine.system), \(machine.architecture), \(machine.processor), "
                    + "\(Figure.counted(machine.cores, "core")), \(Figure.bytes(Double(machine.memory)))"
            ),
            ("format", report.schemaName),
        ]
        return "<h2>What ran</h2>" + HTMLText.definitions(pairs)
    }

    private var notes: String? {
        guard !report.notes.isEmpty else { return nil }
        return "<h2>Notes</h2>"
            + report.notes.map { "<p>\(HTMLText.escaped($0))</p>" }.joined(separator: "\n")
    }
}
