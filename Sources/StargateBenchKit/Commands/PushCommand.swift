internal import ArgumentParser
internal import StargateCore

/// `stargate-bench push`.
struct PushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "The server sends, the client only receives: messages a second, in order.",
        discussion: """
            The server has to send messages of the form NUMBER:NANOSECONDS:FILLER, as \
            `stargate-bench serve` does on /push?size=BYTES&rate=A_SECOND for each connection; \
            without a rate it sends as fast as the client takes them. NUMBER counts from 0 in 16 \
            hexadecimal digits, NANOSECONDS are those of its monotonic clock in as many, FILLER is \
            the alphabet from its ninth letter on, over and over. The times are only meaningful on \
            one machine.

              stargate-bench push -c 10 -s 1k
              stargate-bench push -c 500 --rate-per-conn 50
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Connections that receive.")
    var connections = 10

    @Option(help: "Messages a second for each connection; as fast as it goes if not given.")
    var ratePerConn: Double?

    @OptionGroup var stream: StreamOptions

    @OptionGroup var length: LengthOptions

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        if let ratePerConn {
            guard ratePerConn > 0, ratePerConn <= 1000 else {
                throw ValidationError("--rate-per-conn is more than 0 and at most 1000")
            }
            if target.url != nil {
                throw ValidationError("--rate-per-conn goes with a server of our own")
            }
        }
    }

    func run() throws {
        var template = stream.template(.push, connections: connections)
        template.settings.rate = ratePerConn.map { $0 * Double(connections) }
        let rate = ratePerConn.map { "&rate=\($0)" } ?? ""
        let session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output,
            path: "push?size=\(stream.size.bytes)\(rate)",
            messageSize: stream.size.bytes
        )
        let plan = stream.plan(
            for: session.targetPlan,
            client: client,
            connections: connections,
            count: length.count,
            publishing: nil
        )
        try session.run(length.schedule(timeout: client.timeout)) {
            StreamWorker(plan: plan, share: $0)
        }
    }
}
