internal import ArgumentParser
internal import Glibc

/// `stargate-bench report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Shows runs that were saved with --json, alone or side by side.",
        discussion: """
            One file is shown as if its run had just ended, in any of the formats. Of several the \
            figures stand side by side, with their ratio to the first. Such a table says nothing \
            about noise: `compare` does.

              stargate-bench report run.json --html run.html
              stargate-bench report before.json after.json
              stargate-bench report --schema > stargate-bench.schema.json
            """
    )

    @Argument(help: "Files that --json wrote; - for standard input.")
    var files: [String] = []

    @Flag(help: "Print the JSON schema of such files.")
    var schema = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard schema || !files.isEmpty else { throw ValidationError("name a file, or --schema") }
        if files.count > 1,
            [output.json, output.hdr, output.html, output.md].contains(where: { $0 != nil })
        {
            throw ValidationError("several runs are shown as text or --csv")
        }
    }

    func run() throws {
        if schema {
            Output.write(RunReport.publishedSchema.rendered() + "\n", to: STDOUT_FILENO)
            return
        }
        var reports = try files.map(Self.read)
        if files.count == 1 {
            reports[0].name = output.name ?? reports[0].name
            if !output.slo.isEmpty { reports[0].judge(goals: output.slo) }
            for problem in output.write(reports[0]) { throw ValidationError(problem) }
            guard !output.takesStandardOutput else { return }
            let text = ReportText(
                report: reports[0],
                style: Style(for: STDOUT_FILENO),
                width: Style.columns(of: STDOUT_FILENO)
            )
            Output.write(text.rendered() + "\n", to: STDOUT_FILENO)
            if reports[0].result.status == .goalMissed {
                throw ExitCode(ExitStatus.goalMissed.rawValue)
            }
            return
        }
        if let path = output.csv {
            let text = ReportCSV.rendered(reports)
            if path == "-" { return Output.write(text, to: STDOUT_FILENO) }
            if let problem = Output.writeFile(text, path: path) { throw ValidationError(problem) }
        }
        let table = SideBySide(reports: reports, names: files, style: Style(for: STDOUT_FILENO))
        Output.write(table.rendered() + "\n", to: STDOUT_FILENO)
    }

    private static func read(_ path: String) throws -> RunReport {
        guard let bytes = ProcFile.bytes(path == "-" ? "/dev/stdin" : path) else {
            throw ValidationError("\(path) cannot be read")
        }
        do {
            return try RunReport(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ValidationError("\(path): \(error.description)")
        }
    }
}
