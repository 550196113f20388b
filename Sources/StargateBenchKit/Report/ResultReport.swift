// What came of a run, in few numbers.

/// How a run ended.
enum RunStatus: String, Sendable, CaseIterable, JSONCodable {
    case good
    case errors
    case noConnection = "no_connection"
    /// The figures say nothing about the server.
    case invalid
    case goalMissed = "goal_missed"
    case interrupted

    var exitStatus: ExitStatus {
        switch self {
        case .good: .good
        case .errors: .errors
        case .noConnection: .couldNotConnect
        case .invalid: .invalid
        case .goalMissed: .goalMissed
        case .interrupted: .interrupted
        }
    }
}

/// The result of a run.
struct ResultReport: Sendable, Equatable, JSONRecord {
    var status = RunStatus.good
    /// Why the figures say nothing about the server; nil when they do.
    var invalidBecause: String?
    /// Messages, handshakes or deliveries completed inside the window.
    var completed: UInt64 = 0
    /// Messages sent inside the window.
    var sent: UInt64 = 0
    /// Echoes whose bytes were compared.
    var checked: UInt64 = 0
    /// Messages that were due by the end of the run and had not left; nil without a rate.
    var unsent: UInt64?
    var elapsed = 0.0
    var perSecond = 0.0
    var payloadBytesPerSecond: Double?
    var connectionsOpened = 0
    var connectionsHeld = 0
    /// Open on the server's side, by process; nil where it cannot be seen.
    var connectionsServed: [Int]?
    var connectTime = 0.0
    var pingsAnswered: UInt64 = 0
    var fragmented: UInt64 = 0

    static var fields: [JSONField<ResultReport>] {
        [
            JSONField("status", \.status, "How the run ended."),
            JSONField("invalid_because", \.invalidBecause, "Why the figures mean nothing."),
            JSONField("completed", \.completed, "Operations completed while measuring."),
            JSONField("sent", \.sent, "Messages sent while measuring."),
            JSONField("checked", \.checked, "Messages whose every byte was compared."),
            JSONField("unsent", \.unsent, "Messages due that never left; null: no rate."),
            JSONField("elapsed_s", \.elapsed, "Seconds measured."),
            JSONField("per_second", \.perSecond, "Operations a second."),
            JSONField(
                "payload_bytes_per_second",
                \.payloadBytesPerSecond,
                "Payload bytes a second, one way."
            ),
            JSONField(
                "connections_opened",
                \.connectionsOpened,
                "Opening handshakes that went well."
            ),
            JSONField("connections_held", \.connectionsHeld, "Open at the end of the window."),
            JSONField(
                "connections_served",
                \.connectionsServed,
                "The same on the server's side, for each of its processes."
            ),
            JSONField("connect_s", \.connectTime, "Seconds that opening them took."),
            JSONField("pings_answered", \.pingsAnswered, "Pings of the server, each answered."),
            JSONField("fragmented", \.fragmented, "Messages that came in several fragments."),
        ]
    }
}

/// One kind of error.
struct ErrorReport: Sendable, Equatable, JSONRecord {
    var kind = ""
    var title = ""
    var count: UInt64 = 0
    var firstExample = ""

    static var fields: [JSONField<ErrorReport>] {
        [
            JSONField("kind", \.kind, "The key of the kind."),
            JSONField("title", \.title, "The kind in words."),
            JSONField("count", \.count, "How many."),
            JSONField("first_example", \.firstExample, "The first of them, in words."),
        ]
    }
}

/// What kept the figures from being higher.
struct LimitReport: Sendable, Equatable, JSONRecord {
    var key = ""
    var explanation = ""

    static var fields: [JSONField<LimitReport>] {
        [
            JSONField(
                "key",
                \.key,
                "client, server, client_and_server, machine, rate, neither or not_the_client."
            ),
            JSONField("explanation", \.explanation, "The same in words, with the shares."),
        ]
    }
}

/// One goal of `--slo`.
struct GoalReport: Sendable, Equatable, JSONRecord {
    var expression = ""
    var actual: Double?
    var isMet = false

    static var fields: [JSONField<GoalReport>] {
        [
            JSONField("expression", \.expression, "The goal as it was asked for."),
            JSONField("actual", \.actual, "The figure: nanoseconds for times; null if unknown."),
            JSONField("met", \.isMet, "Whether the run met it."),
        ]
    }
}

/// One rate that a search tried.
struct StepReport: Sendable, Equatable, JSONRecord {
    var rate = 0.0
    var achieved = 0.0
    var p50: UInt64 = 0
    var p99: UInt64 = 0
    var isMet = false
    var limitKey = ""
    var why = ""

    static var fields: [JSONField<StepReport>] {
        [
            JSONField("rate_per_second", \.rate, "Messages a second asked for."),
            JSONField("per_second", \.achieved, "Messages a second that came back."),
            JSONField("p50_ns", \.p50, "The median latency."),
            JSONField("p99_ns", \.p99, "The 99th percentile."),
            JSONField("met", \.isMet, "Whether the goals were met."),
            JSONField("limited_by", \.limitKey, "What limited this step."),
            JSONField("why", \.why, "What was missed; empty if nothing."),
        ]
    }
}
