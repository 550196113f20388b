internal import ArgumentParser
internal import StargateCore

/// `stargate-bench echo`.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract:
            "Sends messages, compares every echo with what was sent, and times the round trip.",
        discussion: """
            A closed loop: each connection keeps so many messages in flight and sends the next \
            when an echo is back. The latency is that of a server under full load; a server that \
            stalls is not sent anything meanwhile, so do not read the percentiles as those of \
            independent users.

            Every message differs from its neighbours, so corrupted, lost, reordered and repeated \
            echoes are told apart. All of them end in exit status 1.
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Connections, open throughout.")
    var connections = 64

    @Option(name: .shortAndLong, help: "Messages in flight on each connection.")
    var pipeline = 1

    @Option(name: .shortAndLong, help: "Bytes in a message: 20, 512, 16k, 1m.")
    var size = ByteCount(20)

    @Option(
        defaultAsFlag: TextKind.ascii,
        help: ArgumentHelp(
            "Send text: ascii, or mixed (characters of one to four bytes). Without it, binary.",
            valueName: "ascii|mixed"
        )
    )
    var text: TextKind?

    @Flag(help: "Send binary messages, which is the default.")
    var binary = false

    @OptionGroup var length: LengthOptions

    @OptionGroup var client: ClientOptions

    @Option(help: "Open so many connections a second; 0 for as fast as the server takes them.")
    var connectRate = 0.0

    @Option(help: "Equal seeds send equal payloads.")
    var seed: UInt64 = 1

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard (1...65_536).contains(pipeline) else {
            throw ValidationError("--pipeline is a number from 1 to 65536")
        }
        guard size.bytes <= 1 << 30 else { throw ValidationError("--size is at most 1 GiB") }
        guard connectRate >= 0 else { throw ValidationError("--connect-rate is not negative") }
        if binary, text != nil { throw ValidationError("--text and --binary exclude each other") }
        if binary, target.protocolName.version.isHixie {
            throw ValidationError("--binary: the hixie drafts know text only")
        }
        if let count = length.count, count < UInt64(connections) {
            throw ValidationError(
                "--count \(count) leaves some of the \(connections) connections without a message"
            )
        }
    }

    func run() throws {
        let kind: PayloadKind =
            switch text {
            case .ascii: .ascii
            case .mixed: .mixed
            case nil: target.protocolName.version.isHixie ? .ascii : .binary
            }
        var settings = RunSettings(
            mode: .echo,
            url: "",
            connections: connections,
            pipeline: pipeline,
            payload: kind,
            messageSize: size.bytes,
            threads: min(client.threads, connections),
            schedule: length.schedule(timeout: client.timeout),
            seed: seed
        )
        let session = try BenchSession(
            target: target,
            output: output,
            maxMessageSize: max(1 << 20, size.bytes),
            settings: &settings
        )
        let plan = EchoPlan(
            target: session.targetPlan,
            deck: PayloadDeck(
                kind: kind,
                messageSize: size.bytes,
                inFlight: pipeline,
                seed: seed
            ),
            depth: pipeline,
            timeout: client.timeout.nanoseconds,
            connectRate: connectRate / Double(settings.threads),
            connectionCount: connections,
            messageCount: length.count
        )
        let shares = Share.split(connections, over: settings.threads)
        try session.run(settings) { EchoWorker(plan: plan, share: shares[$0]) }
    }
}
