internal import ArgumentParser
internal import StargateCore

/// `stargate-bench echo`.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract:
            "Sends messages, compares every echo with what was sent, and times the round trip.",
        discussion: """
            Without a rate it is a closed loop: each connection keeps -p messages in flight and \
            sends the next when an echo is back. That shows how much the server can do; it is not \
            the latency that independent users see, because a server that stalls is not sent \
            anything meanwhile.

            With a rate (-R) messages leave when they are due. Latency counts from the due time, so \
            a stall shows in every message that it held up; the time from the actual sending \
            stands beside it. -p then limits how many may be under way on a connection.

            Every message differs from its neighbours, so corrupted, lost, reordered and repeated \
            echoes are told apart. All of them end in exit status 1.

              stargate-bench echo -c 100 -s 512 -d 10s
              stargate-bench echo -R 20000 --slo 'p99<5ms' --html run.html ws://127.0.0.1:8080/
              stargate-bench echo -c 60000 --procs 4 --source 127.0.0.0/8 --size-mix 20:70,16k:5
            """
    )

    @OptionGroup var target: TargetOptions

    @Option(name: .shortAndLong, help: "Connections, open throughout.")
    var connections = 64

    @Option(name: .shortAndLong, help: "Messages in flight on each connection. (default: 1)")
    var pipeline: Int?

    @OptionGroup var pace: PaceOptions

    @OptionGroup var message: MessageOptions

    @OptionGroup var length: LengthOptions

    @OptionGroup var client: ClientOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000000")
        }
        guard (1...65_536).contains(pipeline ?? 1) else {
            throw ValidationError("--pipeline is a number from 1 to 65536")
        }
        if message.binary, target.protocolName.version.isHixie {
            throw ValidationError("--binary: the hixie drafts know text only")
        }
        if let count = length.count, count < UInt64(connections) {
            throw ValidationError(
                "--count \(count) leaves some of the \(connections) connections without a message"
            )
        }
    }

    func run() throws {
        let load = try EchoLoad(
            connections: connections,
            pipeline: pipeline,
            rate: pace.rate(connections: connections),
            message: message,
            isTextOnly: target.protocolName.version.isHixie
        )
        var template = RunReport()
        template.mode = .echo
        load.describe(in: &template.settings)
        template.settings.ramp = pace.ramp.seconds
        let session = try BenchSession(
            template: template,
            target: target,
            client: client,
            output: output,
            messageSize: load.deck.messageSize,
            pipeline: pipeline ?? 64
        )
        var plan = load.plan(for: session.targetPlan, client: client, count: length.count)
        plan.ramp = pace.ramp.nanoseconds
        var schedule = length.schedule(timeout: client.timeout)
        if case .duration = schedule.length {
            schedule.warmup = TimeSpan(
                nanoseconds: schedule.warmup.nanoseconds + pace.ramp.nanoseconds
            )
        }
        try session.run(schedule) { EchoWorker(plan: plan, share: $0) }
    }
}

/// What an echo run sends, for the modes that make such runs.
struct EchoLoad {
    let connections: Int
    /// Messages in flight at most.
    let depth: Int
    let rate: Double?
    let deck: PayloadDeck
    private let pipeline: Int?
    private let message: MessageOptions

    /// With a rate nothing but memory bounds what is under way.
    private static let openDepth = 1 << 16

    init(
        connections: Int,
        pipeline: Int?,
        rate: Double?,
        message: MessageOptions,
        isTextOnly: Bool
    ) throws {
        self.connections = connections
        self.pipeline = pipeline
        self.rate = rate
        self.message = message
        depth = pipeline ?? (rate == nil ? 1 : Self.openDepth)
        // A deck for 65,536 messages of each connection would not fit into any cache.
        deck = try message.deck(isTextOnly: isTextOnly, inFlight: min(depth, 4096))
    }

    /// The messages as frames, where they travel as plain ones and all of them are compared.
    private func frames(for target: TargetPlan) -> FrameDeck? {
        guard message.check == .full, target.compression == nil, !target.protocolVersion.isHixie
        else { return nil }
        return FrameDeck(deck, masks: target.masks)
    }

    func describe(in settings: inout SettingsReport) {
        settings.connections = connections
        settings.pipeline = rate == nil ? depth : pipeline
        settings.rate = rate
        message.describe(deck, in: &settings)
    }

    func plan(for target: TargetPlan, client: ClientOptions, count: UInt64?) -> EchoPlan {
        EchoPlan(
            target: target,
            deck: deck,
            depth: depth,
            timeout: client.timeout.nanoseconds,
            connectRate: client.connectRate
                / Double(client.threadTotal(connections: connections)),
            connectionCount: connections,
            messageCount: count,
            rate: rate,
            check: message.check,
            frames: frames(for: target)
        )
    }
}
