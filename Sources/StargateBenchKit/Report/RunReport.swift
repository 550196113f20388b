// The report as a value: what the terminal, the files and the page show, computed once. It can be
// written as JSON and read again, so every renderer works on saved runs too.

/// Which mode of the bench made a report.
enum BenchMode: String, Sendable, CaseIterable, JSONCodable {
    case echo
    case handshake
    case idle
    case broadcast
    case push
    case saturate

    /// What is counted, in one word for a line of figures.
    var unit: String {
        switch self {
        case .echo, .push, .saturate: "msg"
        case .handshake: "handshakes"
        case .idle: "connections"
        case .broadcast: "deliveries"
        }
    }

    /// One of it, in words.
    var operation: String {
        switch self {
        case .echo, .push, .saturate: "message"
        case .handshake: "handshake"
        case .idle: "connection"
        case .broadcast: "delivery"
        }
    }
}

/// A finished run.
///
/// The keys of its JSON form are a contract: they may be added to; whoever changes or removes one
/// raises the version in ``currentSchema``. Each is explained in ``fields``.
struct RunReport: Sendable, Equatable, JSONRecord {
    static let currentSchema = "stargate-bench/2"

    var schemaName = RunReport.currentSchema
    var mode = BenchMode.echo
    /// What people call this run; the URL where they say nothing.
    var name: String?
    /// Milliseconds since 1970.
    var startedAt: UInt64 = 0
    var machine = MachineReport()
    var target = TargetReport()
    var settings = SettingsReport()
    var result = ResultReport()
    var latencies: [LatencyReport] = []
    var timeline: TimelineReport?
    var wire: WireReport?
    var server: ServerCost?
    var client: ClientCost?
    var memory: MemoryCost?
    var limit: LimitReport?
    var errors: [ErrorReport] = []
    var goals: [GoalReport] = []
    var steps: [StepReport] = []
    /// What a reader of the figures ought to know, in sentences.
    var notes: [String] = []

    static var fields: [JSONField<RunReport>] {
        [
            JSONField("schema", \.schemaName, "The name and version of this format."),
            JSONField("mode", \.mode, "What was measured."),
            JSONField("name", \.name, "What this run is called."),
            JSONField("started_at_ms", \.startedAt, "Milliseconds since 1970."),
            JSONField("machine", \.machine, "The client's machine."),
            JSONField("target", \.target, "The server."),
            JSONField("settings", \.settings, "What the run was asked to do."),
            JSONField("result", \.result, "What came out."),
            JSONField("latency", \.latencies, "Distributions of times in nanoseconds, by name."),
            JSONField("timeline", \.timeline, "The run over time."),
            JSONField("wire", \.wire, "Bytes on the wire, against those of the payloads."),
            JSONField("server", \.server, "What the server's processes used; null if unseen."),
            JSONField("client", \.client, "What the client used."),
            JSONField("memory", \.memory, "The server's memory, where connections are held."),
            JSONField("limited_by", \.limit, "What kept the figures from being higher."),
            JSONField("errors", \.errors, "Errors by kind, with the first example of each."),
            JSONField("goals", \.goals, "What --slo asked for, and whether it was met."),
            JSONField("steps", \.steps, "The rates that a search for the highest one tried."),
            JSONField("notes", \.notes, "What a reader of the figures ought to know."),
        ]
    }
}

extension RunReport {
    /// The distribution of that name.
    func latency(_ name: LatencyReport.Name) -> LatencyReport? {
        latencies.first { $0.name == name }
    }

    /// The distribution that stands for the run.
    var mainLatency: LatencyReport? {
        switch mode {
        case .echo, .saturate: latency(.roundTrip)
        case .handshake: latency(.cycle)
        case .broadcast: latency(.lastRecipient)
        case .push: latency(.delivery)
        case .idle: nil
        }
    }

    var errorTotal: UInt64 { errors.reduce(0) { $0 + $1.count } }

    /// Whether nobody could be reached at all.
    var couldNotConnect: Bool { result.status == .noConnection }

    var exitStatus: ExitStatus { result.status.exitStatus }

    /// Reads a report that was saved.
    ///
    /// - Throws: ``JSONProblem`` if it is none, or of another version.
    init(parsing text: String) throws(JSONProblem) {
        let json = try JSONValue(parsing: text)
        guard case .string(let schema)? = json["schema"] else {
            throw JSONProblem(description: "this is no report of stargate-bench")
        }
        guard schema == Self.currentSchema else {
            throw JSONProblem(
                description: "a report of the format \(schema); \(Self.currentSchema) is known here"
            )
        }
        self = try RunReport(json: json)
    }

    /// The published schema.
    static var publishedSchema: JSONValue {
        guard case .object(let members) = schema else { return .null }
        return .object(
            [
                .init(
                    key: "$schema",
                    value: .string("https://json-schema.org/draft/2020-12/schema")
                ),
                .init(key: "title", value: .string("A run of stargate-bench")),
                .init(
                    key: "description",
                    value: .string(
                        "What `stargate-bench MODE --json FILE` writes. Times carry their unit in "
                            + "their key; shares are fractions of 1. Keys may be added within "
                            + "\(currentSchema); a change of meaning raises the number."
                    )
                ),
            ] + members
        )
    }
}

/// How the process ends; part of the command line's contract.
enum ExitStatus: Int32, Sendable {
    case good = 0
    /// Something went wrong: a wrong echo, a lost connection.
    case errors = 1
    case usage = 2
    case couldNotConnect = 3
    /// The figures say nothing about the server.
    case invalid = 4
    /// A goal of `--slo` was missed.
    case goalMissed = 99
    /// Ctrl-C: 128 + SIGINT, as shells have it. The report was printed.
    case interrupted = 130
}
