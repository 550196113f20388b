// The report for people: what ran, the verdict, then the figures with what they mean.

/// Renders a report for a terminal or a log.
struct ReportText {
    let report: RunReport
    let style: Style

    private static let labelWidth = 12

    private var settings: RunSettings { report.settings }
    private var outcome: RunOutcome { report.outcome }

    /// The whole text, with an empty line at both ends.
    func rendered() -> String {
        var lines = ["", style.bold("stargate-bench \(settings.mode.rawValue)")]
        lines += [line("target", target), line("load", load), "", "  " + verdict, ""]
        if !report.couldNotConnect {
            lines += throughput + latency + memory + server + client
            if settings.mode != .idle, outcome.report.measured > 0 {
                lines.append(line("limited by", report.bottleneck.explanation))
            }
        }
        lines += errors
        lines.append("")
        return lines.joined(separator: "\n")
    }

    // MARK: What ran

    private var target: String {
        if let loops = settings.ownServerLoops {
            let processes = settings.serverProcesses.map(String.init).joined(separator: ", ")
            return
                "\(settings.url)  a server of its own: \(Figure.counted(loops, "loop")), process \(processes)"
        }
        switch settings.serverProcesses.count {
        case 0: return settings.url
        case 1: return "\(settings.url)  process \(settings.serverProcesses[0])"
        default:
            let list = settings.serverProcesses.map(String.init).joined(separator: ", ")
            return "\(settings.url)  processes \(list)"
        }
    }

    private var load: String {
        var parts: [String] = []
        let connections = Figure.counted(settings.connections, "connection")
        switch settings.mode {
        case .echo:
            parts.append("\(connections) x \(settings.pipeline) in flight")
            let kind =
                switch settings.payload {
                case .binary: "binary"
                case .ascii: "text, ASCII"
                case .mixed: "text, one- to four-byte characters"
                }
            parts.append("\(ByteCount(settings.messageSize)) \(kind)")
        case .handshake: parts.append("\(Figure.grouped(UInt64(settings.connections))) at a time")
        case .idle: parts.append(connections)
        }
        if settings.protocolName != "rfc6455" { parts.append(settings.protocolName) }
        if settings.deflate != "off" { parts.append("\(settings.deflate) deflate") }
        parts.append(Figure.counted(settings.threads, "client loop"))
        switch settings.schedule.length {
        case .duration(let span):
            let warmup = settings.schedule.warmup
            parts.append(
                Figure.span(span.nanoseconds)
                    + (warmup > .zero
                        ? " after \(Figure.span(warmup.nanoseconds)) of warm-up" : "")
            )
        case .count(let count): parts.append("\(Figure.grouped(count)) \(settings.mode.operation)s")
        }
        return parts.joined(separator: ", ")
    }

    // MARK: The verdict

    private var verdict: String {
        if outcome.isStuck {
            return style.bad("INVALID")
                + "  a client loop stopped answering; the figures mean nothing"
        }
        let figure = headline
        if outcome.wasInterrupted {
            return style.warning("INTERRUPTED") + "  \(figure) up to then"
        }
        if report.couldNotConnect {
            return style.bad("NO CONNECTION") + "  the server could not be reached"
        }
        if !report.errors.isEmpty {
            let count = Figure.grouped(report.errors.total)
            let noun = report.errors.total == 1 ? "error" : "errors"
            return style.bad("FAILED") + "  \(count) \(noun); \(figure)"
        }
        if outcome.childEndedBadly {
            return style.bad("FAILED") + "  the server did not end well; \(figure)"
        }
        if !report.isGood {
            return style.bad("FAILED") + "  nothing was completed in the time given"
        }
        switch settings.mode {
        case .echo: return style.good("GOOD") + "  \(figure), every echo byte for byte as sent"
        case .handshake: return style.good("GOOD") + "  \(figure), every one opened and closed well"
        case .idle: return style.good("GOOD") + "  \(figure)"
        }
    }

    private var headline: String {
        switch settings.mode {
        case .echo: "\(Figure.rate(report.rate)) messages/s"
        case .handshake: "\(Figure.rate(report.rate)) handshakes/s"
        case .idle:
            "\(Figure.counted(outcome.heldCount, "connection")) held for "
                + Figure.time(Double(outcome.windowLength))
        }
    }

    // MARK: Figures

    private var throughput: [String] {
        let elapsed = Figure.time(Double(outcome.report.elapsed))
        let done = Figure.grouped(outcome.report.measured)
        switch settings.mode {
        case .echo:
            return [
                line(
                    "throughput",
                    "\(Figure.rate(report.rate)) msg/s   "
                        + "\(Figure.bytes(report.bytesPerSecond))/s each way   "
                        + "\(done) messages in \(elapsed)"
                )
            ]
        case .handshake:
            return [
                line(
                    "throughput",
                    "\(Figure.rate(report.rate)) handshakes/s   \(done) in \(elapsed)"
                )
            ]
        case .idle:
            let opened = outcome.report.opened
            let length = Double(max(1, outcome.connectLength))
            let speed = Figure.rate(Double(opened) / (length / 1e9))
            return [
                line(
                    "opened",
                    "\(Figure.grouped(UInt64(opened))) of "
                        + "\(Figure.grouped(UInt64(settings.connections))) in "
                        + "\(Figure.time(length)), \(speed) a second"
                )
            ]
        }
    }

    private var latency: [String] {
        var rows: [(String, LatencySummary)] = []
        switch settings.mode {
        case .echo:
            if let summary = report.latency { rows.append(("round trip", summary)) }
        case .handshake:
            let parts: [(String, CyclePart)] = [
                ("connect", .connecting), ("upgrade", .upgrading), ("close", .closing),
            ]
            for (name, part) in parts {
                if let summary = report.part(part) { rows.append((name, summary)) }
            }
            if let summary = report.latency { rows.append(("cycle", summary)) }
        case .idle: break
        }
        guard !rows.isEmpty else { return [] }
        let titles = ["p50", "p90", "p99", "p99.9", "max", "mean"]
        var lines = [line("latency", style.dim(titles.map { pad($0, 10) }.joined()))]
        for (name, summary) in rows {
            let values = [
                summary.p50, summary.p90, summary.p99, summary.p999, summary.max,
                UInt64(summary.mean.rounded()),
            ]
            let cells = values.map { pad(Figure.time(Double($0)), 10) }.joined()
            lines.append(line("  " + name, cells))
        }
        return lines
    }

    private var memory: [String] {
        guard settings.mode == .idle else { return [] }
        guard let memory = report.memory else {
            return [line("memory", "not known: the server is not a process that can be seen here")]
        }
        let titles = ["before", "after", "a connection"]
        func row(_ before: UInt64, _ after: UInt64, _ each: Double) -> String {
            [
                Figure.bytes(Double(before)), Figure.bytes(Double(after)),
                "\(Figure.fixed(each, 0)) B",
            ].map { pad($0, 14) }.joined()
        }
        return [
            line("memory", style.dim(titles.map { pad($0, 14) }.joined())),
            line(
                "  RSS",
                row(memory.before.resident, memory.after.resident, memory.residentPerConnection)
            ),
            line(
                "  PSS",
                row(
                    memory.before.proportional,
                    memory.after.proportional,
                    memory.proportionalPerConnection
                )
            ),
            line("", style.dim("the kernel's own memory, about 4 kB a socket, comes on top")),
        ]
    }

    private var server: [String] {
        guard let server = report.server else {
            guard settings.mode != .idle else { return [] }
            return [
                line("server", style.dim("no CPU figures: not a process that can be seen here"))
            ]
        }
        if settings.mode == .idle {
            return [line("server", "\(percentOfCore(server.cores)) of a core while idle")]
        }
        guard let each = server.cpuPerOperation else { return [] }
        var text = "\(Figure.time(each)) of CPU a \(settings.mode.operation)"
        if let user = server.userShare {
            text += " (\(Figure.percent(user)) user, \(Figure.percent(1 - user)) kernel)"
        }
        text += "   \(Figure.fixed(server.cores, 2)) cores"
        var lines = [line("server", text)]
        if each > 0 {
            lines.append(
                line("", "\(Figure.rate(1e9 / each)) \(settings.mode.unit)/s for each full core")
            )
        }
        if let sleeps = server.sleepsPerOperation, sleeps > 0.05, settings.mode == .echo {
            let note =
                "it slept \(Figure.fixed(sleeps, 2)) times a message: the cost includes waking up"
            lines.append(line("", style.dim(note)))
        }
        return lines
    }

    private var client: [String] {
        guard settings.mode != .idle, outcome.report.measured > 0 else { return [] }
        let shares = outcome.report.busyShares.map(Figure.percent).joined(separator: ", ")
        let noun = settings.threads == 1 ? "loop" : "loops"
        var text = "\(noun) \(shares) busy"
        if let usage = outcome.clientUsage {
            let each = Double(usage.cpuNanoseconds) / Double(outcome.report.measured)
            text += "   \(Figure.time(each)) of CPU a \(settings.mode.operation)"
        }
        return [line("client", text)]
    }

    private var errors: [String] {
        guard !report.errors.isEmpty else { return [line("errors", "none")] }
        var lines: [String] = []
        for entry in report.errors.entries {
            let label = lines.isEmpty ? "errors" : ""
            let count = style.bad(pad(Figure.grouped(entry.count), 8))
            lines.append(line(label, "\(count)  \(entry.kind.title)"))
            lines.append(line("", "          " + style.dim("first: \(entry.firstExample)")))
        }
        return lines
    }

    // MARK: Layout

    private func line(_ label: String, _ text: String) -> String {
        let padding = String(repeating: " ", count: max(0, Self.labelWidth - label.count))
        return "  " + style.dim(label) + padding + text
    }

    private func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func percentOfCore(_ cores: Double) -> String {
        "\(Figure.fixed(cores * 100, 2)) %"
    }
}
