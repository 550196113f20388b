internal import ArgumentParser
internal import StargateCore

/// `stargate-bench saturate`.
struct SaturateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saturate",
        abstract: "Searches the highest rate of echoes that meets the goals.",
        discussion: """
            Runs echo with a rate, doubles it until a goal is missed, and closes in between. A \
            rate counts as met when every goal of --slo is (p99<5ms and errors==0 if none is \
            given) and at least 97 % of the messages came back in time. The report calls the \
            result the server's maximum only if the server was what ended the search.

              stargate-bench saturate -c 200 --slo 'p99<2ms' ws://127.0.0.1:8080/
              stargate-bench saturate -c 50 -s 16k --start 500 -d 5s
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Connections, open throughout.")
    var connections = 64

    @OptionGroup var message: MessageOptions

    @Option(name: [.customShort("d"), .customShort("z"), .long], help: "How long to try a rate.")
    var duration = TimeSpan(seconds: 3)

    @Option(help: "Load before each measurement begins.")
    var warmup = TimeSpan(nanoseconds: 500_000_000)

    @Option(help: "The first rate, in messages a second.")
    var start = 2000.0

    @Option(help: "The highest rate to try.")
    var limit = 5e6

    @Option(help: "Close in until the answer is known to so many per cent.")
    var precision = 5.0

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard start > 0, limit >= start else {
            throw ValidationError("--start is more than 0 and at most --limit")
        }
        guard (0.5...50).contains(precision) else {
            throw ValidationError("--precision is from 0.5 to 50")
        }
        guard client.procs == 1 else {
            throw ValidationError("--procs: a search is made from one process; use -t")
        }
        guard duration > .zero else { throw ValidationError("--duration is longer than nothing") }
    }

    func run() throws {
        var output = output
        let goals = output.slo.isEmpty ? Self.defaultGoals : output.slo
        // The goals are what the search is about, not what its result is judged by.
        output.slo = []
        var template = RunReport()
        template.mode = .saturate
        template.settings.connections = connections
        let load = try load(at: start)
        load.describe(in: &template.settings)
        var session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output,
            messageSize: load.deck.messageSize,
            pipeline: 64
        )
        var search = RateSearch(start: start, limit: limit, precision: precision / 100)
        var best: RunReport?
        var last: RunReport?
        while let rate = search.next {
            let report = try measure(rate, with: &session)
            let missed = Self.missed(goals, in: report, rate: rate)
            search.note(missed == nil, step: Self.step(report, rate, missed))
            if missed == nil { best = report }
            last = report
            if [.interrupted, .noConnection].contains(report.result.status) { break }
        }
        guard var result = best ?? last else { return }
        if last?.result.status == .interrupted { result.result.status = .interrupted }
        result.steps = search.steps
        result.limit = search.ending.map { LimitReport(key: $0.limitKey, explanation: $0.why) }
        if best == nil, result.result.status == .good { result.result.status = .goalMissed }
        result.goals = goals.map { $0.judge(result) }
        try session.finish(result)
    }

    private static let defaultGoals = ["p99<5ms", "errors==0"].compactMap { Goal($0) }

    private func load(at rate: Double) throws -> EchoLoad {
        try EchoLoad(
            connections: connections,
            pipeline: nil,
            rate: rate,
            message: message,
            isTextOnly: target.protocolName.version.isHixie
        )
    }

    private func measure(_ rate: Double, with session: inout BenchSession) throws -> RunReport {
        let plan = try load(at: rate).plan(for: session.targetPlan, client: client, count: nil)
        session.template.settings.rate = rate
        let schedule = RunSchedule(
            length: .duration(duration),
            warmup: warmup,
            timeout: client.timeout
        )
        return try session.conduct(schedule) { EchoWorker(plan: plan, share: $0) }
    }

    /// What kept a run from meeting the goals, in words; nil if nothing did.
    private static func missed(_ goals: [Goal], in report: RunReport, rate: Double) -> String? {
        if let goal = goals.first(where: { !$0.judge(report).isMet }) {
            let actual = Goal.describe(goal.judge(report))
            return "\(goal.expression) missed: \(actual)"
        }
        if report.result.perSecond < rate * RunReport.keptShare { return "the rate was not kept" }
        return report.result.status == .good ? nil : report.result.invalidBecause ?? "errors"
    }

    private static func step(_ report: RunReport, _ rate: Double, _ missed: String?) -> StepReport {
        StepReport(
            rate: rate,
            achieved: report.result.perSecond,
            p50: report.mainLatency?.p50 ?? 0,
            p99: report.mainLatency?.p99 ?? 0,
            isMet: missed == nil,
            limitKey: missed == nil ? report.limit?.key ?? "" : Self.blame(report),
            why: missed ?? ""
        )
    }

    /// A rate that was kept and still missed a goal was missed by whoever was the busier.
    private static func blame(_ report: RunReport) -> String {
        guard let key = report.limit?.key, key == "rate" else { return report.limit?.key ?? "" }
        let client = report.client?.busyShares.max() ?? 0
        guard let server = report.server?.busiestThreadShare else { return "not_the_client" }
        return server >= 0.7 && server > client ? "server" : "neither"
    }
}

/// Doubles until it is too much, then halves the gap.
struct RateSearch {
    private let limit: Double
    private let precision: Double
    private var good: Double?
    private var bad: Double?
    private(set) var next: Double?
    private(set) var steps: [StepReport] = []

    /// More steps than any search needs.
    private static let stepLimit = 40

    init(start: Double, limit: Double, precision: Double) {
        self.limit = limit
        self.precision = precision
        next = start
    }

    /// The lowest rate that was too much.
    var ending: StepReport? {
        steps.filter { !$0.isMet }.min { $0.rate < $1.rate }
    }

    /// Notes how the rate of ``next`` went.
    mutating func note(_ isMet: Bool, step: StepReport) {
        steps.append(step)
        if isMet {
            good = max(good ?? 0, step.rate)
        } else {
            bad = min(bad ?? .infinity, step.rate)
        }
        next = steps.count >= Self.stepLimit ? nil : following
    }

    private var following: Double? {
        switch (good, bad) {
        case (let good?, nil): good >= limit ? nil : min(limit, good * 2)
        case (nil, let bad?): bad < 2 ? nil : bad / 2
        case (let good?, let bad?):
            bad / good <= 1 + precision ? nil : ((good + bad) / 2).rounded()
        case (nil, nil): nil
        }
    }
}
