import StargateCore
import Testing

@testable import StargateBenchKit

/// A report with figures that are easy to check: 100,000 messages in one second.
private func makeReport(
    mode: BenchMode = .echo,
    errors: ErrorTally = ErrorTally(),
    opened: Int = 64,
    measured: Int = 100_000,
    interrupted: Bool = false,
    hasServer: Bool = true
) -> RunReport {
    let statistics = WorkerStatistics()
    statistics.opened = opened
    statistics.errors = errors
    statistics.beginWindow()
    for _ in 0..<measured { statistics.complete(latency: 250_000) }
    if mode == .handshake {
        for part in CyclePart.allCases { statistics.record(part, 90_000) }
    }
    statistics.endWindow()
    var loop = statistics.report()
    loop.elapsed = 1_000_000_000
    loop.cpu = 620_000_000
    loop.waiting = 0
    var outcome = RunOutcome(report: FleetReport(merging: [loop]))
    if hasServer {
        outcome.serverUsage = ProcessUsage(
            cpuNanoseconds: 950_000_000,
            userTicks: 19,
            systemTicks: 76,
            voluntarySwitches: 20_000,
            threads: [7: .init(runningNanoseconds: 949_000_000, waitingNanoseconds: 0)]
        )
        outcome.memoryBefore = ProcessMemory(resident: 6_000_000, proportional: 5_000_000)
        outcome.memoryAfter = ProcessMemory(resident: 6_064_000, proportional: 5_032_000)
    }
    outcome.windowLength = 1_000_000_000
    outcome.heldCount = opened
    outcome.connectLength = 10_000_000
    outcome.wasInterrupted = interrupted
    var report = RunReport()
    report.mode = mode
    report.target.url = "ws://127.0.0.1:9001/"
    report.target.ownServerLoops = 1
    report.target.processes = [4242]
    report.settings.connections = 64
    if mode == .echo {
        report.settings.pipeline = 1
        report.settings.sizes = [SizeShare(bytes: 20, weight: 1)]
        report.settings.payload = "binary"
    }
    report.settings.describe(
        RunSchedule(
            length: .duration(TimeSpan(seconds: 10)),
            warmup: TimeSpan(seconds: 1)
        )
    )
    report.take(outcome)
    return report
}

private func text(_ report: RunReport, style: Style = .plain) -> String {
    ReportText(report: report, style: style).rendered()
}

@Suite struct ReportTextTests {
    @Test func `a good echo run reads like this`() {
        let report = makeReport()
        #expect(
            text(report) == """

                stargate-bench echo
                  target      ws://127.0.0.1:9001/, a server of its own: 1 loop, process 4242
                  load        64 connections x 1 in flight, 20 B binary, 1 client thread, 10 s
                              after 1 s of warm-up

                  GOOD  100,000 messages/s, every echo byte for byte as sent

                  throughput  100,000 msg/s   2.00 MB/s each way   100,000 messages in 1.00 s
                  latency           p50      p90      p99    p99.9   p99.99      max     mean
                    round trip   250 us   250 us   250 us   250 us   250 us   250 us   250 us
                  server      9.50 us of CPU a message (20 % user, 80 % kernel)   0.95 cores
                              105,263 msg/s for each full core
                              0.200 sleeps, 0.000 preemptions a message, its cost includes
                              waking up
                  client      thread 62 % busy
                  limited by  the server: its busiest thread was 95 % busy
                  errors      none

                """
        )
        #expect(report.exitStatus == .good)
    }

    @Test func `errors turn the verdict and come with their first example`() {
        var errors = ErrorTally()
        errors.add(.corrupt(message: 0, offset: 3), connection: 1)
        errors.add(.timeout, count: 1200, "connection 3: nothing")
        let report = makeReport(errors: errors)
        let lines = text(report)
        #expect(lines.contains("  FAILED  1,201 errors; 100,000 messages/s\n"))
        #expect(lines.contains("errors             1  corrupt payload\n"))
        #expect(lines.contains("first: connection 2, message 1: byte 3 differs"))
        #expect(lines.contains("1,200  timed out"))
        #expect(report.exitStatus == .errors)
    }

    @Test func `who reaches nobody is told so, without figures`() {
        var errors = ErrorTally()
        errors.add(.connect, count: 64, "connection refused")
        let report = makeReport(errors: errors, opened: 0, measured: 0)
        #expect(text(report).contains("NO CONNECTION"))
        #expect(!text(report).contains("throughput"))
        #expect(report.exitStatus == .couldNotConnect)
    }

    @Test func `an interrupted run has its report and its own status`() {
        let report = makeReport(interrupted: true)
        #expect(text(report).contains("INTERRUPTED  100,000 messages/s up to then"))
        #expect(report.exitStatus == .interrupted)
    }

    @Test func `nothing done is no run`() {
        let report = makeReport(measured: 0)
        #expect(text(report).contains("INVALID  nothing was completed"))
        #expect(report.exitStatus == .invalid)
    }

    @Test func `an unseen server has no cost, and the report says why`() {
        let report = makeReport(hasServer: false)
        #expect(text(report).contains("no CPU figures"))
        #expect(text(report).contains("not the client; whether the server was full"))
    }

    @Test func `the parts of a handshake have their own rows`() {
        let lines = text(makeReport(mode: .handshake))
        #expect(lines.contains("64 at a time"))
        for row in ["TCP connect ", "upgrade     ", "close       ", "cycle       "] {
            #expect(lines.contains("    " + row))
        }
        #expect(lines.contains("9.50 us of CPU a handshake"))
    }

    @Test func `idle connections have their price in bytes`() {
        let lines = text(makeReport(mode: .idle))
        #expect(lines.contains("GOOD  64 connections held for 1.00 s"))
        #expect(lines.contains("1000 B"))
        #expect(lines.contains("500 B"))
        #expect(lines.contains("95.00 % of a core while idle"))
    }

    @Test func `colour is only there when asked for`() {
        #expect(!text(makeReport()).contains("\u{1B}"))
        let style = Style(hasColor: true, hasUnicode: true)
        #expect(text(makeReport(), style: style).contains("\u{1B}[1;32mGOOD\u{1B}[0m"))
    }
}

@Suite struct ReportJSONTests {
    /// The value at a path of keys.
    private func value(_ json: JSONValue, _ path: String...) throws -> JSONValue {
        try path.reduce(json) { json, key in
            guard case .object(let members) = json else { return .null }
            return try #require(members.first { $0.key == key }, "no key \(key)").value
        }
    }

    @Test func `the keys that programs rely on are there`() throws {
        let json = makeReport().json
        #expect(try value(json, "schema") == .string("stargate-bench/2"))
        #expect(try value(json, "mode") == .string("echo"))
        #expect(try value(json, "target", "own_server_loops") == .integer(1))
        #expect(try value(json, "settings", "duration_s") == .number(10))
        #expect(try value(json, "settings", "count") == .null)
        #expect(try value(json, "result", "status") == .string("good"))
        #expect(try value(json, "result", "completed") == .integer(100_000))
        #expect(try value(json, "result", "per_second") == .number(100_000))
        #expect(try value(json, "server", "cpu_ns_per_operation") == .number(9500))
        #expect(try value(json, "limited_by", "key") == .string("server"))
        #expect(try value(json, "errors") == .array([]))
    }

    @Test(arguments: BenchMode.allCases)
    func `a report that was written is read again`(mode: BenchMode) throws {
        var errors = ErrorTally()
        errors.add(.missing, count: 2, "gone \"\u{1F600}\" \n")
        var report = makeReport(mode: mode, errors: errors)
        report.goals = [try #require(Goal("p99<5ms")).judge(report)]
        report.notes = ["a note"]
        report.timeline = TimelineReport(interval: 1, points: [.init(time: 1, completed: 7)])
        let text = report.json.rendered()
        #expect(try RunReport(parsing: text) == report)
        #expect(try RunReport(parsing: report.json.line()) == report)
    }

    @Test(arguments: ["", "{}", "[1]", "{\"schema\": \"stargate-bench/1\"}", "{\"schema\": 2}"])
    func `what is no report is refused in words`(text: String) {
        #expect(throws: JSONProblem.self) { try RunReport(parsing: text) }
    }

    @Test func `a key of a later version is passed over, a missing one is named`() throws {
        let report = makeReport()
        let json = report.json
        #expect(try RunReport(parsing: json.adding("later", .bool(true)).rendered()) == report)
        guard case .object(let members) = json else { return }
        let short = JSONValue.object(members.filter { $0.key != "result" })
        let problem = #expect(throws: JSONProblem.self) {
            try RunReport(parsing: short.rendered())
        }
        #expect(problem?.description.contains("result") == true)
    }

    @Test func `an unseen server is null, and errors have kinds`() throws {
        var errors = ErrorTally()
        errors.add(.missing, count: 2, "gone")
        let json = makeReport(errors: errors, hasServer: false).json
        #expect(try value(json, "server") == .null)
        #expect(try value(json, "memory") == .null)
        #expect(
            try value(json, "errors")
                == .array([
                    .members([
                        "kind": .string("missing"), "title": .string("never echoed"),
                        "count": .integer(2), "first_example": .string("gone"),
                    ])
                ])
        )
    }

    @Test func `memory is there for idle connections`() throws {
        let json = makeReport(mode: .idle).json
        #expect(try value(json, "memory", "rss_before_bytes") == .integer(6_000_000))
        #expect(makeReport(mode: .idle).memory?.residentPerConnection == 1000)
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", "[1,2.5,-3]", "{\"a\":[{\"b\":null}]}", "\"\\u0001\"",
        "\"quote \\\" slash \\\\\"",
    ])
    func `a value survives reading and writing`(text: String) throws {
        #expect(try JSONValue(parsing: text).line() == text)
    }

    @Test func `escapes and surrogate pairs are read`() throws {
        let json = try JSONValue(parsing: #"  "\ud83d\ude00\u00e4\/\b" "#)
        #expect(json == .string("\u{1F600}\u{E4}/\u{08}"))
    }

    @Test(arguments: [
        "", "nul", "[1,]", "[1", "{\"a\"}", "{1:2}", "\"", "\"\\x\"", "\"\\ud83d\"", "01x", "1 2",
        "\"\u{01}\"", "-", "{\"a\":1,}", "\"\\u12\"",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONProblem.self) { try JSONValue(parsing: text) }
    }

    @Test func `nesting has a limit`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONProblem.self) { try JSONValue(parsing: deep) }
    }
}

@Suite struct GoalTests {
    @Test(arguments: [
        ("p99<5ms", true), ("p99.9 <= 260us", true), ("p50<100us", false), ("errors==0", true),
        ("rate>=50000", true), ("rate>100000", false), ("cpu<10us", true), ("max<1s", true),
        ("error_rate<0.1%", true), ("mean>1ms", false), ("errors!=0", false), ("median<1", true),
    ])
    func `a goal is met or not`(expression: String, isMet: Bool) throws {
        let goal = try #require(Goal(expression))
        #expect(goal.judge(makeReport()).isMet == isMet)
    }

    @Test(arguments: [
        "", "p99", "p99<", "p101<5ms", "p99<5 apples", "speed>1", "errors==none", "<5",
    ])
    func `what is no goal is refused`(expression: String) {
        #expect(Goal(expression) == nil)
    }

    @Test func `a figure that is not there misses its goal`() throws {
        let goal = try #require(Goal("cpu<1s"))
        let verdict = goal.judge(makeReport(hasServer: false))
        #expect(!verdict.isMet)
        #expect(verdict.actual == nil)
    }
}

@Suite struct ProgressTests {
    private func snapshot(errors: UInt64 = 0) -> WorkerSnapshot {
        let statistics = WorkerStatistics()
        statistics.opened = 12
        statistics.openNow = 10
        if errors > 0 { statistics.errors.add(.timeout, count: errors, "late") }
        for _ in 0..<500 { statistics.complete(latency: 1) }
        return WorkerSnapshot(FakeWorker(statistics: statistics))
    }

    private func line(_ phase: Progress.Phase, errors: UInt64 = 0) -> String {
        Progress.line(
            phase: phase,
            elapsed: 4_200_000_000,
            snapshot: snapshot(errors: errors),
            rate: 1234,
            unit: "msg",
            style: .plain
        )
    }

    @Test func `each phase says how far it is`() {
        #expect(line(.connecting(64)) == "  connecting   12 of 64")
        #expect(
            line(.warmingUp(TimeSpan(seconds: 5))) == "  warming up 4.2 of 5.0 s   1,234 msg/s"
        )
        #expect(
            line(.measuring(TimeSpan(seconds: 8.4)))
                == "  ##########..........   4.2 of 8.4 s   1,234 msg/s   10 open"
        )
        #expect(line(.counting(1000)) == "  ##########..........   500 of 1,000   1,234 msg/s")
        #expect(line(.finishing, errors: 3) == "  finishing   10 open   3 errors")
    }
}

private final class FakeWorker: LoadWorker {
    let stage = WorkerStage.running
    let statistics: WorkerStatistics

    init(statistics: WorkerStatistics) { self.statistics = statistics }

    func connect(on loop: EventLoop) {}
    func go() {}
    func drain() {}
    func close() {}
    func cut() {}
    func sweep(now: UInt64) {}
}
