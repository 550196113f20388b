internal import ArgumentParser

/// `stargate-bench handshake`.
struct HandshakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handshake",
        abstract: "Connects, upgrades and closes, over and over, and counts whole cycles.",
        discussion: """
            A cycle is a TCP connection (connect), the TLS handshake of wss: URLs (TLS), the \
            opening handshake up to the checked 101 response (upgrade), and the closing handshake \
            with code 1000 up to the end of the connection (close).

              stargate-bench handshake -c 64
              stargate-bench handshake -n 10000 --slo 'p99<20ms' ws://127.0.0.1:8080/
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Cycles at a time.")
    var connections = 16

    @OptionGroup var length: LengthOptions

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 100000")
        }
    }

    func run() throws {
        var template = RunReport()
        template.mode = .handshake
        template.settings.connections = connections
        let session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output
        )
        let plan = HandshakePlan(
            target: session.targetPlan,
            timeout: client.timeout.nanoseconds,
            laneCount: connections,
            cycleCount: length.count
        )
        try session.run(length.schedule(timeout: client.timeout)) {
            HandshakeWorker(plan: plan, share: $0)
        }
    }
}
