// The comparison as pictures: bars of ratios, in a page of its own or for a README.

/// Draws a comparison as SVG and as a self-contained HTML page.
struct ComparisonPage {
    let report: ComparisonReport

    private static let barHeight = 18
    private static let nameWidth = 170
    private static let width = 860

    /// One picture: for each workload the ratios of all servers to the base, on a logarithmic
    /// scale, because they reach from a half to a hundred.
    func svg(of results: [WorkloadResult]) -> String {
        var body = ""
        var y = 10
        for result in results {
            body += text(0, y + 14, result.workload.name + ": " + result.workload.title, "h")
            y += 26
            let present = report.order.filter { result.ratio($0) != nil }
                .sorted { (result.ratio($0)?.median ?? 0) < (result.ratio($1)?.median ?? 0) }
            for index in present {
                if let ratio = result.ratio(index) {
                    body += bar(index, ratio, cost: result.cost(index) ?? 0, result, y)
                }
                y += Self.barHeight
            }
            y += 14
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.width) \(y)" \
            width="\(Self.width)" height="\(y)" role="img" \
            aria-label="Cost of each server as a ratio to \(escaped(report.base.name))">
            <style>
            text { font: 12px system-ui, sans-serif; fill: #1f2328 }
            .h { font-weight: 600 } .f { fill: #59636e }
            .b { fill: #8c959f } .base { fill: #0969da } .l { stroke: #1f2328; stroke-width: 1 }
            @media (prefers-color-scheme: dark) {
            text { fill: #f0f6fc } .f { fill: #9198a1 } .l { stroke: #f0f6fc }
            .b { fill: #656c76 } .base { fill: #4493f8 } }
            </style>
            \(body)</svg>

            """
    }

    private func bar(
        _ index: Int,
        _ ratio: PairedRatio,
        cost: Double,
        _ result: WorkloadResult,
        _ y: Int
    ) -> String {
        let start = Self.nameWidth
        let end = start + max(2, position(ratio.median))
        let middle = y + Self.barHeight / 2
        let kind = index == report.plan.base ? "base" : "b"
        let name = report.plan.servers[index].name
        let figure = "\(Figure.significant(ratio.median)) (\(result.workload.figure(cost)))"
        let (low, high) = (start + position(ratio.low), start + position(ratio.high))
        return """
            <text x="\(start - 8)" y="\(middle + 4)" text-anchor="end">\(escaped(name))</text>
            <rect class="\(kind)" x="\(start)" y="\(y + 2)" width="\(end - start)" \
            height="\(Self.barHeight - 5)"/>
            <line class="l" x1="\(low)" y1="\(middle)" x2="\(high)" y2="\(middle)"/>
            \(text(max(end, high) + 8, middle + 4, figure, "f"))
            """
    }

    /// Where a ratio ends: a tenth at the left, a thousand at the right.
    private func position(_ ratio: Double) -> Int {
        let room = Double(Self.width - Self.nameWidth - 130)
        var (decades, rest) = (0.0, max(0.1, ratio) * 10)
        while rest >= 10 {
            rest /= 10
            decades += 1
        }
        // Linear between powers of ten, with the decades as steps: no logarithm is at hand here.
        let share = (decades + Self.logarithm(rest)) / 4
        return Int((min(1, share) * room).rounded())
    }

    /// The decimal logarithm of a number from 1 to 10, by squaring: ten binary digits.
    private static func logarithm(_ value: Double) -> Double {
        var (value, result, step) = (value, 0.0, 0.5)
        for _ in 0..<10 {
            value *= value
            if value >= 10 {
                value /= 10
                result += step
            }
            step /= 2
        }
        return result
    }

    private func text(_ x: Int, _ y: Int, _ words: String, _ kind: String) -> String {
        "<text class=\"\(kind)\" x=\"\(x)\" y=\"\(y)\">\(escaped(words))</text>\n"
    }

    /// A page that needs nothing else.
    func html() -> String {
        let words = ComparisonText(report: report)
        let tables = report.results.map { result in
            """
            <section><h2>\(escaped(result.workload.name))</h2>
            \(svg(of: [result]))
            <pre>\(escaped(words.table(of: result)))</pre></section>

            """
        }
        let absent = words.absences.map { "<li>\(escaped($0))</li>" }.joined()
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>WebSocket servers side by side</title>
            <style>
            :root { color-scheme: light dark }
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2rem auto; \
            padding: 0 1rem }
            pre { overflow-x: auto; font-size: 12px } svg { max-width: 100%; height: auto }
            </style></head><body>
            <h1>WebSocket servers side by side</h1>
            <p>\(escaped(report.machine.description)). Ratios to \(escaped(report.base.name)); \
            less is better; the scale of the bars is logarithmic.</p>
            \(tables.joined())
            \(absent.isEmpty ? "" : "<h2>Not measured</h2><ul>\(absent)</ul>")
            <h2>Method</h2>
            \(report.method.map { "<p>\(escaped($0))</p>" }.joined(separator: "\n"))
            </body></html>

            """
    }

    private func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
