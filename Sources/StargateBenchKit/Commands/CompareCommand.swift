internal import ArgumentParser
internal import Glibc

/// `stargate-bench compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Starts several servers, measures them in turns, and says which differ.",
        discussion: """
            Every server is an echo server that listens on 127.0.0.1 at the port its command is \
            given. It is checked first (20 sizes up to 300,000 bytes, text and binary, a burst, a \
            ping) and left out, with the reason, if it fails. What is compared is the CPU time of \
            the server's process for each message.

              stargate-bench compare \\
                --server 'ours=./my-server --port {port}' \\
                --server 'theirs=node echo.js {port}' --workload echo-20 --workload x32

            What a server needs for a workload beyond a plain echo stands in its command as \
            {tls: ...}, {deflate: ...}, {dedicated: ...} (permessage-deflate with contexts that \
            last) or {broadcast: ...} (every message goes to everybody on /broadcast), and is left \
            out elsewhere; a server without it takes no part there.

            12 pairs tell a difference of 3 %, 3 pairs one of 10 %. Nothing else should run on \
            the machine meanwhile.

            Workloads: \(Workload.all.map(\.name).joined(separator: ", ")); `suite` for the usual \
            ones, `all` for all of them.
            """
    )

    @Option(help: ArgumentHelp("A server. Repeatable.", valueName: "name=command {port}"))
    var server: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of them, a line each; `name ! reason` tells why one is missing.",
            valueName: "file"
        )
    )
    var servers: String?

    @Option(help: ArgumentHelp("The server to compare with; or the first.", valueName: "name"))
    var base: String?

    @Option(help: ArgumentHelp("What to compare by. Repeatable.", valueName: "name"))
    var workload: [String] = ["suite"]

    @Option(help: "How often each server is measured in each workload.")
    var pairs = 12

    @Option(
        name: [.customShort("d"), .customShort("z"), .long],
        help: "How long each measurement takes."
    )
    var duration = TimeSpan(seconds: 1)

    @Flag(help: "Check that every server echoes, and measure nothing.")
    var check = false

    @Flag(help: "Measure the base a second time under another name: what the noise looks like.")
    var control = false

    @Option(
        help: ArgumentHelp(
            "Put this table of instructions a message into the report.",
            valueName: "tsv"
        )
    )
    var instructions: String?

    @Option(help: ArgumentHelp("Write the figures as JSON.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file"))
    var md: String?

    @Option(help: ArgumentHelp("Write the report as one page with charts.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Write the chart alone.", valueName: "file"))
    var svg: String?

    @Flag(name: .shortAndLong, help: "Show no progress, only the report.")
    var quiet = false

    func validate() throws {
        guard (1...1000).contains(pairs) else {
            throw ValidationError("--pairs is a number from 1 to 1000")
        }
        guard duration >= TimeSpan(seconds: 0.05) else {
            throw ValidationError("--duration is at least 50ms")
        }
        if Workload.named(workload) == nil {
            throw ValidationError(
                "--workload is one of: suite, all, "
                    + Workload.all.map(\.name).joined(separator: ", ")
            )
        }
        let specs = try allServers()
        if specs.isEmpty { throw ValidationError("nothing to compare: name servers with --server") }
        if Set(specs.map(\.name)).count < specs.count {
            throw ValidationError("two servers have the same name")
        }
        if let instructions,
            ProcFile.text(instructions).flatMap({ InstructionTable(tabSeparated: $0) }) == nil
        {
            throw ValidationError("--instructions: \(instructions) holds no table")
        }
        if let base, !specs.contains(where: { $0.name == base }) {
            throw ValidationError("--base: there is no server '\(base)'")
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        _ = DescriptorLimit.raise()
        var specs = try allServers()
        // A pipe gives its lines only once, and validation has read them.
        guard !specs.isEmpty else { throw ValidationError("--servers: this is no regular file") }
        let base = base.flatMap { name in specs.firstIndex { $0.name == name } } ?? 0
        if control { specs.append(specs[base].again) }
        let plan = ComparisonPlan(
            servers: specs,
            base: base,
            workloads: Workload.named(workload) ?? [],
            pairs: pairs,
            slice: duration,
            cores: CoreSet.divided()
        )
        var interruption = Interruption()
        let isQuiet = quiet
        let comparison = Comparison(
            plan: plan,
            progress: { if !isQuiet { Output.write($0 + "\n", to: STDERR_FILENO) } },
            isInterrupted: { interruption.check() }
        )
        var report = check ? comparison.check() : comparison.run()
        report.instructions = instructions.flatMap { ProcFile.text($0) }
            .flatMap { InstructionTable(tabSeparated: $0) }
        if !check {
            Output.write(ComparisonText(report: report).rendered(), to: STDOUT_FILENO)
            try save(report)
        }
        for line in ComparisonText(report: report).absences {
            Output.write("not measured: \(line)\n", to: STDERR_FILENO)
        }
        if interruption.happened { throw ExitCode(ExitStatus.interrupted.rawValue) }
        // A server that is missing for a known reason is reported; one that fails is an error.
        let failed = report.absences.enumerated().contains { index, reason in
            if case .missing = specs[index].source { return false }
            return reason != nil
        }
        if failed { throw ExitCode(ExitStatus.errors.rawValue) }
    }

    private func save(_ report: ComparisonReport) throws {
        let page = ComparisonPage(report: report)
        let forms: [(String?, () -> String)] = [
            (json, { report.json().rendered() + "\n" }),
            (md, { ComparisonText(report: report).markdown() }),
            (html, { page.html() }),
            (svg, { page.svg() }),
        ]
        for (path, form) in forms {
            guard let path, let problem = Output.writeFile(form(), path: path) else { continue }
            Output.write("stargate-bench: \(problem)\n", to: STDERR_FILENO)
            throw ExitCode(ExitStatus.errors.rawValue)
        }
    }

    private func allServers() throws -> [ServerSpec] {
        var specs: [ServerSpec] = []
        for text in server {
            guard let spec = ServerSpec(argument: text) else {
                throw ValidationError("--server is 'name=command {port}', not '\(text)'")
            }
            specs.append(spec)
        }
        if let servers {
            guard let text = ProcFile.text(servers) else {
                throw ValidationError("--servers: \(servers) cannot be read")
            }
            do {
                specs += try ServerSpec.list(text)
            } catch {
                throw ValidationError("--servers: \(error)")
            }
        }
        return specs
    }
}
