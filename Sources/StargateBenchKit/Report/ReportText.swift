// The report for people: what ran, the verdict, then the figures with what they mean. It fits into
// 80 columns and uses more where there are more.

/// Renders a report for a terminal or a log.
struct ReportText {
    let report: RunReport
    let style: Style
    /// Columns to fit into; long lists wrap.
    var width = 80

    private static let labelWidth = 12

    var settings: SettingsReport { report.settings }

    /// The whole text, with an empty line at both ends.
    func rendered() -> String {
        let title = "stargate-bench \(report.mode.rawValue)"
        var lines = ["", style.bold(report.name.map { "\(title): \($0)" } ?? title)]
        lines += wrapped("target", target) + wrapped("load", load)
        lines += ["", "  " + verdict, ""]
        if !report.couldNotConnect {
            lines += throughput + latency + histogram + timeline + steps
            lines += memory + server + client + limit
        }
        lines += errors + goals
        for note in report.notes { lines += wrapped("note", [note]) }
        lines.append("")
        return lines.joined(separator: "\n")
    }

    // MARK: What ran

    var target: [String] {
        var parts = [report.target.url]
        let processes = report.target.processes.map(String.init).joined(separator: ", ")
        let noun = report.target.processes.count == 1 ? "process" : "processes"
        if let loops = report.target.ownServerLoops {
            parts.append("a server of its own: \(Figure.counted(loops, "loop"))")
        }
        if !report.target.processes.isEmpty {
            let name = report.target.processName.map { " (\($0))" } ?? ""
            parts.append("\(noun) \(processes)\(name)")
        }
        return parts
    }

    var load: [String] {
        var parts = [amount]
        if let payload = settings.payload {
            let sizes =
                settings.sizes.count == 1
                ? ByteCount(settings.sizes[0].bytes).description
                : settings.sizes.map { "\(ByteCount($0.bytes)) x \($0.weight)" }
                    .joined(separator: " + ")
            parts.append("\(sizes) \(Self.payloadTitle(payload))")
        }
        if settings.protocolName != "rfc6455" { parts.append(settings.protocolName) }
        if settings.deflate != "off" { parts.append("permessage-deflate \(settings.deflate)") }
        if let tls = settings.tls { parts.append(tls) }
        if settings.mask != "random" { parts.append("masking key \(settings.mask)") }
        if settings.check != "full" { parts.append("check \(settings.check)") }
        if let source = settings.source { parts.append("from \(source)") }
        let threads = Figure.counted(settings.threads, "client thread")
        parts.append(
            settings.processes == 1 ? threads : "\(threads) in \(settings.processes) processes"
        )
        if let duration = settings.duration {
            let warmup =
                settings.warmup > 0
                ? " after \(Figure.duration(settings.warmup)) of warm-up" : ""
            parts.append(Figure.duration(duration) + warmup)
        }
        if let count = settings.count { parts.append("\(Figure.grouped(count)) altogether") }
        return parts
    }

    private var amount: String {
        let connections = Figure.counted(settings.connections, "connection")
        switch report.mode {
        case .handshake: return "\(Figure.grouped(UInt64(settings.connections))) at a time"
        case .broadcast: return Figure.counted(settings.connections, "recipient")
        default: break
        }
        if let rate = settings.rate { return "\(connections) at \(Figure.rate(rate)) msg/s" }
        return settings.pipeline.map { "\(connections) x \($0) in flight" } ?? connections
    }

    static func payloadTitle(_ payload: String) -> String {
        switch payload {
        case "binary": "binary"
        case "ascii": "text, ASCII"
        case "mixed": "text, one- to four-byte characters"
        case "json": "text, lines of JSON"
        default: "from \(payload)"
        }
    }

    // MARK: Ends

    private var limit: [String] {
        guard let limit = report.limit, report.result.completed > 0 else { return [] }
        return wrapped("limited by", [limit.explanation])
    }

    private var errors: [String] {
        guard !report.errors.isEmpty else { return [line("errors", "none")] }
        var lines: [String] = []
        for entry in report.errors {
            let label = lines.isEmpty ? "errors" : ""
            let count = style.bad(pad(Figure.grouped(entry.count), 8))
            lines.append(line(label, "\(count)  \(entry.title)"))
            for (index, part) in wrap(["first: \(entry.firstExample)"], indent: 24).enumerated() {
                lines.append(
                    line("", (index == 0 ? "          " : "            ") + style.dim(part))
                )
            }
        }
        return lines
    }

    private var goals: [String] {
        report.goals.map { goal in
            let mark = goal.isMet ? style.good("met   ") : style.bad("MISSED")
            return line("goal", "\(mark)  \(goal.expression)  \(style.dim(Goal.describe(goal)))")
        }
    }

    // MARK: Layout

    func line(_ label: String, _ text: String) -> String {
        let padding = String(repeating: " ", count: max(0, Self.labelWidth - label.count))
        return "  " + style.dim(label) + padding + text
    }

    func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Parts with commas between them, broken between words where the line is full.
    func wrapped(_ label: String, _ parts: [String]) -> [String] {
        wrap(parts, indent: Self.labelWidth + 2).enumerated().map { index, text in
            line(index == 0 ? label : "", text)
        }
    }

    private func wrap(_ parts: [String], indent: Int) -> [String] {
        let room = max(20, width - indent)
        var lines: [String] = []
        var current = ""
        for word in parts.joined(separator: ", ").split(separator: " ") {
            if !current.isEmpty, current.count + 1 + word.count > room {
                lines.append(current)
                current = ""
            }
            current += (current.isEmpty ? "" : " ") + word
        }
        return lines + [current]
    }
}
