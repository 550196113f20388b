import Glibc

@testable import StargateBenchKit

/// A server written in Python, in a process of its own.
final class Peer {
    let url: String
    let process: ChildProcess

    static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast().joined(separator: "/") + "/Peers"

    init(_ script: String, _ arguments: String...) throws {
        let program =
            if script.hasSuffix(".cjs") {
                "node"
            } else if script.hasSuffix(".go") {
                try Self.built(script)
            } else {
                "python3"
            }
        process = try ChildProcess(
            path: program,
            arguments: (script.hasSuffix(".go") ? [] : ["\(Self.folder)/\(script)"]) + arguments
        )
        guard let port = process.readLine(timeout: TimeSpan(seconds: 20)) else {
            throw ChildProcess.Failure(description: "\(script) did not start")
        }
        url = "ws://127.0.0.1:\(port)/"
    }

    /// Whether Python can import the package.
    static func hasModule(_ name: String) -> Bool {
        guard
            let python = try? ChildProcess(
                path: "python3",
                arguments: ["-c", "import \(name); print('yes')"]
            )
        else { return false }
        return python.readLine(timeout: TimeSpan(seconds: 20)) == "yes"
    }

    /// Whether Node finds the package `ws`, as Debian installs it.
    static var hasNodeWS: Bool {
        says("yes", "node", ["-e", "require('/usr/share/nodejs/ws'); console.log('yes')"])
    }

    /// Whether there are Go and the sources of gorilla/websocket, as Debian installs them.
    static var hasGorilla: Bool {
        access("/usr/share/gocode/src/github.com/gorilla/websocket", R_OK) == 0
            && says("yes", "sh", ["-c", "go version >/dev/null && echo yes"])
    }

    static var hasOpenSSL: Bool {
        says("yes", "sh", ["-c", "openssl version >/dev/null && echo yes"])
    }

    /// A certificate for this machine and its key, in one file; the caller removes it.
    static func makeCertificate() throws -> String {
        let path = "/tmp/stargate-bench-test-\(getpid()).pem"
        let made = says(
            "yes",
            "sh",
            [
                "-c",
                """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                -subj /CN=localhost -keyout \(path) -out \(path).c 2>/dev/null && \
                cat \(path).c >>\(path) && rm \(path).c && echo yes
                """,
            ]
        )
        guard made else { throw ChildProcess.Failure(description: "no certificate was made") }
        return path
    }

    private static func says(_ answer: String, _ path: String, _ arguments: [String]) -> Bool {
        guard let process = try? ChildProcess(path: path, arguments: arguments) else {
            return false
        }
        return process.readLine(timeout: TimeSpan(seconds: 20)) == answer
    }

    /// Builds a server in Go, once.
    private static func built(_ script: String) throws -> String {
        let program = "\(package)/.build/\(script.dropLast(3))"
        let build = try ChildProcess(
            path: "sh",
            arguments: [
                "-c",
                """
                GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS= GOCACHE='\(package)/.build/go-cache' \
                go build -o '\(program)' '\(folder)/\(script)' && echo built
                """,
            ]
        )
        guard build.readLine(timeout: TimeSpan(seconds: 200)) == "built" else {
            throw ChildProcess.Failure(description: "\(script) could not be built")
        }
        return program
    }

    private static let package =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/")

    /// The program that the package builds beside these tests.
    static var bench: String { "\(package)/.build/debug/stargate-bench" }
}

/// A run as the command line would make it, without its output.
struct TestRun {
    var url: String
    var connections = 2
    var pipeline = 4
    var size = 20
    var payload = PayloadKind.binary
    var threads = 1
    var schedule = RunSchedule(length: .count(100), timeout: TimeSpan(seconds: 2))
    var processes: [Int32] = []
    var rate: Double?
    /// With a rate: how many may be under way on a connection.
    var depthLimit: Int?
    var check = CheckMode.full
    /// Whether reads are compared with the expected frames first.
    var usesFrames = true
    var seed: UInt64 = 1

    private var target: TargetPlan {
        TargetPlan(
            url: url,
            timeout: schedule.timeout,
            messageSize: size,
            pipeline: pipeline
        )
    }

    private var count: UInt64? {
        if case .count(let number) = schedule.length { number } else { nil }
    }

    func echo() throws -> RunReport {
        let depth = depthLimit ?? (rate == nil ? pipeline : 65_536)
        let deck = PayloadDeck(kind: payload, messageSize: size, inFlight: pipeline, seed: seed)
        let plan = EchoPlan(
            target: target,
            deck: deck,
            depth: depth,
            timeout: schedule.timeout.nanoseconds,
            connectRate: 0,
            connectionCount: connections,
            messageCount: count,
            rate: rate,
            check: check,
            frames: usesFrames ? FrameDeck(deck, masks: .random) : nil
        )
        return try run(.echo) { EchoWorker(plan: plan, share: $0) }
    }

    func handshake() throws -> RunReport {
        let plan = HandshakePlan(
            target: target,
            timeout: schedule.timeout.nanoseconds,
            laneCount: connections,
            cycleCount: count
        )
        return try run(.handshake) { HandshakeWorker(plan: plan, share: $0) }
    }

    func idle() throws -> RunReport {
        let plan = IdlePlan(
            target: target,
            timeout: schedule.timeout.nanoseconds,
            connectRate: 0
        )
        return try run(.idle) { IdleWorker(plan: plan, share: $0) }
    }

    /// A broadcast or, without somebody who publishes, a push.
    func stream(_ mode: BenchMode, publishing: StreamPlan.Publishing? = nil) throws -> RunReport {
        let plan = StreamPlan(
            target: target,
            messageSize: size,
            timeout: schedule.timeout.nanoseconds,
            connectRate: 0,
            connectionCount: connections,
            messageCount: count,
            publishing: publishing
        )
        return try run(mode) { StreamWorker(plan: plan, share: $0) }
    }

    private func run<Worker: LoadWorker>(
        _ mode: BenchMode,
        _ makeWorker: (Range<Int>) -> Worker
    ) throws -> RunReport {
        let shares = Share.split(connections, over: threads)
        let fleet = try Fleet(loopCount: threads) { makeWorker(shares[$0]) }
        var run = LoadRun(
            fleet: fleet,
            schedule: schedule,
            serverProcesses: processes,
            progress: Progress(unit: "msg", isTerminal: false, isQuiet: true, style: .plain),
            connectionCount: connections,
            interruption: Interruption()
        )
        var report = RunReport()
        report.mode = mode
        report.target.url = url
        report.settings.connections = connections
        report.settings.threads = threads
        report.settings.rate = rate
        report.settings.sizes = [SizeShare(bytes: size, weight: 1)]
        report.settings.payload = payload.rawValue
        report.settings.describe(schedule)
        report.take(run.conduct())
        return report
    }
}

extension [ErrorReport] {
    /// How many of that kind there were.
    func count(of kind: ErrorKind) -> UInt64 {
        filter { $0.kind == kind.rawValue }.reduce(0) { $0 + $1.count }
    }
}
