internal import ArgumentParser
internal import StargateCore

/// `stargate-bench broadcast`.
struct BroadcastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadcast",
        abstract: "One publishes, many receive: deliveries a second, first and last recipient.",
        discussion: """
            One connection sends messages, and the server passes each on to all others on the same \
            path; whether also to the sender does not matter. Every recipient checks that each \
            message comes once, in order, unchanged. First and last recipient are the times from \
            publishing one message to its arrival there.

            Without a rate the next message is published when the first recipient has one. A \
            server of our own has this service on /broadcast.

              stargate-bench broadcast -c 1000 -s 200
              stargate-bench broadcast -c 5000 -R 100 ws://127.0.0.1:8080/chat
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Recipients.")
    var connections = 100

    @Option(name: .shortAndLong, help: "Messages on their way to the first recipient at a time.")
    var pipeline = 1

    @Option(
        name: [.customShort("R"), .customShort("q"), .long],
        help: "Messages published a second; latency then counts from the moment each is due."
    )
    var rate: Double?

    @OptionGroup var stream: StreamOptions

    @OptionGroup var length: LengthOptions

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard (1...65_536).contains(pipeline) else {
            throw ValidationError("--pipeline is a number from 1 to 65536")
        }
        if let rate {
            guard rate > 0, rate <= 1e6 else {
                throw ValidationError("--rate is more than 0 and at most a million")
            }
        }
    }

    func run() throws {
        var template = stream.template(.broadcast, connections: connections)
        template.settings.pipeline = rate == nil ? pipeline : nil
        let session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output,
            path: "broadcast",
            messageSize: stream.size.bytes,
            pipeline: pipeline
        )
        let plan = stream.plan(
            for: session.targetPlan,
            client: client,
            connections: connections,
            count: length.count,
            publishing: rate.map { .rate($0) } ?? .inFlight(pipeline)
        )
        try session.run(length.schedule(timeout: client.timeout)) {
            StreamWorker(plan: plan, share: $0)
        }
    }
}
