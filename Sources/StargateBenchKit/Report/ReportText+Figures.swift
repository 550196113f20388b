// Throughput, times, and the two small charts.

extension ReportText {
    var throughput: [String] {
        let result = report.result
        let elapsed = Figure.time(result.elapsed * 1e9)
        let done = Figure.grouped(result.completed)
        let rate = Figure.rate(result.perSecond)
        switch report.mode {
        case .echo, .push, .saturate, .broadcast:
            let bytes = Figure.bytes(result.payloadBytesPerSecond ?? 0)
            let direction = report.mode == .push || report.mode == .broadcast ? "in" : "each way"
            let noun = report.mode == .broadcast ? "deliveries" : "messages"
            return [
                line(
                    "throughput",
                    "\(rate) \(report.mode.unit)/s   \(bytes)/s \(direction)   \(done) \(noun) in \(elapsed)"
                )
            ] + wire
        case .handshake:
            return [line("throughput", "\(rate) handshakes/s   \(done) in \(elapsed)")]
        case .idle:
            let speed = Figure.rate(
                Double(result.connectionsOpened) / max(1e-9, result.connectTime)
            )
            return [
                line(
                    "opened",
                    "\(Figure.grouped(UInt64(result.connectionsOpened))) of "
                        + "\(Figure.grouped(UInt64(settings.connections))) in "
                        + "\(Figure.time(result.connectTime * 1e9)), \(speed) a second"
                )
            ] + served
        }
    }

    /// What the server holds, counted on its side.
    private var served: [String] {
        guard let counts = report.result.connectionsServed else { return [] }
        let total = Figure.grouped(UInt64(clamping: counts.reduce(0, +)))
        let busy = counts.filter { $0 > 0 }
        let each = busy.map { Figure.grouped(UInt64($0)) }.joined(separator: ", ")
        return wrapped(
            "served",
            ["\(total) on the server's side" + (busy.count > 1 ? ": \(each)" : "")]
        )
    }

    private var wire: [String] {
        guard settings.deflate != "off", let wire = report.wire else { return [] }
        func share(_ ratio: Double?) -> String { ratio.map(Figure.percent) ?? "-" }
        return [
            line(
                "on the wire",
                "\(share(wire.sentRatio)) of the payload out, \(share(wire.receivedRatio)) in"
            )
        ]
    }

    var latency: [String] {
        guard !report.latencies.isEmpty else { return [] }
        let titles = ["p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"]
        let column = 9
        var lines = [line("latency  ", style.dim(titles.map { pad($0, column) }.joined()))]
        for entry in report.latencies {
            let values = [
                Double(entry.p50), Double(entry.p90), Double(entry.p99), Double(entry.p999),
                Double(entry.p9999), Double(entry.max), entry.mean,
            ]
            let cells = values.map { pad(Figure.time($0), column) }.joined()
            let title = "  " + entry.name.title
            // A long title takes the room that its first figure leaves.
            let surplus = max(0, title.count - 12)
            lines.append(
                "  " + style.dim(title) + String(repeating: " ", count: max(0, 12 - title.count))
                    + cells.dropFirst(min(surplus, column - Figure.time(values[0]).count))
            )
        }
        if report.latency(.uncorrected) != nil {
            lines.append(
                line("", style.dim("round trip counts from the moment a message was due to leave"))
            )
        }
        return lines
    }

    /// The shape of the main distribution, ten rows at most.
    var histogram: [String] {
        guard let main = report.mainLatency, main.count > 0 else { return [] }
        let rows = HistogramRows(main, limit: 10)
        guard rows.rows.count > 1, let largest = rows.rows.map(\.count).max() else { return [] }
        return rows.rows.enumerated().map { index, row in
            let share = Double(row.count) / Double(main.count)
            let bar = style.plainBar(
                Double(row.count) / Double(largest),
                width: max(10, width - 46)
            )
            let label = index == 0 ? "spread" : ""
            let upper = pad("< " + Figure.time(Double(row.upper)), 10)
            return line(label, "\(upper) \(pad(Figure.percent(share), 8))  \(bar)")
        }
    }

    var timeline: [String] {
        guard let points = report.timeline?.points, points.count > 2 else { return [] }
        let room = max(20, width - 40)
        let rates = Sampled.of(points.map(\.perSecond), count: room)
        let longest = Sampled.peaks(points.map { Double($0.max) }, count: room)
        let low = Figure.rate(points.map(\.perSecond).min() ?? 0)
        let high = Figure.rate(points.map(\.perSecond).max() ?? 0)
        let worst = Figure.time(longest.max() ?? 0)
        var lines = [
            line("over time", "\(style.spark(rates))  \(low) to \(high) \(report.mode.unit)/s")
        ]
        if longest.contains(where: { $0 > 0 }) {
            lines.append(line("", "\(style.spark(longest))  slowest, up to \(worst)"))
        }
        return lines
    }

    var steps: [String] {
        guard !report.steps.isEmpty else { return [] }
        let header = pad("asked", 12) + pad("came back", 12) + pad("p50", 11) + pad("p99", 11)
        return [line("search", style.dim(header))]
            + report.steps.map { step in
                let verdict = step.isMet ? style.good("met") : style.bad(step.why)
                return line(
                    "",
                    pad(Figure.rate(step.rate), 12) + pad(Figure.rate(step.achieved), 12)
                        + pad(Figure.time(Double(step.p50)), 11)
                        + pad(Figure.time(Double(step.p99)), 11) + "  \(verdict)"
                )
            }
    }
}
