// What a process of a fleet sends to the one that conducts the run.

internal import Histogram

extension LatencyHistogram: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        self.init(flatCounts: try [UInt64](json: json))
    }

    var json: JSONValue { flatCounts.json }
    static var schema: JSONValue { [UInt64].schema }
}

extension WireCount: JSONRecord {
    static var fields: [JSONField<WireCount>] {
        [
            JSONField("sent", \.sent, "Bytes sent."),
            JSONField("received", \.received, "Bytes received."),
        ]
    }
}

extension FanoutRecord: JSONRecord {
    init() { self.init(first: 0, last: 0, recipients: 0) }

    static var fields: [JSONField<FanoutRecord>] {
        [
            JSONField("first", \.first, "To the first recipient."),
            JSONField("last", \.last, "To the last recipient."),
            JSONField("recipients", \.recipients, "How many."),
        ]
    }
}

extension IntervalSum: JSONRecord {
    static var fields: [JSONField<IntervalSum>] {
        [
            JSONField("count", \.count, "How many."),
            JSONField("sum", \.sum, "All their times."),
            JSONField("longest", \.longest, "The longest of them."),
        ]
    }
}

extension ErrorTally: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        self.init()
        for entry in try [ErrorReport](json: json) {
            guard let kind = ErrorKind(rawValue: entry.kind) else {
                throw JSONProblem(description: "no such kind of error: \(entry.kind)")
            }
            add(kind, count: entry.count, entry.firstExample)
        }
    }

    var json: JSONValue { reports.json }
    static var schema: JSONValue { [ErrorReport].schema }

    /// The entries as the report shows them.
    var reports: [ErrorReport] {
        entries.map {
            ErrorReport(
                kind: $0.kind.rawValue,
                title: $0.kind.title,
                count: $0.count,
                firstExample: $0.firstExample
            )
        }
    }
}

extension LoopReport: JSONRecord {
    static var fields: [JSONField<LoopReport>] {
        [
            JSONField("opened", \.opened, "Connections opened."),
            JSONField("measured", \.measured, "Operations completed in the window."),
            JSONField("elapsed", \.elapsed, "The length of the window."),
            JSONField("cpu", \.cpu, "The thread's time on a core."),
            JSONField("waiting", \.waiting, "Its time without one."),
            JSONField("sent", \.sent, "Messages sent."),
            JSONField("checked", \.checked, "Messages compared."),
            JSONField("unsent", \.unsent, "Messages due and not sent."),
            JSONField("published", \.published, "Messages published."),
            JSONField("accounted", \.accounted, "Deliveries, and losses that are known."),
            JSONField("pings", \.pings, "Pings of the server."),
            JSONField("fragmented", \.fragmented, "Messages in fragments."),
            JSONField("latency", \.latency, "The main distribution."),
            JSONField("uncorrected", \.uncorrected, "From the moment of sending."),
            JSONField("parts", \.parts, "The parts of a cycle."),
            JSONField("fanout", \.fanout, "What recipients saw."),
            JSONField("errors", \.errors, "What went wrong."),
            JSONField("wire", \.wire, "Bytes on the wire."),
        ]
    }
}

extension WorkerSnapshot: JSONRecord {
    static var fields: [JSONField<WorkerSnapshot>] {
        [
            JSONField("stage", \.stageNumber, "How far it is."),
            JSONField("open_now", \.openNow, "Connections open."),
            JSONField("opened", \.opened, "Connections opened."),
            JSONField("completed", \.completed, "Operations completed."),
            JSONField("errors", \.errors, "Errors so far."),
            JSONField("interval", \.interval, "Since the last glance."),
        ]
    }

    private var stageNumber: Int {
        get { stage.rawValue }
        set { stage = WorkerStage(rawValue: newValue) ?? .connecting }
    }
}
