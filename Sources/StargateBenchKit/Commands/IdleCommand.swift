internal import ArgumentParser

/// `stargate-bench idle`.
struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Opens connections and holds them: what does one cost in memory, and all in CPU?",
        discussion: """
            The memory is the server's, before the connections and while all are open: RSS \
            (resident) and PSS (shared pages by share). The kernel's own memory is that of the \
            whole machine, so both ends of a loopback connection are in it.

              stargate-bench idle -c 10000
              stargate-bench idle -c 60000 --procs 4 --source 127.0.0.0/8 -d 1m ws://127.0.0.1:8080/
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Connections to hold.")
    var connections = 10_000

    @Option(
        name: [.customShort("d"), .customShort("z"), .long],
        help: "How long to hold them once all are open."
    )
    var duration = TimeSpan(seconds: 10)

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard duration > .zero else { throw ValidationError("--duration is longer than nothing") }
    }

    func run() throws {
        var template = RunReport()
        template.mode = .idle
        template.settings.connections = connections
        let session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output
        )
        let plan = IdlePlan(
            target: session.targetPlan,
            timeout: client.timeout.nanoseconds,
            connectRate: client.connectRate
                / Double(client.threadTotal(connections: connections))
        )
        let schedule = RunSchedule(
            length: .duration(duration),
            timeout: client.timeout,
            settling: TimeSpan(seconds: 1)
        )
        try session.run(schedule) { IdleWorker(plan: plan, share: $0) }
    }
}
