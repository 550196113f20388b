// What the run cost, on both sides.

extension ReportText {
    var memory: [String] {
        guard report.mode == .idle else { return [] }
        guard let memory = report.memory else {
            return [line("memory", "not known: the server is not a process that can be seen here")]
        }
        let titles = ["before", "after", "a connection"]
        func row(_ label: String, _ before: UInt64, _ after: UInt64, _ each: Double?) -> String {
            let cells = [
                Figure.bytes(Double(before)), Figure.bytes(Double(after)),
                each.map { "\(Figure.fixed($0, 0)) B" } ?? "-",
            ]
            return line(label, cells.map { pad($0, 14) }.joined())
        }
        var lines = [
            line("memory", style.dim(titles.map { pad($0, 14) }.joined())),
            row("  RSS", memory.residentBefore, memory.residentAfter, memory.residentPerConnection),
            row(
                "  PSS",
                memory.proportionalBefore,
                memory.proportionalAfter,
                memory.proportionalPerConnection
            ),
        ]
        if let before = memory.kernelBefore, let after = memory.kernelAfter {
            lines.append(row("  kernel", before, after, memory.kernelPerConnection))
            lines += wrapped(
                "",
                [
                    "the kernel's row is of the whole machine: both ends of each connection, and others"
                ]
            )
        }
        return lines
    }

    var server: [String] {
        guard let server = report.server else {
            guard report.mode != .idle else { return [] }
            let why = report.target.blindness ?? "not a process that can be seen here"
            return wrapped("server", ["no CPU figures: \(why)"])
        }
        if report.mode == .idle {
            return [line("server", "\(Figure.fixed(server.cores * 100, 2)) % of a core while idle")]
        }
        guard let each = server.cpuPerOperation else { return [] }
        var text = "\(Figure.time(each)) of CPU a \(report.mode.operation)"
        if let user = server.userShare {
            text += " (\(Figure.percent(user)) user, \(Figure.percent(1 - user)) kernel)"
        }
        text += "   \(Figure.fixed(server.cores, 2)) cores"
        var lines = [line("server", text)]
        if each > 0 {
            lines.append(
                line("", "\(Figure.rate(1e9 / each)) \(report.mode.unit)/s for each full core")
            )
        }
        lines += wrapped("", habits(server))
        return lines
    }

    /// How the server worked: calls and switches an operation.
    private func habits(_ server: ServerCost) -> [String] {
        var parts: [String] = []
        if let calls = server.systemCallsPerOperation {
            parts.append("\(Figure.fixed(calls, 2)) system calls")
        }
        if let sleeps = server.sleepsPerOperation {
            parts.append("\(Figure.fixed(sleeps, 3)) sleeps")
        }
        if let preemptions = server.preemptionsPerOperation {
            parts.append("\(Figure.fixed(preemptions, 3)) preemptions")
        }
        guard !parts.isEmpty else { return [] }
        var text = [parts.joined(separator: ", ") + " a \(report.mode.operation)"]
        if let why = server.systemCallsMissing { text.append("system calls not known: \(why)") }
        if let sleeps = server.sleepsPerOperation, sleeps > 0.05 {
            text.append("its cost includes waking up")
        }
        return text
    }

    var client: [String] {
        guard report.mode != .idle, report.result.completed > 0, let client = report.client else {
            return []
        }
        let shares = client.busyShares.map(Figure.percent).joined(separator: ", ")
        let noun = client.busyShares.count == 1 ? "thread" : "threads"
        var text = "\(noun) \(shares) busy"
        if let each = client.cpuPerOperation {
            text += ", \(Figure.time(each)) of CPU a \(report.mode.operation)"
        }
        return wrapped("client", [text])
    }
}
