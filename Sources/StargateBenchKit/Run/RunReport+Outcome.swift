// From what a run yields to the values that are shown.

internal import Glibc
internal import Histogram

extension RunReport {
    /// Adds what a run yielded to what it was asked to do.
    mutating func take(_ outcome: RunOutcome) {
        startedAt = outcome.startedAt
        machine = .ofThisProcess
        addFigures(outcome)
        addLatencies(outcome.report)
        addCosts(outcome)
        addLimit(outcome)
        errors = outcome.report.errors.reports
        judge(outcome)
    }

    private mutating func addFigures(_ outcome: RunOutcome) {
        let fleet = outcome.report
        result.completed = fleet.measured
        result.sent = fleet.sent
        result.checked = fleet.checked
        result.unsent = settings.rate.map { _ in fleet.unsent }
        result.pingsAnswered = fleet.pings
        result.fragmented = fleet.fragmented
        if fleet.unsent > 0 {
            notes.append(
                """
                \(Figure.counted(Int(clamping: fleet.unsent), "message")) \
                \(fleet.unsent == 1 ? "was" : "were") due and never left, because so many were under \
                way already or the connection took no more: no latency counts them
                """
            )
        }
        result.elapsed = Double(fleet.elapsed) / 1e9
        result.perSecond = fleet.rate
        if !settings.sizes.isEmpty {
            result.payloadBytesPerSecond = fleet.rate * settings.meanSize
        }
        result.connectionsOpened = fleet.opened
        result.connectionsHeld = outcome.heldCount
        result.connectionsServed = outcome.servedCounts
        result.connectTime = Double(outcome.connectLength) / 1e9
        timeline = mode == .idle ? nil : outcome.timeline
        if let count = fleet.wire {
            wire = WireReport(
                sentBytes: count.sent,
                receivedBytes: count.received,
                sentPayload: UInt64(Double(fleet.sent) * settings.meanSize),
                receivedPayload: UInt64(Double(fleet.measured) * settings.meanSize)
            )
        }
    }

    private mutating func addLatencies(_ fleet: FleetReport) {
        switch mode {
        case .echo, .saturate:
            latencies += [LatencyReport(.roundTrip, fleet.latency)].compactMap { $0 }
            latencies += [fleet.uncorrected.flatMap { LatencyReport(.uncorrected, $0) }]
                .compactMap { $0 }
        case .handshake:
            let names: [LatencyReport.Name] = [.connect, .tls, .upgrade, .close]
            latencies += zip(names, fleet.parts).compactMap { LatencyReport($0, $1) }
            latencies += [LatencyReport(.cycle, fleet.latency)].compactMap { $0 }
        case .broadcast: addFanout(fleet)
        case .push: latencies += [LatencyReport(.delivery, fleet.latency)].compactMap { $0 }
        case .idle: break
        }
    }

    private mutating func addFanout(_ fleet: FleetReport) {
        var first = LatencyHistogram.forLatency()
        var last = LatencyHistogram.forLatency()
        for record in fleet.fanout where record.recipients == UInt64(settings.connections) {
            first.record(min(record.first, LatencyHistogram.longestLatency))
            last.record(min(record.last, LatencyHistogram.longestLatency))
        }
        latencies += [
            LatencyReport(.firstRecipient, first), LatencyReport(.lastRecipient, last),
            LatencyReport(.delivery, fleet.latency),
        ].compactMap { $0 }
    }

    private mutating func addCosts(_ outcome: RunOutcome) {
        let fleet = outcome.report
        server = outcome.serverUsage.map {
            ServerCost($0, operations: fleet.measured, elapsed: outcome.windowLength)
        }
        switch outcome.systemCalls {
        case .counted(let number) where fleet.measured > 0:
            server?.systemCallsPerOperation = Double(number) / Double(fleet.measured)
        case .missing(let why): server?.systemCallsMissing = why
        case .counted, nil: break
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
                kernelBefore: outcome.kernelBefore,
                kernelAfter: outcome.kernelAfter,
                connections: outcome.heldCount
            )
        }
    }

    /// The share of the rate asked for from which it counts as kept: the last messages of a run are
    /// still on their way when it ends.
    static let keptShare = 0.97

    private mutating func addLimit(_ outcome: RunOutcome) {
        guard mode != .idle else { return }
        let bottleneck = Bottleneck(
            client: outcome.report.busyShares,
            clientWaiting: outcome.report.waitingShare,
            server: server?.busiestThreadShare,
            serverWaiting: server?.busiestThreadWaiting ?? 0,
            keptRate: settings.rate.map {
                settings.ramp == 0 && result.perSecond >= $0 * Self.keptShare
            } ?? false
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
            invalidate("a part of the client stopped answering")
        } else if outcome.childEndedBadly {
            invalidate("the server that was started did not end well")
        } else if errorTotal > 0 {
            result.status = .errors
        } else if !isDone {
            invalidate("nothing was completed")
        } else if let rate = settings.rate, settings.ramp == 0, limit?.key == "client" {
            let achieved = Figure.rate(result.perSecond)
            invalidate(
                "the client was full and made \(achieved) instead of \(Figure.rate(rate)) msg/s"
            )
        }
    }

    /// Holds the run against goals; what is bad already stays so.
    mutating func judge(goals: [Goal]) {
        self.goals = goals.map { $0.judge(self) }
        guard self.goals.contains(where: { !$0.isMet }) else { return }
        if result.status == .good || result.status == .errors { result.status = .goalMissed }
    }

    private mutating func invalidate(_ why: String) {
        result.status = .invalid
        result.invalidBecause = why
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
