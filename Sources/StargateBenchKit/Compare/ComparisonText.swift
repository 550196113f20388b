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
        let isMemory = result.workload.measure == .memory
        var rows = [["server", isMemory ? "memory" : "CPU", "ratio", "95 %", "verdict"]]
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

    private func figures(_ index: Int, _ result: WorkloadResult) -> [String] {
        guard let cost = result.cost(index) else { return ["-", "-", "-"] }
        guard index != report.plan.base, let ratio = result.ratio(index) else {
            return [result.workload.figure(cost), "1.00", ""]
        }
        return [
            result.workload.figure(cost), Figure.fixed(ratio.median, 2),
            "\(Figure.fixed(ratio.low, 2)) to \(Figure.fixed(ratio.high, 2))",
        ]
    }

    /// The same for a page of Markdown: one table of ratios, then what stands behind it.
    func markdown() -> String {
        var lines = [
            "## CPU time of the server, as a ratio to \(report.base.name)", "",
            "Lower is better. Bold: less than \(report.base.name) by more than the noise.", "",
        ]
        let names = report.order.map { report.plan.servers[$0].name }
        lines.append("| workload | \(names[0]) | \(names.dropFirst().joined(separator: " | ")) |")
        lines.append("| --- |" + String(repeating: " ---: |", count: names.count))
        for result in report.results {
            lines.append(
                "| \(result.workload.name) | "
                    + report.order.map { cell($0, result) }.joined(separator: " | ") + " |"
            )
        }
        lines += ["", "| workload | what happens |", "| --- | --- |"]
        lines += report.results.map { "| \($0.workload.name) | \($0.workload.title) |" }
        let absent = absences
        if !absent.isEmpty { lines += ["", "Not measured:", ""] + absent.map { "* \($0)" } }
        lines += ["", "### Intervals and verdicts", ""]
        lines += report.results.flatMap { ["```", table(of: $0), "```", ""] }
        lines += ["### How it was measured", "", "\(report.machine.description).", ""]
        lines += report.method.flatMap { [$0, ""] }
        return lines.joined(separator: "\n")
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

    private func cell(_ index: Int, _ result: WorkloadResult) -> String {
        guard let cost = result.cost(index) else { return "-" }
        guard index != report.plan.base, let ratio = result.ratio(index) else {
            return result.workload.figure(cost)
        }
        let text = Figure.fixed(ratio.median, 2)
        if case .less = ratio.verdict { return "**\(text)**" }
        return text
    }
}
