internal import ArgumentParser
internal import Glibc
internal import StargateCore

/// `stargate-bench soak`.
struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Holds connections under mixed load for long: does anything grow, or get lost?",
        discussion: """
            Starts a server in a process of its own. Connections of several protocol versions, \
            some of them compressed, have messages of all sizes echoed; topics are published to; \
            readers stop for a while; others come and go; bad clients misbehave. Every message is \
            numbered and checked. With a certificate, one connection in four goes to a second \
            server, with TLS. It warms up for a quarter of the time, 15 minutes at most, busier \
            than it is later. Sixteen times nothing is asked for, for a minute in long runs, and \
            what the server holds then is noted. At the end the slopes of its memory, of its heap \
            and of its descriptors are printed with their uncertainty (95 %), and a verdict. It \
            uses a small part of one core, so that it can run beside other work. Exit status: 0 \
            when the verdict is good, else 1.
            """
    )

    @Option(name: [.customShort("d"), .long], help: "How long: 30s, 10m, 1h.")
    var duration = TimeSpan(seconds: 60)

    @Option(name: .shortAndLong, help: "Connections that are held and have messages echoed.")
    var connections = 2000

    @Option(help: "Topics that are published to, each with 40 subscribers.")
    var topics = 20

    @Option(help: "Echoes in a second, over all connections.")
    var rate = 1000.0

    @Option(help: "Loops of the server.")
    var serverLoops = 2

    @Option(
        help: ArgumentHelp(
            "With TLS, too: the certificate in this PEM file, which is for 127.0.0.1.",
            valueName: "file"
        )
    )
    var tlsCert: String?

    @Option(help: ArgumentHelp("The private key of --tls-cert, in PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(name: .shortAndLong, help: "Show no progress, only the report.")
    var quiet = false

    func validate() throws {
        guard duration >= TimeSpan(seconds: 2) else {
            throw ValidationError("--duration is at least 2s")
        }
        guard (1...100_000).contains(connections), (1...1000).contains(topics) else {
            throw ValidationError("--connections is at most 100000, --topics at most 1000")
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
        guard rate > 0, rate <= 1e6 else { throw ValidationError("--rate is more than 0") }
        guard (1...1024).contains(serverLoops) else {
            throw ValidationError("--server-loops is a number from 1 to 1024")
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        var plan = SoakPlan(url: "")
        plan.echoers = connections
        plan.topics = topics
        plan.echoRate = rate
        plan.compression = .shared
        let all = plan.echoers + plan.topics * (plan.subscribersPerTopic + 1)
        if let problem = DescriptorLimit.raise().problem(connections: all) {
            throw ValidationError(problem)
        }
        let interruption = Interruption()
        var children = [try startServer(tls: nil)]
        plan.url = String(children[0].url.dropLast())
        if let certificate = tlsCert, let key = tlsKey {
            let child = try startServer(tls: (certificate, key))
            var configuration = TLSClientConfiguration()
            configuration.trust = .file(certificate)
            plan.tls = (String(child.url.dropLast()), configuration)
            children.append(child)
        }
        var run = SoakRun(
            plan: plan,
            length: duration,
            serverLoops: serverLoops,
            children: children,
            isQuiet: quiet,
            interruption: interruption
        )
        let report = try run.conduct()
        Output.write(report.text, to: STDOUT_FILENO)
        guard report.objections.isEmpty else { throw ExitCode(ExitStatus.errors.rawValue) }
    }

    private func startServer(tls: (certificate: String, key: String)?) throws -> ChildServer {
        try ChildServer(
            executable: ChildServer.ownExecutable,
            loops: serverLoops,
            maxMessageSize: 1 << 20,
            deflate: .shared,
            tls: tls
        )
    }
}
