import Testing

@testable import StargateBenchKit

/// What a comparison says in each of its forms, from figures that are known.
struct ComparisonReportTests {
    /// Three servers: the base, one that costs half, and one that cannot be built.
    private func report(_ names: [String] = ["echo-20", "deflate"]) throws -> ComparisonReport {
        let specs = try ServerSpec.list(
            """
            base = base {port}
            half <1> = half {port}
            absent ! no compiler
            """
        )
        let workloads = try #require(Workload.named(names))
        let plan = ComparisonPlan(
            servers: specs,
            base: 0,
            workloads: workloads,
            pairs: 6,
            slice: TimeSpan(seconds: 1),
            cores: CoreSet(server: [0], client: [1, 2])
        )
        var report = ComparisonReport(plan: plan)
        report.absences[2] = "no compiler"
        for workload in workloads {
            var result = WorkloadResult(workload: workload, absences: report.absences)
            for turn in 0..<6 {
                let cost = 4000.0 + Double(turn)
                result.add([0: run(cost, workload), 1: run(cost / 2, workload)], base: 0)
            }
            report.results.append(result)
        }
        return report
    }

    private func run(_ cost: Double, _ workload: Workload) -> ClientRun {
        ClientRun(
            cost: cost,
            rate: 1e9 / cost,
            sleeps: 0,
            waiting: 0,
            wire: workload.isCompressed ? 0.25 : nil
        )
    }

    @Test func `The summary and the verdicts are about the first server that is not the base`()
        throws
    {
        let report = try report()
        #expect(
            report.summary
                == "half <1> costs less than base in 2 of 2 workloads, more in 0, and in 0 no "
                + "difference can be told."
        )
        #expect(report.verdict(1, in: report.results[0]) == "50 % less CPU")
        #expect(report.verdict(1, in: report.results[1]) == "50 % less CPU, 0.25 of the bytes")
        #expect(report.verdict(2, in: report.results[0]) == "no compiler")
    }

    @Test func `The tables hold ratios, and say who is missing`() throws {
        var report = try report()
        report.instructions = InstructionTable(tabSeparated: "workload\tbase\necho\t597\n")
        let text = ComparisonText(report: report).markdown()
        #expect(text.contains("| echo-20 | 4.00 us | **0.50** | - |"), "\(text)")
        #expect(text.contains("| half <1> | **0.50** |"))
        #expect(text.contains("* absent: no compiler"))
        #expect(text.contains("| echo | 597 |"))
        #expect(text.contains("in the order ABBA"))
        #expect(text.contains("<!-- end of glance -->"))
    }

    @Test func `The page and the picture are well-formed, and need nothing from elsewhere`() throws
    {
        let report = try report(["all"])
        let page = ComparisonPage(report: report)
        for (name, text) in [("page", page.html()), ("picture", page.svg())] {
            #expect(!text.contains("half <1>"), "not escaped in the \(name)")
            #expect(text.contains("half &lt;1&gt;"))
            #expect(!text.contains("src=") && !text.contains("@import"))
            for tag in ["svg", "text", "table", "tr", "section"] {
                let opened = text.split(separator: "<\(tag)", omittingEmptySubsequences: false)
                    .count
                let closed = text.split(separator: "</\(tag)>", omittingEmptySubsequences: false)
                    .count
                #expect(opened == closed, "\(tag) in the \(name)")
            }
        }
        #expect(page.html().contains("id=\"tls-20\""))
        let pictured = page.svg().split(separator: "class=\"title\"").count - 1
        #expect(pictured == Workload.headline.count)
    }

    @Test func `A chart keeps ratios in their order, with 1 where it belongs`() {
        let rows = [0.25, 1, 30].map {
            RatioChart.Row(
                name: "\($0)",
                kind: .other,
                median: $0,
                low: $0 * 0.9,
                high: $0 * 1.1,
                figure: ""
            )
        }
        let layout = RatioChart.Layout(width: 500, left: 100, right: 100, row: 20)
        let chart = RatioChart(rows: rows, layout: layout)
        let places = rows.map { chart.scale.place($0.median) }
        #expect(places == places.sorted())
        #expect(places.allSatisfy { (0...1).contains($0) })
        #expect(chart.marks(x: 0, y: 0).contains("class=\"one\""))
    }

    @Test(arguments: ["", "workload\tone\n", "workload\tone\necho\n", "no tabs\nat all\n"])
    func `What is no table of instructions is refused`(text: String) {
        #expect(InstructionTable(tabSeparated: text) == nil)
    }
}
