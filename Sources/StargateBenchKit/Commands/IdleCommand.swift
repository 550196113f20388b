internal import ArgumentParser

/// `stargate-bench idle`.
struct IdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Opens connections and holds them: what does one cost in memory, and all in CPU?",
        discussion: """
            The memory is the server's, before the connections and while all are open: RSS \
            (resident) and PSS (shared pages by share). The kernel's memory for the sockets is \
            not in it.
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

    @Option(help: "Open so many connections a second; 0 for as fast as the server takes them.")
    var connectRate = 0.0

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard connectRate >= 0 else { throw ValidationError("--connect-rate is not negative") }
        guard duration > .zero else { throw ValidationError("--duration is longer than nothing") }
    }

    func run() throws {
        var settings = RunSettings(
            mode: .idle,
            url: "",
            connections: connections,
            threads: min(client.threads, connections),
            schedule: RunSchedule(
                length: .duration(duration),
                timeout: client.timeout,
                settling: TimeSpan(seconds: 1)
            )
        )
        let session = try BenchSession(
            target: target,
            output: output,
            maxMessageSize: 1 << 20,
            settings: &settings
        )
        let plan = IdlePlan(
            target: session.targetPlan,
            timeout: client.timeout.nanoseconds,
            connectRate: connectRate / Double(settings.threads)
        )
        let shares = Share.split(connections, over: settings.threads)
        try session.run(settings) { IdleWorker(plan: plan, share: shares[$0]) }
    }
}
