// The comparison for the terminal, and as Markdown.

/// Plain tables.
struct ComparisonText {
    let report: ComparisonReport

    func rendered() -> String {
        var parts = report.results.map(table(of:))
        parts.append("  " + report.machine.description)
        parts += report.method.map { "  " + $0 }
        return parts.joined(separator: "\n\n") + "\n"
    }

    func table(of result: WorkloadResult) -> String {
        let interval = "\(PairedRatio.confidence) %"
        var rows = [["server", result.workload.noun, "ratio", interval, "verdict"]]
        for index in report.order {
            rows.append(
                [report.plan.servers[index].name] + figures(index, result)
                    + [report.verdict(index, in: result)]
            )
        }
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            "  "
                + (0..<4).map { column in
                    let space = String(repeating: " ", count: widths[column] - row[column].count)
                    return column == 0 ? row[column] + space : space + row[column]
                }.joined(separator: "   ") + "   " + row[4]
        }
        let head = "\n  \(result.workload.name): \(result.workload.title)\n"
        return head + lines.joined(separator: "\n")
    }

    func figures(_ index: Int, _ result: WorkloadResult) -> [String] {
        guard let cost = result.cost(index) else { return ["-", "-", "-"] }
        guard index != report.plan.base, let ratio = result.ratio(index) else {
            return [result.workload.figure(cost), "1.00", ""]
        }
        return [
            result.workload.figure(cost), Figure.fixed(ratio.median, 2),
            "\(Figure.fixed(ratio.low, 2)) to \(Figure.fixed(ratio.high, 2))",
        ]
    }

    /// The same for a page of Markdown: a few workloads at a glance, all ratios, and what stands
    /// behind them.
    func markdown() -> String {
        let base = report.base.name
        var lines = ["## WebSocket servers side by side", ""]
        if let summary = report.summary { lines += [summary, ""] }
        lines += [Self.glanceStart, ""] + glance + ["", Self.glanceEnd, ""]
        lines += ["### All ratios to \(base)", "", key, ""]
        let names = report.order.map { report.plan.servers[$0].name }
        lines.append("| workload | \(names.joined(separator: " | ")) |")
        lines.append("| --- |" + String(repeating: " ---: |", count: names.count))
        for result in report.results {
            lines.append(
                "| \(result.workload.name) | "
                    + report.order.map { markedCell($0, result) }.joined(separator: " | ") + " |"
            )
        }
        lines += ["", "| workload | what happens |", "| --- | --- |"]
        lines += report.results.map { "| \($0.workload.name) | \($0.workload.title) |" }
        if let table = report.instructions {
            lines += ["", "### Instructions in user space", "", InstructionTable.explanation, ""]
            lines += table.markdown()
        }
        let absent = absences
        if !absent.isEmpty { lines += ["", "Not measured:", ""] + absent.map { "* \($0)" } }
        lines += ["", "### Intervals and verdicts", ""]
        lines += report.results.flatMap { ["```", table(of: $0), "```", ""] }
        lines += ["### How it was measured", "", "\(report.machine.description).", ""]
        lines += report.method.flatMap { [$0, ""] }
        return lines.joined(separator: "\n")
    }

    /// Between these lines is what `Benchmarks/publish.sh` puts into the README.
    private static let glanceStart = "<!-- glance -->"
    private static let glanceEnd = "<!-- end of glance -->"

    private var key: String {
        "CPU time of the server, of its memory where the workload is idle: the figure of "
            + "\(report.base.name), and the ratio to it of everybody else. Less is better; bold is "
            + "less by more than the noise."
    }

    /// The servers below each other, with the workloads that a README has room for.
    private var glance: [String] {
        let results = report.headline
        guard !results.isEmpty else { return [] }
        var lines = [key, ""]
        lines.append("| server | " + results.map(\.workload.name).joined(separator: " | ") + " |")
        lines.append("| --- |" + String(repeating: " ---: |", count: results.count))
        for index in report.order where report.absences[index] == nil {
            let cells = results.map { markedCell(index, $0) }
            let name = report.plan.servers[index].name
            lines.append("| \(name) | \(cells.joined(separator: " | ")) |")
        }
        lines += [
            "",
            results.map { "\($0.workload.name): \($0.workload.title)" }
                .joined(separator: "; ") + ".",
        ]
        lines += ["", "Measured on \(report.machine.description)."]
        return lines
    }

    /// Who has no figure, where, and why.
    var absences: [String] {
        report.order.flatMap { index -> [String] in
            let name = report.plan.servers[index].name
            if let reason = report.absences[index] { return ["\(name): \(reason)"] }
            return report.results.compactMap { result in
                result.absences[index].map { "\(name) in \(result.workload.name): \($0)" }
            }
        }
    }

    /// The figure of the base, the ratio of everybody else.
    func cell(_ index: Int, _ result: WorkloadResult) -> String {
        guard let cost = result.cost(index) else { return "-" }
        guard index != report.plan.base, let ratio = result.ratio(index) else {
            return result.workload.figure(cost)
        }
        return Figure.fixed(ratio.median, 2)
    }

    private func markedCell(_ index: Int, _ result: WorkloadResult) -> String {
        let text = cell(index, result)
        if index != report.plan.base, case .less = result.ratio(index)?.verdict {
            return "**\(text)**"
        }
        return text
    }
}
