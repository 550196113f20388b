internal import ArgumentParser
internal import Glibc
internal import StargateCore

/// `stargate-bench serve`: the echo server that is measured when no URL is given.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Echoes every message: the server to be measured.",
        discussion: """
            It echoes on every path but some: on /fragments?size=BYTES each message comes back cut \
            into fragments, on /broadcast and /topic/NAME it is passed on to everybody else there, \
            and on /push?size=BYTES&rate=A_SECOND numbered messages are sent.

            Prints one line, "listening on ws://HOST:PORT", when it is ready, and nothing else. \
            SIGTERM and SIGINT close every connection with 1001, at a gentle pace; a second one \
            cuts those that are left. Exit status: 0 when all connections ended in good order, 1 \
            when some had to be cut (how many is said on standard error).

              stargate-bench serve --port 9001 --loops 2
              stargate-bench serve --procs 4 --loops 1
            """
    )

    /// What stands before the URL in the line that says the server is ready.
    static let readyPrefix = "listening on "

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 for any that is free.")
    var port = 9001

    @Option(help: "Event loops, each a thread; 0 for one per core.")
    var loops = 0

    @Option(
        help: "Server processes on that port: each may hold as many files as this shell allows."
    )
    var procs = 1

    @Option(
        help: ArgumentHelp(
            """
            The largest message taken; more is closed with 1009. Without this option every limit is \
            the library's default (1 MiB here); with it, the queues grow along.
            """,
            valueName: "bytes"
        )
    )
    var maxMessageSize: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            The protocol versions to speak: default (rfc6455, hybi8, hybi7), all (hixie76 and \
            hixie75 too), or a list of these names with commas.
            """,
            valueName: "default|all|list"
        )
    )
    var protocols = ProtocolList(set: .default)

    @Option(
        help: ArgumentHelp(
            """
            Compress when the client offers it: off, shared (each message by itself), or dedicated \
            (a window for each connection).
            """,
            valueName: "off|shared|dedicated"
        )
    )
    var deflate = DeflateMode.off

    @Option(
        help: ArgumentHelp(
            """
            Which of the library's two interfaces echoes: callback, a handler that is lent each \
            message, or structured, an asynchronous function for each connection.
            """,
            valueName: "callback|structured"
        )
    )
    var tier = ServedTier.callback

    @OptionGroup var tls: ServeTLSOptions

    @OptionGroup var limits: LimitOptions

    @OptionGroup var lifecycle: LifecycleOptions

    @Flag(help: .hidden)
    var stopAtEndOfInput = false

    @Flag(help: .hidden)
    var sharesPort = false

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port is a number from 0 to 65535")
        }
        guard (0...1024).contains(loops) else {
            throw ValidationError("--loops is a number from 0 to 1024")
        }
        guard (1...256).contains(procs) else {
            throw ValidationError("--procs is a number from 1 to 256")
        }
        if procs > 1, lifecycle.handover != nil {
            throw ValidationError("--handover goes with one process")
        }
        if procs > 1, limits.metrics != nil {
            throw ValidationError("--metrics goes with one process: each would show its own")
        }
        guard maxMessageSize?.bytes != 0 else {
            throw ValidationError("--max-message-size is at least 1")
        }
    }

    func run() throws {
        _ = DescriptorLimit.raise()
        if procs > 1 { return try serveInGroup() }
        var configuration = Server.Configuration(host: host, port: port)
        if loops > 0 { configuration.loopCount = loops }
        if let size = maxMessageSize?.bytes { configuration.setMaxMessageSize(size) }
        configuration.sharesPort = sharesPort
        configuration.protocols = protocols.set
        configuration.compression = deflate.compression
        configuration.tls = tls.configuration
        limits.apply(to: &configuration)
        lifecycle.apply(to: &configuration)
        let server = Server(configuration: configuration)
        addRoutes(to: server)
        if let path = limits.metrics { server.metricsPage(path) }
        let report: DrainReport
        do {
            report = try server.runBlocking(stoppingOn: [.interrupt, .terminate]) {
                if stopAtEndOfInput { Lifeline.watch() }
                for address in server.addresses.prefix(1) {
                    let url = "\(tls.scheme)://\(address)"
                    Output.write("\(Self.readyPrefix)\(url)\n", to: STDOUT_FILENO)
                }
            }
        } catch {
            Output.write("stargate-bench serve: \(error)\n", to: STDERR_FILENO)
            throw ExitCode(ExitStatus.errors.rawValue)
        }
        if report.cutCount > 0 { throw ExitCode(ExitStatus.errors.rawValue) }
    }

    /// Serves with several processes, of which this is none.
    private func serveInGroup() throws {
        var interruption = Interruption()
        let group: ServerGroup
        do {
            group = try ServerGroup(
                count: procs,
                arguments: CommandLine.arguments.dropFirst() + ["--shares-port"],
                port: port
            )
        } catch {
            Output.write("stargate-bench serve: \(error)\n", to: STDERR_FILENO)
            throw ExitCode(ExitStatus.errors.rawValue)
        }
        Output.write("\(Self.readyPrefix)\(group.url)\n", to: STDOUT_FILENO)
        if stopAtEndOfInput { Lifeline.watch() }
        let status = group.serve { interruption.takeSignal() }
        if status != 0 { throw ExitCode(status) }
    }

    private func addRoutes(to server: Server) {
        server.webSocket("/broadcast", origin: .any) { _ in .accept { TopicHandler("broadcast") } }
        server.webSocket("/topic/:name", origin: .any) { request in
            guard let topic = try? Topic(request.parameters["name"] ?? "") else {
                return .reject(.badRequest)
            }
            return .accept { TopicHandler(topic) }
        }
        server.webSocket("/fragments", origin: .any) { request in
            let size = request.query["size"].flatMap { Int($0) } ?? 1024
            guard (1...(64 << 20)).contains(size) else { return .reject(.badRequest) }
            return .accept { FragmentHandler(size: size) }
        }
        server.webSocket("/push", origin: .any) { request in
            let size = request.query["size"].flatMap { Int($0) } ?? 64
            let rate = request.query["rate"].flatMap { Double($0) }
            guard (1...(64 << 20)).contains(size), rate.map({ $0 > 0 && $0 <= 1e6 }) ?? true else {
                return .reject(.badRequest)
            }
            return .accept { PushHandler(size: size, rate: rate) }
        }
        switch tier {
        case .callback: server.webSocket("/*", origin: .any) { _ in .accept { EchoHandler() } }
        case .structured:
            server.webSocket("/*", origin: .any) { socket in
                for try await message in socket.messages { try await socket.send(message) }
            }
        }
    }
}

extension Server.Configuration {
    /// Takes messages up to a size of the user's choice, and what goes with that.
    fileprivate mutating func setMaxMessageSize(_ size: Int) {
        maxMessageSize = size
        // A test of fragmentation may cut a message of megabytes into pieces of 64 bytes.
        maxFragmentCount = max(maxFragmentCount, size / 64)
        // The largest message must fit into the queue as its echo, behind what waits there.
        outputHardLimit = max(outputHardLimit, size * 2)
    }
}
