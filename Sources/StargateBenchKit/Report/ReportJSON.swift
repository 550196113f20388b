// The report for programs. Its keys are a contract: they may be added to; whoever changes or
// removes one raises the version in `schema`.

extension RunReport {
    static let schema = "stargate-bench/1"

    /// The report as JSON. Times say their unit in their key; shares are fractions of 1.
    func json() -> JSONValue {
        .members([
            "schema": .string(Self.schema),
            "mode": .string(settings.mode.rawValue),
            "target": targetJSON,
            "settings": settingsJSON,
            "result": resultJSON,
            "latency_ns": latencyJSON,
            "server": serverJSON,
            "client": clientJSON,
            "memory": memoryJSON,
            "limited_by": settings.mode == .idle ? .null : .string(bottleneck.key),
            "errors": errorsJSON,
        ])
    }

    private var targetJSON: JSONValue {
        .members([
            "url": .string(settings.url),
            "own_server": .bool(settings.ownServerLoops != nil),
            "own_server_loops": settings.ownServerLoops.map { .integer(UInt64($0)) } ?? .null,
            "processes": .array(settings.serverProcesses.map { .integer(UInt64($0)) }),
        ])
    }

    private var settingsJSON: JSONValue {
        let duration: JSONValue
        let count: JSONValue
        switch settings.schedule.length {
        case .duration(let span): (duration, count) = (.number(span.seconds), .null)
        case .count(let number): (duration, count) = (.null, .integer(number))
        }
        let isEcho = settings.mode == .echo
        return .members([
            "connections": .integer(UInt64(settings.connections)),
            "pipeline": isEcho ? .integer(UInt64(settings.pipeline)) : .null,
            "size_bytes": isEcho ? .integer(UInt64(settings.messageSize)) : .null,
            "payload": isEcho ? .string(settings.payload.rawValue) : .null,
            "protocol": .string(settings.protocolName),
            "deflate": .string(settings.deflate),
            "threads": .integer(UInt64(settings.threads)),
            "duration_s": duration,
            "count": count,
            "warmup_s": .number(settings.schedule.warmup.seconds),
            "timeout_s": .number(settings.schedule.timeout.seconds),
            "seed": isEcho ? .integer(settings.seed) : .null,
        ])
    }

    private var resultJSON: JSONValue {
        let report = outcome.report
        return .members([
            "ok": .bool(isGood),
            "interrupted": .bool(outcome.wasInterrupted),
            "exit_status": .integer(UInt64(exitStatus.rawValue)),
            "completed": .integer(report.measured),
            "elapsed_s": .number(Double(report.elapsed) / 1e9),
            "per_second": .number(rate),
            "payload_bytes_per_second": settings.mode == .echo ? .number(bytesPerSecond) : .null,
            "connections_opened": .integer(UInt64(report.opened)),
            "connections_held": .integer(UInt64(outcome.heldCount)),
            "connect_s": .number(Double(outcome.connectLength) / 1e9),
        ])
    }

    private var latencyJSON: JSONValue {
        switch settings.mode {
        case .echo: .members(["round_trip": Self.json(latency)])
        case .handshake:
            .members([
                "connect": Self.json(part(.connecting)), "upgrade": Self.json(part(.upgrading)),
                "close": Self.json(part(.closing)), "cycle": Self.json(latency),
            ])
        case .idle: .null
        }
    }

    private static func json(_ summary: LatencySummary?) -> JSONValue {
        guard let summary else { return .null }
        return .members([
            "count": .integer(summary.count), "min": .integer(summary.min),
            "mean": .number(summary.mean), "p50": .integer(summary.p50),
            "p90": .integer(summary.p90), "p99": .integer(summary.p99),
            "p99_9": .integer(summary.p999), "max": .integer(summary.max),
        ])
    }

    private var serverJSON: JSONValue {
        guard let server else { return .null }
        let isIdle = settings.mode == .idle
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return .members([
            "cpu_ns": .integer(server.cpuNanoseconds),
            "cpu_ns_per_operation": isIdle ? .null : number(server.cpuPerOperation),
            "user_share": number(server.userShare),
            "cores": .number(server.cores),
            "busiest_thread_share": .number(server.busiestThreadShare),
            "busiest_thread_waiting_share": .number(server.busiestThreadWaiting),
            "sleeps_per_operation": isIdle ? .null : number(server.sleepsPerOperation),
        ])
    }

    private var clientJSON: JSONValue {
        .members([
            "loop_busy_shares": .array(outcome.report.busyShares.map { .number($0) }),
            "loop_waiting_share": .number(outcome.report.waitingShare),
            "cpu_ns": outcome.clientUsage.map { .integer($0.cpuNanoseconds) } ?? .null,
        ])
    }

    private var memoryJSON: JSONValue {
        guard let memory else { return .null }
        return .members([
            "rss_before_bytes": .integer(memory.before.resident),
            "rss_after_bytes": .integer(memory.after.resident),
            "rss_bytes_per_connection": .number(memory.residentPerConnection),
            "pss_before_bytes": .integer(memory.before.proportional),
            "pss_after_bytes": .integer(memory.after.proportional),
            "pss_bytes_per_connection": .number(memory.proportionalPerConnection),
        ])
    }

    private var errorsJSON: JSONValue {
        .members([
            "total": .integer(errors.total),
            "kinds": .array(
                errors.entries.map { entry in
                    .members([
                        "kind": .string(entry.kind.rawValue),
                        "count": .integer(entry.count),
                        "first_example": .string(entry.firstExample),
                    ])
                }
            ),
        ])
    }
}
