// Conducts a comparison: check every server, then one workload after the other.

internal import Glibc

/// What to compare, and how thoroughly.
struct ComparisonPlan: Sendable {
    var servers: [ServerSpec]
    /// The place of the base in that list.
    var base: Int
    var workloads: [Workload]
    /// How often each server is measured in each workload.
    var pairs: Int
    /// How long each measurement takes, after its warm-up.
    var slice: TimeSpan
    var cores: CoreSet?

    /// Rounds after which the servers are started anew: a process keeps what luck it had with
    /// its addresses, so that several of them are heard. Even, so that an ABBA stays together.
    static let roundsPerStart = 4
}

/// Runs a plan.
struct Comparison {
    let plan: ComparisonPlan
    /// Told what happens, a line at a time.
    let progress: (String) -> Void
    /// Whether somebody has asked for an end.
    let isInterrupted: () -> Bool

    /// Checks and measures everything. Ends early when interrupted, with what there is.
    func run() -> ComparisonReport {
        var report = ComparisonReport(plan: plan)
        for (index, spec) in plan.servers.enumerated() where !isInterrupted() {
            report.absences[index] = check(spec)
            progress("\(spec.name): \(report.absences[index] ?? "checked, echoes every message")")
        }
        for workload in plan.workloads where !isInterrupted() {
            report.results.append(measure(workload, absences: report.absences))
            if let result = report.results.last {
                progress(ComparisonText(report: report).table(of: result))
            }
        }
        return report
    }

    /// Checks everything and measures nothing.
    func check() -> ComparisonReport {
        var report = ComparisonReport(plan: plan)
        for (index, spec) in plan.servers.enumerated() where !isInterrupted() {
            report.absences[index] = check(spec)
            progress("\(spec.name): \(report.absences[index] ?? "echoes every message")")
        }
        return report
    }

    private func check(_ spec: ServerSpec) -> String? {
        do {
            let server = try ComparedServer(spec, feature: nil, cores: plan.cores)
            defer { server.stop() }
            return EchoCheck.problem(url: server.url, cores: plan.cores)
        } catch {
            return error.description
        }
    }

    private func measure(_ workload: Workload, absences: [String?]) -> WorkloadResult {
        var result = WorkloadResult(workload: workload, absences: absences)
        guard absences[plan.base] == nil else { return result }
        let others = plan.servers.indices.filter { $0 != plan.base && absences[$0] == nil }
        let able = ([plan.base] + others).filter { index in
            let command = plan.servers[index].command(port: 1, feature: workload.feature)
            if command == nil { result.absences[index] = "not offered" }
            return command != nil
        }
        guard able.first == plan.base else { return result }
        let slices = SlicePlan(base: plan.base, others: Array(able.dropFirst()), pairs: plan.pairs)
        for group in slices.groups {
            // Memory that was used once stays with the process: each reading needs a new one.
            let batch = workload.measure == .memory ? 1 : ComparisonPlan.roundsPerStart
            var rest = group.rounds[...]
            while !rest.isEmpty, !isInterrupted() {
                measure(workload, group.servers, rounds: Array(rest.prefix(batch)), &result)
                rest = rest.dropFirst(batch)
            }
        }
        return result
    }

    /// Starts the servers, warms them up, and measures some rounds.
    private func measure(
        _ workload: Workload,
        _ indices: [Int],
        rounds: [[Int]],
        _ result: inout WorkloadResult
    ) {
        var running: [Int: ComparedServer] = [:]
        defer { for server in running.values { server.stop() } }
        for index in indices where result.absences[index] == nil {
            do {
                let spec = plan.servers[index]
                let server = try ComparedServer(spec, feature: workload.feature, cores: plan.cores)
                running[index] = server
                if workload.measure == .cpuTime {
                    _ = try ClientRun(
                        workload,
                        url: server.url,
                        length: ["-d", "500ms", "--warmup", "0"],
                        cores: plan.cores
                    )
                }
            } catch {
                result.absences[index] = String(describing: error)
            }
        }
        let length = workload.length(slice: plan.slice)
        for round in rounds where !isInterrupted() {
            var costs: [Int: ClientRun] = [:]
            for index in round where result.absences[index] == nil {
                guard let server = running[index] else { continue }
                do {
                    costs[index] = try ClientRun(
                        workload,
                        url: server.url,
                        length: length,
                        cores: plan.cores
                    )
                } catch {
                    result.absences[index] = String(describing: error)
                }
            }
            result.add(costs, base: plan.base)
        }
    }
}
