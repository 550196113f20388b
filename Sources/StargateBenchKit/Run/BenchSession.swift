// From the command line to the exit status, for every mode: find or start the server, run the
// fleet against it, print the report.

internal import ArgumentParser
internal import Glibc
internal import StargateCore

/// One invocation of a measuring mode.
struct BenchSession {
    let targetPlan: TargetPlan
    private let child: ChildServer?
    private let output: OutputOptions
    private let interruption: Interruption

    /// Checks the machine's limits, finds or starts the server, and notes both in the settings.
    ///
    /// - Throws: a `ValidationError` for what the user can mend, a failure of the child otherwise.
    init(
        target: TargetOptions,
        output: OutputOptions,
        maxMessageSize: Int,
        settings: inout RunSettings
    ) throws {
        // A report may be piped into a program that has seen enough.
        signal(SIGPIPE, SIG_IGN)
        if let problem = DescriptorLimit.raise().problem(connections: settings.connections) {
            throw ValidationError(problem)
        }
        interruption = Interruption()
        // The parser gives what follows --json to it, even where a URL was meant.
        var (url, json) = (target.url, output.json)
        if url == nil, let name = json, (try? TargetAddress(name)) != nil {
            (url, json) = (name, "-")
        }
        var output = output
        output.json = json
        self.output = output
        if let url {
            child = nil
            settings.serverProcesses = try Self.processes(of: url, given: target.pid)
            settings.url = url
        } else {
            let child = try ChildServer(
                executable: ChildServer.ownExecutable,
                loops: target.serverLoops,
                maxMessageSize: maxMessageSize,
                protocols: target.protocolName.version.isHixie ? "all" : "default",
                deflate: target.deflate
            )
            self.child = child
            settings.serverProcesses = [child.processID]
            settings.ownServerLoops = target.serverLoops
            settings.url = child.url
        }
        settings.protocolName = target.protocolName.defaultValueDescription
        settings.deflate = target.deflate.rawValue
        targetPlan = TargetPlan(
            url: settings.url,
            subprotocols: target.subprotocol,
            headers: target.header,
            origin: target.origin,
            protocolVersion: target.protocolName.version,
            compression: target.deflate.compression,
            timeout: settings.schedule.timeout,
            messageSize: settings.messageSize,
            pipeline: settings.pipeline
        )
        do {
            _ = try targetPlan.request()
        } catch {
            throw ValidationError(String(describing: error))
        }
    }

    /// Runs the fleet and prints what came out. Throws the exit status unless it is 0.
    func run<Worker: LoadWorker>(
        _ settings: RunSettings,
        makeWorker: (Int) -> Worker
    ) throws {
        let fleet = try Fleet(loopCount: settings.threads, makeWorker: makeWorker)
        let progress = Progress(
            unit: settings.mode.unit,
            isTerminal: isatty(STDERR_FILENO) == 1,
            isQuiet: output.quiet,
            style: Style(for: STDERR_FILENO)
        )
        var run = LoadRun(
            fleet: fleet,
            schedule: settings.schedule,
            serverProcesses: settings.serverProcesses,
            progress: progress,
            connectionCount: settings.connections,
            interruption: interruption
        )
        var outcome = run.conduct()
        if let child, !child.stop() { outcome.childEndedBadly = true }
        let report = RunReport(settings: settings, outcome: outcome)
        try show(report)
        guard report.exitStatus == .good else { throw ExitCode(report.exitStatus.rawValue) }
    }

    private func show(_ report: RunReport) throws {
        if let path = output.json {
            let text = report.json.rendered() + "\n"
            if path == "-" {
                Output.write(text, to: STDOUT_FILENO)
                return
            }
            if let problem = Output.writeFile(text, path: path) {
                Output.write("stargate-bench: \(problem)\n", to: STDERR_FILENO)
                throw ExitCode(ExitStatus.errors.rawValue)
            }
        }
        let style = Style(for: STDOUT_FILENO)
        Output.write(ReportText(report: report, style: style).rendered() + "\n", to: STDOUT_FILENO)
    }

    private static func processes(of url: String, given: Int32?) throws -> [Int32] {
        if let given { return [given] }
        let address = try TargetAddress(url)
        return address.isLoopback ? ListeningProcess.find(port: address.port) : []
    }
}
