// The report for other programs than a JSON reader: a table, a page of notes, a distribution.

internal import Histogram

/// One line of figures for each report.
enum ReportCSV {
    static func rendered(_ reports: [RunReport]) -> String {
        let names = columns.map(\.0).joined(separator: ",")
        return ([names] + reports.map(line)).joined(separator: "\r\n") + "\r\n"
    }

    private static func line(_ report: RunReport) -> String {
        columns.map { quoted($0.1(report)) }.joined(separator: ",")
    }

    /// RFC 4180: what holds a comma, a quote or a line end stands in quotes.
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
        var doubled = ""
        for character in text { doubled += character == "\"" ? "\"\"" : String(character) }
        return "\"\(doubled)\""
    }

    private static let columns: [(String, @Sendable (RunReport) -> String)] = [
        ("mode", { $0.mode.rawValue }),
        ("name", { $0.name ?? "" }),
        ("url", { $0.target.url }),
        ("started_at_ms", { String($0.startedAt) }),
        ("status", { $0.result.status.rawValue }),
        ("connections", { String($0.settings.connections) }),
        ("pipeline", { $0.settings.pipeline.map { String($0) } ?? "" }),
        ("rate_asked", { number($0.settings.rate) }),
        ("size_bytes", { $0.settings.sizes.isEmpty ? "" : number($0.settings.meanSize) }),
        ("elapsed_s", { number($0.result.elapsed) }),
        ("completed", { String($0.result.completed) }),
        ("per_second", { number($0.result.perSecond) }),
        ("p50_ns", { time($0, \.p50) }),
        ("p90_ns", { time($0, \.p90) }),
        ("p99_ns", { time($0, \.p99) }),
        ("p99_9_ns", { time($0, \.p999) }),
        ("p99_99_ns", { time($0, \.p9999) }),
        ("max_ns", { time($0, \.max) }),
        ("mean_ns", { number($0.mainLatency?.mean) }),
        ("server_cpu_ns_per_operation", { number($0.server?.cpuPerOperation) }),
        ("server_user_share", { number($0.server?.userShare) }),
        ("client_cpu_ns_per_operation", { number($0.client?.cpuPerOperation) }),
        ("rss_bytes_per_connection", { number($0.memory?.residentPerConnection) }),
        ("limited_by", { $0.limit?.key ?? "" }),
        ("errors", { String($0.errorTotal) }),
    ]

    private static func number(_ value: Double?) -> String {
        value.map { JSONValue.number($0).rendered() } ?? ""
    }

    private static func time(_ report: RunReport, _ path: KeyPath<LatencyReport, UInt64>) -> String
    {
        report.mainLatency.map { String($0[keyPath: path]) } ?? ""
    }
}

/// The text of the terminal inside a page of Markdown, and the distributions as tables.
struct ReportMarkdown {
    let report: RunReport

    func rendered() -> String {
        var lines = ["# \(report.name ?? "stargate-bench \(report.mode.rawValue)")", ""]
        let text = ReportText(report: report, style: Style(hasColor: false, hasUnicode: true))
        lines += ["```", text.rendered(), "```", ""]
        if !report.latencies.isEmpty {
            lines.append("| time | p50 | p90 | p99 | p99.9 | p99.99 | max | mean |")
            lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
            for entry in report.latencies {
                let values = [
                    entry.p50, entry.p90, entry.p99, entry.p999, entry.p9999, entry.max,
                    UInt64(entry.mean),
                ]
                let cells = values.map { Figure.time(Double($0)) }.joined(separator: " | ")
                lines.append("| \(entry.name.title) | \(cells) |")
            }
            lines.append("")
        }
        let machine = report.machine
        lines.append(
            "\(machine.system), \(machine.architecture), \(machine.processor), "
                + Figure.counted(machine.cores, "core")
        )
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The format of HdrHistogram's own programs, which its plotter reads. Values in milliseconds.
enum ReportHistogram {
    static func rendered(_ report: RunReport) -> String {
        guard let main = report.mainLatency else { return "" }
        var text = ""
        main.histogram.outputPercentileDistribution(
            to: &text,
            outputValueUnitScalingRatio: 1e6,
            percentileTicksPerHalfDistance: 5
        )
        return text
    }
}
