// From the command line to the exit status, for every mode: find or start the server, run the
// fleet against it, show the report.

internal import ArgumentParser
internal import Glibc
internal import StargateCore

/// One invocation of a measuring mode.
struct BenchSession {
    let targetPlan: TargetPlan
    /// What the run was asked to do: a report without figures.
    var template: RunReport
    private let child: ChildServer?
    private let client: ClientOptions
    private let output: OutputOptions
    private let interruption: Interruption
    private let countsCalls: Bool

    /// Checks the machine's limits, finds or starts the server, and notes both for the report.
    ///
    /// - Parameters:
    ///   - template: mode and settings.
    ///   - target: whom to load.
    ///   - client: with how many threads and processes.
    ///   - output: what to leave behind.
    ///   - path: where the mode's service is on a server of our own.
    ///   - messageSize: the longest message that is exchanged.
    ///   - pipeline: how many of them may wait in the client's own queue.
    /// - Throws: a `ValidationError` for what the user can mend, a failure of the child otherwise.
    init(
        template: RunReport,
        target: TargetOptions,
        client: ClientOptions,
        output: OutputOptions,
        path: String = "",
        messageSize: Int = 0,
        pipeline: Int = 1
    ) throws {
        // A report may be piped into a program that has seen enough.
        signal(SIGPIPE, SIG_IGN)
        let share = template.settings.connections / client.procs + 1
        if let problem = DescriptorLimit.raise().problem(connections: share) {
            throw ValidationError(problem + " --procs N makes the load in N processes.")
        }
        interruption = Interruption()
        // The parser gives what follows --json to it, even where a URL was meant.
        var (url, json) = (client.laneUrl ?? target.url, output.json)
        if url == nil, let name = json, (try? TargetAddress(name)) != nil {
            (url, json) = (name, "-")
        }
        var output = output
        output.json = json
        self.output = output
        self.client = client
        countsCalls = target.syscalls
        var template = template
        template.name = output.name
        if let url {
            child = nil
            template.target = try TargetReport.describing(url, pid: target.pid)
        } else {
            let child = try ChildServer(
                executable: ChildServer.ownExecutable,
                loops: target.serverLoops,
                maxMessageSize: max(1 << 20, messageSize),
                protocols: target.protocolName.version.isHixie ? "all" : "default",
                deflate: target.deflate
            )
            self.child = child
            template.target.url = child.url + path
            template.target.processes = [Int(child.processID)]
            template.target.ownServerLoops = target.serverLoops
        }
        template.settings.describe(target, client)
        self.template = template
        targetPlan = TargetPlan(
            url: template.target.url,
            subprotocols: target.subprotocol,
            headers: target.header,
            origin: target.origin,
            protocolVersion: target.protocolName.version,
            compression: target.deflate.offer,
            tls: target.tls.configuration,
            timeout: client.timeout,
            messageSize: messageSize,
            pipeline: pipeline,
            source: client.source,
            masks: target.mask
        )
        do {
            _ = try targetPlan.request()
        } catch {
            throw ValidationError(String(describing: error))
        }
    }

    /// Makes one run.
    ///
    /// - Parameters:
    ///   - schedule: its times.
    ///   - makeWorker: makes the worker for a share of the connections.
    /// - Returns: what came of it.
    /// - Throws: what keeps threads or processes from being started.
    func conduct<Worker: LoadWorker>(
        _ schedule: RunSchedule,
        makeWorker: (Range<Int>) -> Worker
    ) throws -> RunReport {
        let threads = template.settings.threads
        let shares = Share.split(template.settings.connections, over: threads)
        let countsWire =
            template.settings.deflate != "off"
            || template.settings.connections <= client.procs * 1000
        let fleet: any FleetControl
        if client.procs > 1, client.lane == nil {
            fleet = try ProcessFleet(count: client.procs, url: template.target.url)
        } else {
            let lane = client.lane ?? Lane()
            let own = Share.split(threads, over: lane.count)[lane.index]
            fleet = try Fleet(loopCount: own.count, countsWire: countsWire) {
                makeWorker(shares[own.lowerBound + $0])
            }
        }
        if client.lane != nil {
            FleetPuppet(fleet: fleet).obey()
            Glibc.exit(ExitStatus.good.rawValue)
        }
        let progress = Progress(
            unit: template.mode.unit,
            isTerminal: isatty(STDERR_FILENO) == 1,
            isQuiet: output.quiet,
            style: Style(for: STDERR_FILENO)
        )
        var run = LoadRun(
            fleet: fleet,
            schedule: schedule,
            serverProcesses: template.target.processes.map { Int32(truncatingIfNeeded: $0) },
            progress: progress,
            connectionCount: template.settings.connections,
            interruption: interruption
        )
        run.countsCalls = countsCalls
        if template.mode == .idle, let address = try? TargetAddress(template.target.url) {
            run.servedPort = address.port
        }
        var report = template
        report.settings.describe(schedule)
        var outcome = run.conduct()
        if let child, child.isGone { outcome.childEndedBadly = true }
        report.take(outcome)
        return report
    }

    /// Makes one run and shows it.
    func run<Worker: LoadWorker>(
        _ schedule: RunSchedule,
        makeWorker: (Range<Int>) -> Worker
    ) throws {
        try finish(try conduct(schedule, makeWorker: makeWorker))
    }

    /// Shows a report and throws its exit status unless it is 0.
    func finish(_ report: RunReport) throws {
        var report = report
        if let child, !child.stop(), report.result.status != .interrupted {
            report.notes.append("the server that was started did not end well")
        }
        if !output.slo.isEmpty { report.judge(goals: output.slo) }
        let problems = output.write(report)
        if !output.takesStandardOutput {
            let text = ReportText(
                report: report,
                style: Style(for: STDOUT_FILENO),
                width: Style.columns(of: STDOUT_FILENO)
            )
            Output.write(text.rendered() + "\n", to: STDOUT_FILENO)
        }
        for problem in problems { Output.write("stargate-bench: \(problem)\n", to: STDERR_FILENO) }
        guard problems.isEmpty else { throw ExitCode(ExitStatus.errors.rawValue) }
        guard report.exitStatus == .good else { throw ExitCode(report.exitStatus.rawValue) }
    }
}

extension TargetReport {
    /// Finds out who serves a URL.
    static func describing(_ url: String, pid: Int32?) throws -> TargetReport {
        var target = TargetReport()
        target.url = url
        let address = try TargetAddress(url)
        if let pid {
            target.processes = ProcessTree.withDescendants([pid]).map { Int($0) }
        } else if address.isLoopback {
            let found = ListeningProcess.find(port: address.port)
            target.processes = ProcessTree.withDescendants(found).map { Int($0) }
            if found.isEmpty {
                target.blindness =
                    "no process of ours listens on port \(address.port); --pid names one"
            }
        } else {
            target.blindness =
                "the server is on another machine, as far as its name tells; --pid if it is not"
        }
        target.processName = target.processes.first.flatMap {
            ProcessTree.name(of: Int32(truncatingIfNeeded: $0))
        }
        return target
    }
}

extension SettingsReport {
    mutating func describe(_ target: TargetOptions, _ client: ClientOptions) {
        protocolName = target.protocolName.defaultValueDescription
        deflate = target.deflate.rawValue
        mask = target.mask.rawValue
        subprotocols = target.subprotocol
        origin = target.origin
        headerNames = target.header.map(\.name)
        threads = client.threadTotal(connections: connections)
        processes = client.procs
        timeout = client.timeout.seconds
        source = client.source?.text
        connectRate = client.connectRate > 0 ? client.connectRate : nil
    }

    mutating func describe(_ schedule: RunSchedule) {
        switch schedule.length {
        case .duration(let span): duration = span.seconds
        case .count(let number): count = number
        }
        warmup = schedule.warmup.seconds
    }
}
