// Options that several modes have in common, named as wrk, oha and curl name them.

internal import ArgumentParser
internal import Glibc
internal import StargateCore

/// Whom to load, and how to introduce oneself.
struct TargetOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The server to measure.",
            discussion: "Without it, a server of our own is started in another process.",
            valueName: "ws://host:port/path"
        )
    )
    var url: String?

    @Option(
        name: [.customShort("H"), .long],
        help: "Send a header with the handshake. Repeatable."
    )
    var header: [HeaderLine] = []

    @Option(help: "Offer a subprotocol. Repeatable, in order of preference.")
    var subprotocol: [String] = []

    @Option(help: "Send an Origin header, as browsers do.")
    var origin: String?

    @Option(
        name: .customLong("protocol"),
        help: "The protocol version to speak; the hixie drafts know text only."
    )
    var protocolName = ProtocolName(version: .rfc6455)

    @Option(help: "Offer permessage-deflate: off, shared (each message by itself), or dedicated.")
    var deflate = DeflateMode.off

    @Option(help: "Mask with random keys, or with zero, which flatters servers that look.")
    var mask = MaskChoice.random

    @OptionGroup var tls: ClientTLSOptions

    @Option(help: "The server's process, for its CPU time; found from the port if not given.")
    var pid: Int32?

    @Flag(help: "Count the server's system calls with perf, which slows it down a little.")
    var syscalls = false

    @Option(help: "Loops of the server that is started when no URL is given.")
    var serverLoops = 1

    func validate() throws {
        if let url {
            do {
                _ = try TargetAddress(url)
            } catch {
                throw ValidationError(error.description)
            }
            if pid.map({ kill($0, 0) != 0 && errno == ESRCH }) ?? false {
                throw ValidationError("--pid: there is no such process")
            }
        } else if pid != nil {
            throw ValidationError("--pid goes with a URL: our own server's process is known")
        }
        if protocolName.version.isHixie, deflate != .off {
            throw ValidationError("--deflate: the hixie drafts have no extensions")
        }
        guard (1...1024).contains(serverLoops) else {
            throw ValidationError("--server-loops is a number from 1 to 1024")
        }
    }
}

/// The size of the client.
struct ClientOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Client threads in each process.")
    var threads = 1

    @Option(help: "Client processes: each may open as many files as this shell allows.")
    var procs = 1

    @Option(help: "How long to wait for an answer: an echo, a handshake, the end.")
    var timeout = TimeSpan(seconds: 10)

    @Option(
        help: ArgumentHelp(
            "Connect from these addresses in turn: each has some 28,000 ports to one server.",
            valueName: "address/bits"
        )
    )
    var source: SourceRange?

    @Option(help: "Open so many connections a second; 0 for as fast as the server takes them.")
    var connectRate = 0.0

    @Option(help: .hidden)
    var lane: Lane?

    @Option(help: .hidden)
    var laneUrl: String?

    func validate() throws {
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads is a number from 1 to 256")
        }
        guard (1...256).contains(procs) else {
            throw ValidationError("--procs is a number from 1 to 256")
        }
        guard timeout > .zero else { throw ValidationError("--timeout is longer than nothing") }
        guard connectRate >= 0 else { throw ValidationError("--connect-rate is not negative") }
    }

    /// The threads of all processes, as many as there are connections for.
    func threadTotal(connections: Int) -> Int { min(threads * procs, connections) }
}

/// How long the run lasts.
struct LengthOptions: ParsableArguments {
    @Option(
        name: [.customShort("d"), .customShort("z"), .long],
        help: "How long to measure: 10s, 500ms, 1.5m. (default: 10s)"
    )
    var duration: TimeSpan?

    @Option(
        name: [.customShort("n"), .customLong("count")],
        help: "Instead of a duration: how many messages or handshakes altogether."
    )
    var count: UInt64?

    @Option(help: "Load before the measurement begins; only with a duration. (default: 1s)")
    var warmup: TimeSpan?

    func validate() throws {
        if count != nil, duration != nil {
            throw ValidationError("--duration and --count exclude each other")
        }
        if count != nil, warmup != nil {
            throw ValidationError("--warmup needs a duration: with --count everything is measured")
        }
        if count == 0 { throw ValidationError("--count is at least 1") }
        if duration == .zero { throw ValidationError("--duration is longer than nothing") }
    }

    func schedule(timeout: TimeSpan) -> RunSchedule {
        if let count { return RunSchedule(length: .count(count), timeout: timeout) }
        return RunSchedule(
            length: .duration(duration ?? TimeSpan(seconds: 10)),
            warmup: warmup ?? TimeSpan(seconds: 1),
            timeout: timeout
        )
    }
}

extension MaskChoice: ExpressibleByArgument {}
