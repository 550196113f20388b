/// Several runs in columns, with their ratios to the first.
struct SideBySide {
    let reports: [RunReport]
    let names: [String]
    let style: Style

    func rendered() -> String {
        let column = 24
        var lines = [""]
        let titles = zip(reports, names).map {
            pad(String(($0.name ?? $1).suffix(column - 2)), column)
        }
        lines.append("  " + style.dim(cell("", 22)) + style.bold(titles.joined()))
        for (name, figure, render) in Self.rows {
            let values = reports.map(figure)
            guard values.contains(where: { $0 != nil }) else { continue }
            let cells = values.enumerated().map { index, value -> String in
                guard let value else { return pad("-", column) }
                guard index > 0, let base = values[0], base > 0 else {
                    return pad(render(value), column)
                }
                return pad("\(render(value))  x \(Figure.fixed(value / base, 3))", column)
            }
            lines.append("  " + style.dim(cell(name, 22)) + cells.joined())
        }
        lines.append(
            "  " + style.dim(cell("limited by", 22))
                + reports.map { pad($0.limit?.key ?? "-", column) }.joined()
        )
        lines.append("")
        lines.append("  " + style.dim("single runs differ by more than many a change: see compare"))
        lines.append("")
        return lines.joined(separator: "\n")
    }

    private typealias Row = (String, (RunReport) -> Double?, (Double) -> String)

    private static var rows: [Row] {
        [
            ("per second", { $0.result.perSecond }, { Figure.rate($0) }),
            ("p50", { $0.mainLatency.map { Double($0.p50) } }, { Figure.time($0) }),
            ("p90", { $0.mainLatency.map { Double($0.p90) } }, { Figure.time($0) }),
            ("p99", { $0.mainLatency.map { Double($0.p99) } }, { Figure.time($0) }),
            ("p99.9", { $0.mainLatency.map { Double($0.p999) } }, { Figure.time($0) }),
            ("max", { $0.mainLatency.map { Double($0.max) } }, { Figure.time($0) }),
            ("server CPU each", { $0.server?.cpuPerOperation }, { Figure.time($0) }),
            ("client CPU each", { $0.client?.cpuPerOperation }, { Figure.time($0) }),
            ("RSS a connection", { $0.memory?.residentPerConnection }, { Figure.bytes($0) }),
            ("errors", { Double($0.errorTotal) }, { Figure.fixed($0, 0) }),
        ]
    }

    private func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    private func cell(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
