// A measurement: another process of this program loads the server and answers with its report.

internal import Glibc

/// What one measurement of one server found.
struct ClientRun: Equatable, Sendable {
    /// The server's cost, as the workload measures it.
    let cost: Double
    /// Messages or handshakes a second, which may be the client's limit.
    let rate: Double
    /// How often the server went to sleep for each message.
    let sleeps: Double
    /// The share of the time in which the server could have run and had no core.
    let waiting: Double
    /// Bytes that the server sent for each byte of payload; nil where nothing was to be compressed.
    let wire: Double?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}

extension ClientRun {
    /// Runs the client until it is done.
    ///
    /// - Parameters:
    ///   - workload: what to do.
    ///   - url: the server.
    ///   - length: how long, as ``Workload/length(slice:)`` says it.
    ///   - cores: where the client may run.
    /// - Throws: ``Failure`` with the first error of the run.
    init(_ workload: Workload, url: String, length: [String], cores: CoreSet?) throws(Failure) {
        let arguments = workload.arguments + length + ["--quiet", "--json=-", url]
        let report = try Self.report(arguments, cores: cores)
        let server = report["server"] ?? .null
        switch workload.measure {
        case .cpuTime:
            guard let cost = server["cpu_ns_per_operation"]?.double, cost > 0 else {
                throw Failure(description: "its CPU time cannot be read")
            }
            self.cost = cost
        case .memory:
            let memory = report["memory"] ?? .null
            guard let before = memory["rss_before_bytes"]?.double,
                let after = memory["rss_after_bytes"]?.double,
                let held = report["result"]?["connections_held"]?.double, held > 0
            else { throw Failure(description: "its memory cannot be read") }
            // Less than a byte is not more than the reading can tell.
            cost = max(1, (after - before) / held)
        case .idleTime:
            guard let cores = server["cores"]?.double else {
                throw Failure(description: "its CPU time cannot be read")
            }
            // A server that did nothing at all is taken for one that did a microsecond's work.
            cost = max(1_000, cores * 1e9)
        }
        wire = workload.isCompressed ? Self.wireRatio(report["wire"] ?? .null) : nil
        if let wire, wire > 0.95 {
            throw Failure(description: "it does not compress")
        }
        rate = report["result"]?["per_second"]?.double ?? 0
        sleeps = server["sleeps_per_operation"]?.double ?? 0
        waiting = server["busiest_thread_waiting"]?.double ?? 0
    }

    /// Runs this program with these arguments and returns the report it prints.
    ///
    /// - Throws: the first error of the report, or what kept it from being made.
    static func report(_ arguments: [String], cores: CoreSet?) throws(Failure) -> JSONValue {
        let child: ChildProcess
        do {
            let words = CoreSet.prefix(cores?.client) + [ChildServer.ownExecutable] + arguments
            child = try ChildProcess(path: words[0], arguments: Array(words.dropFirst()))
        } catch {
            throw Failure(description: error.description)
        }
        var text = ""
        while let line = child.readLine(timeout: TimeSpan(seconds: 120)) { text += line + "\n" }
        child.stop()
        guard let report = try? JSONValue(parsing: text) else {
            let line = arguments.joined(separator: " ")
            throw Failure(description: "the client reported nothing: \(line)")
        }
        guard child.waitStatus == 0 else { throw Failure(description: problem(of: report)) }
        return report
    }

    private static func wireRatio(_ wire: JSONValue) -> Double? {
        guard let bytes = wire["received_bytes"]?.double,
            let payload = wire["received_payload_bytes"]?.double, payload > 0
        else { return nil }
        return bytes / payload
    }

    private static func problem(of report: JSONValue) -> String {
        let errors = report["errors"] ?? .null
        let kinds = errors["kinds"] ?? errors
        guard case .array(let entries) = kinds, let first = entries.first,
            case .string(let example)? = first["first_example"]
        else {
            if case .string(let reason)? = report["result"]?["invalid_because"] { return reason }
            return "the run failed"
        }
        return example
    }
}

extension JSONValue {
    /// The number; nil for anything else.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
