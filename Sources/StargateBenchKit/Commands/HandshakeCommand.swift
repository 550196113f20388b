internal import ArgumentParser

/// `stargate-bench handshake`.
struct HandshakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handshake",
        abstract: "Connects, upgrades and closes, over and over, and counts whole cycles.",
        discussion: """
            A cycle is a TCP connection (connect), the opening handshake up to the checked 101 \
            response (upgrade), and the closing handshake with code 1000 up to the end of the \
            connection (close).
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
        var settings = RunSettings(
            mode: .handshake,
            url: "",
            connections: connections,
            threads: min(client.threads, connections),
            schedule: length.schedule(timeout: client.timeout)
        )
        let session = try BenchSession(
            target: target,
            output: output,
            maxMessageSize: 1 << 20,
            settings: &settings
        )
        let plan = HandshakePlan(
            target: session.targetPlan,
            timeout: client.timeout.nanoseconds,
            laneCount: connections,
            cycleCount: length.count
        )
        let shares = Share.split(connections, over: settings.threads)
        try session.run(settings) { HandshakeWorker(plan: plan, share: shares[$0]) }
    }
}
