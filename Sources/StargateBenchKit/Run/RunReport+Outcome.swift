// From what a run yields to the values that are shown.

internal import Glibc

extension RunReport {
    init(settings: RunSettings, outcome: RunOutcome) {
        self.init()
        mode = settings.mode
        startedAt = outcome.startedAt
        machine = .ofThisProcess
        target = TargetReport(settings)
        self.settings = SettingsReport(settings)
        addFigures(outcome, isEcho: settings.mode == .echo)
        addCosts(outcome)
        errors = outcome.report.errors.entries.map {
            ErrorReport(
                kind: $0.kind.rawValue,
                title: $0.kind.title,
                count: $0.count,
                firstExample: $0.firstExample
            )
        }
        judge(outcome)
    }

    private mutating func addFigures(_ outcome: RunOutcome, isEcho: Bool) {
        let fleet = outcome.report
        result.completed = fleet.measured
        result.elapsed = Double(fleet.elapsed) / 1e9
        result.perSecond = fleet.rate
        result.payloadBytesPerSecond = isEcho ? fleet.rate * settings.meanSize : nil
        result.connectionsOpened = fleet.opened
        result.connectionsHeld = outcome.heldCount
        result.connectTime = Double(outcome.connectLength) / 1e9
        if isEcho, let main = LatencyReport(.roundTrip, fleet.latency) { latencies.append(main) }
        if mode == .handshake {
            let names: [LatencyReport.Name] = [.connect, .upgrade, .close]
            latencies += zip(names, fleet.parts).compactMap { LatencyReport($0, $1) }
            if let main = LatencyReport(.cycle, fleet.latency) { latencies.append(main) }
        }
    }

    private mutating func addCosts(_ outcome: RunOutcome) {
        let fleet = outcome.report
        server = outcome.serverUsage.map {
            ServerCost($0, operations: fleet.measured, elapsed: outcome.windowLength)
        }
        let used = outcome.clientUsage?.cpuNanoseconds
        client = ClientCost(
            cpuNanoseconds: used ?? 0,
            cpuPerOperation: fleet.measured == 0
                ? nil : used.map { Double($0) / Double(fleet.measured) },
            busyShares: fleet.busyShares,
            waitingShare: fleet.waitingShare
        )
        if mode == .idle, let before = outcome.memoryBefore, let after = outcome.memoryAfter {
            memory = MemoryCost(
                residentBefore: before.resident,
                residentAfter: after.resident,
                proportionalBefore: before.proportional,
                proportionalAfter: after.proportional,
                connections: outcome.heldCount
            )
        }
        guard mode != .idle else { return }
        let bottleneck = Bottleneck(
            client: fleet.busyShares,
            clientWaiting: fleet.waitingShare,
            server: server?.busiestThreadShare,
            serverWaiting: server?.busiestThreadWaiting ?? 0
        )
        limit = LimitReport(key: bottleneck.key, explanation: bottleneck.explanation)
    }

    private mutating func judge(_ outcome: RunOutcome) {
        let isDone = mode == .idle ? outcome.heldCount > 0 : result.completed > 0
        if outcome.wasInterrupted {
            result.status = .interrupted
        } else if outcome.report.opened == 0, errorTotal > 0 {
            result.status = .noConnection
        } else if outcome.isStuck {
            invalidate("a client thread stopped answering")
        } else if outcome.childEndedBadly {
            invalidate("the server that was started did not end well")
        } else if errorTotal > 0 {
            result.status = .errors
        } else if !isDone {
            invalidate("nothing was completed")
        }
    }

    private mutating func invalidate(_ why: String) {
        result.status = .invalid
        result.invalidBecause = why
    }
}

extension TargetReport {
    init(_ settings: RunSettings) {
        self.init()
        url = settings.url
        ownServerLoops = settings.ownServerLoops
        processes = settings.serverProcesses.map { Int($0) }
    }
}

extension SettingsReport {
    init(_ run: RunSettings) {
        self.init()
        connections = run.connections
        threads = run.threads
        if run.mode == .echo {
            pipeline = run.pipeline
            sizes = [SizeShare(bytes: run.messageSize, weight: 1)]
            payload = run.payload.rawValue
            seed = run.seed
        }
        protocolName = run.protocolName
        deflate = run.deflate
        switch run.schedule.length {
        case .duration(let span): duration = span.seconds
        case .count(let number): count = number
        }
        warmup = run.schedule.warmup.seconds
        timeout = run.schedule.timeout.seconds
    }
}

extension ServerCost {
    init(_ usage: ProcessUsage, operations: UInt64, elapsed: UInt64) {
        self.init()
        cpuNanoseconds = usage.cpuNanoseconds
        let time = Double(max(1, elapsed))
        cores = Double(usage.cpuNanoseconds) / time
        let ticks = usage.userTicks + usage.systemTicks
        userShare = ticks >= 10 ? Double(usage.userTicks) / Double(ticks) : nil
        busiestThreadShare = Double(usage.busiestThread?.runningNanoseconds ?? 0) / time
        busiestThreadWaiting = Double(usage.busiestThread?.waitingNanoseconds ?? 0) / time
        processCount = usage.processCount
        if operations > 0 {
            cpuPerOperation = Double(usage.cpuNanoseconds) / Double(operations)
            sleepsPerOperation = Double(usage.voluntarySwitches) / Double(operations)
            preemptionsPerOperation = Double(usage.involuntarySwitches) / Double(operations)
        }
    }
}

extension MachineReport {
    /// The machine that this process runs on.
    static var ofThisProcess: MachineReport {
        var name = utsname()
        uname(&name)
        func text<Value>(_ field: Value) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        let processors = ProcFile.text("/proc/cpuinfo") ?? ""
        let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }
        let memory = ProcFile.text("/proc/meminfo").flatMap {
            ProcFile.number(after: "MemTotal", in: $0)
        }
        return MachineReport(
            system: "\(text(name.sysname)) \(text(name.release))",
            architecture: text(name.machine),
            processor: model?.split(separator: ":").last.map {
                String($0.drop { $0 == " " })
            } ?? "",
            cores: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            memory: (memory ?? 0) * 1024
        )
    }
}
