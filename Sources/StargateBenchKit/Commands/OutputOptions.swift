internal import ArgumentParser

/// What the run leaves behind.
struct OutputOptions: ParsableArguments {
    @Option(
        defaultAsFlag: "-",
        help: ArgumentHelp(
            "Write the figures as JSON; without a file, to standard output instead of the report.",
            valueName: "file"
        )
    )
    var json: String?

    @Option(
        help: ArgumentHelp("Write one line of figures as CSV, with a header.", valueName: "file")
    )
    var csv: String?

    @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file"))
    var md: String?

    @Option(
        help: ArgumentHelp(
            "Write the percentile distribution as HdrHistogram's tools read it (.hgrm).",
            valueName: "file"
        )
    )
    var hdr: String?

    @Option(
        help: ArgumentHelp("Write a page with charts, complete in one file.", valueName: "file")
    )
    var html: String?

    @Option(
        help: ArgumentHelp(
            """
            A goal: p99<5ms, p99.9<=20ms, max<1s, mean<1ms, rate>=50000, errors==0, \
            error_rate<0.1%, cpu<10us (server, an operation). Repeatable; exit status 99 if missed.
            """,
            valueName: "goal"
        )
    )
    var slo: [Goal] = []

    @Option(help: "What to call this run in its report.")
    var name: String?

    @Flag(help: "Show no progress, only the report.")
    var quiet = false

    /// Every file that was asked for. Returns what could not be written.
    func write(_ report: RunReport) -> [String] {
        var problems: [String] = []
        func write(_ path: String?, _ text: @autoclosure () -> String) {
            guard let path else { return }
            if path == "-" {
                Output.write(text(), to: 1)
            } else if let problem = Output.writeFile(text(), path: path) {
                problems.append(problem)
            }
        }
        write(json, report.json.rendered() + "\n")
        write(csv, ReportCSV.rendered([report]))
        write(md, ReportMarkdown(report: report).rendered())
        write(hdr, ReportHistogram.rendered(report))
        write(html, ReportPage(report: report).rendered())
        return problems
    }

    /// Whether something else goes to standard output, so that the report would be in its way.
    var takesStandardOutput: Bool { [json, csv, md, hdr, html].contains("-") }
}

extension Goal: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

extension Lane: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

extension SourceRange: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
