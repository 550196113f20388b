// The comparison as a page, and as one picture for a README.

internal import Glibc

/// Draws a comparison as a self-contained HTML page and as SVG.
struct ComparisonPage {
    let report: ComparisonReport

    private var words: ComparisonText { ComparisonText(report: report) }

    // MARK: The picture

    /// Some of the workloads as one picture, two beside each other, all on one scale.
    func svg() -> String {
        let results = report.headline.filter { !rows(of: $0).isEmpty }
        let bounds = results.flatMap { rows(of: $0).flatMap { [$0.low, $0.high] } }
        let layout = RatioChart.Layout(width: 450, left: 132, right: 118, row: 19)
        var (body, y, tallest) = ("", 24.0, 0.0)
        for (index, result) in results.enumerated() {
            let x = index % 2 == 0 ? 0.0 : 470.0
            let chart = RatioChart(rows: rows(of: result), bounds: bounds, layout: layout)
            body += """
                <text class="title" x="\(x + 4)" y="\(y - 8)">\
                \(HTMLText.escaped(result.workload.title))</text>
                \(chart.marks(x: x, y: y))

                """
            tallest = max(tallest, chart.height)
            if index % 2 == 1 || index == results.count - 1 {
                y += tallest + 30
                tallest = 0
            }
        }
        let note =
            "\(axis); the thin line is a \(PairedRatio.confidence) % interval. \(report.machine.processor), "
            + "\(Figure.counted(report.plan.pairs, "pair"))."
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 \(Int(y + 4))" width="920" \
            height="\(Int(y + 4))" role="img" aria-label="\(HTMLText.escaped(axis))">
            <style>
            \(RatioChart.style)
            </style>
            \(body)<text x="4" y="\(y - 6)">\(HTMLText.escaped(note))</text>
            </svg>

            """
    }

    private var axis: String {
        "CPU time of the server as a ratio to \(report.base.name), logarithmic; left is less"
    }

    /// Who was measured, the cheapest first.
    private func rows(of result: WorkloadResult) -> [RatioChart.Row] {
        report.order.compactMap { index -> RatioChart.Row? in
            guard let ratio = result.ratio(index), let cost = result.cost(index) else { return nil }
            return RatioChart.Row(
                name: report.plan.servers[index].name,
                kind: index == report.plan.base
                    ? .base : index == report.subject ? .subject : .other,
                median: ratio.median,
                low: ratio.low,
                high: ratio.high,
                figure: "\(Figure.fixed(ratio.median, 2))  \(result.workload.figure(cost))"
            )
        }
        .sorted { $0.median < $1.median }
    }

    // MARK: The page

    /// A page that needs nothing else.
    func html() -> String {
        var parts = [
            "<h1>WebSocket servers side by side</h1>",
            "<p class=\"sub\">\(HTMLText.escaped(report.machine.description)). Ratios to "
                + "\(HTMLText.escaped(report.base.name)); less is better.</p>",
        ]
        parts += [verdict, overview].compactMap { $0 }
        parts += report.results.map(section(of:))
        parts += [instructions, absences].compactMap { $0 }
        parts.append("<h2>How it was measured</h2>")
        parts += report.method.map { "<p>\(HTMLText.escaped($0))</p>" }
        return HTMLText.page(
            title: "WebSocket servers side by side",
            body: parts.joined(separator: "\n")
        )
    }

    private var verdict: String? {
        report.summary.map { "<div class=\"verdict\">\(HTMLText.escaped($0))</div>" }
    }

    /// All ratios at a glance.
    private var overview: String? {
        guard report.results.count > 1 else { return nil }
        let names = report.order.map {
            "<th>\(HTMLText.escaped(report.plan.servers[$0].name))</th>"
        }
        let rows = report.results.map { result in
            let cells = report.order.map { cell($0, in: result) }.joined()
            let name = HTMLText.escaped(result.workload.name)
            return "<tr><td><a href=\"#\(name)\">\(name)</a></td>\(cells)</tr>"
        }
        return """
            <h2>At a glance</h2>
            <div class="scroll"><table><thead><tr><th>workload</th>\(names.joined())</tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
            <p class="key">Green: less than \(HTMLText.escaped(report.base.name)) by more than the \
            noise. Red: more. Without colour: no difference that could be told.</p>
            """
    }

    private func cell(_ index: Int, in result: WorkloadResult) -> String {
        let kind =
            switch result.ratio(index)?.verdict {
            case .less where index != report.plan.base: " class=\"less\""
            case .more where index != report.plan.base: " class=\"more\""
            default: ""
            }
        return "<td\(kind)>\(HTMLText.escaped(words.cell(index, result)))</td>"
    }

    private func section(of result: WorkloadResult) -> String {
        let workload = result.workload
        let rows = rows(of: result)
        let layout = RatioChart.Layout(width: 920, left: 170, right: 150, row: 22)
        let chart =
            rows.isEmpty
            ? ""
            : RatioChart(rows: rows, layout: layout).rendered(title: "ratios in \(workload.name)")
        let table = HTMLText.table(
            head: [
                "server", workload.noun + " " + workload.unit, "ratio",
                "\(PairedRatio.confidence) %", "verdict",
            ],
            rows: report.order.map { index in
                [report.plan.servers[index].name] + words.figures(index, result)
                    + [report.verdict(index, in: result)]
            }
        )
        return """
            <section><h2 id="\(HTMLText.escaped(workload.name))">\
            \(HTMLText.escaped(workload.name))</h2>
            <p class="sub">\(HTMLText.escaped(workload.title))</p>
            \(chart)
            <details><summary>Figures</summary>\(table)</details></section>

            """
    }

    private var instructions: String? {
        guard let table = report.instructions else { return nil }
        return """
            <h2>Instructions in user space</h2>
            <p class="sub">\(HTMLText.escaped(InstructionTable.explanation))</p>
            \(HTMLText.table(head: table.head, rows: table.rows))
            """
    }

    private var absences: String? {
        let absent = words.absences
        guard !absent.isEmpty else { return nil }
        let items = absent.map { "<li>\(HTMLText.escaped($0))</li>" }
        return "<h2>Not measured</h2><ul>\(items.joined())</ul>"
    }
}
