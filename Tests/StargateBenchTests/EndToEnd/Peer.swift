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
        process = try ChildProcess(
            path: "python3",
            arguments: ["\(Self.folder)/\(script)"] + arguments
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

    /// The program that the package builds beside these tests.
    static var bench: String {
        let package = #filePath.split(separator: "/", omittingEmptySubsequences: false)
            .dropLast(4).joined(separator: "/")
        return "\(package)/.build/debug/stargate-bench"
    }
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
    var check = CheckMode.full
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
        let depth = rate == nil ? pipeline : 65_536
        let plan = EchoPlan(
            target: target,
            deck: PayloadDeck(kind: payload, messageSize: size, inFlight: pipeline, seed: seed),
            depth: depth,
            timeout: schedule.timeout.nanoseconds,
            connectRate: 0,
            connectionCount: connections,
            messageCount: count,
            rate: rate,
            check: check
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
