import Glibc

@testable import StargateBenchKit

/// A server written in Python, in a process of its own.
final class Peer {
    let url: String
    let process: ChildProcess

    private static let folder =
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

    private var target: TargetPlan {
        TargetPlan(
            url: url,
            timeout: schedule.timeout,
            messageSize: size,
            pipeline: pipeline
        )
    }

    func echo() throws -> RunReport {
        var count: UInt64?
        if case .count(let number) = schedule.length { count = number }
        let plan = EchoPlan(
            target: target,
            deck: PayloadDeck(kind: payload, messageSize: size, inFlight: pipeline, seed: 1),
            depth: pipeline,
            timeout: schedule.timeout.nanoseconds,
            connectRate: 0,
            connectionCount: connections,
            messageCount: count
        )
        return try run(.echo) { EchoWorker(plan: plan, share: $0) }
    }

    func handshake() throws -> RunReport {
        var count: UInt64?
        if case .count(let number) = schedule.length { count = number }
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
        let settings = RunSettings(
            mode: mode,
            url: url,
            serverProcesses: processes,
            connections: connections,
            pipeline: pipeline,
            payload: payload,
            messageSize: size,
            threads: threads,
            schedule: schedule
        )
        return RunReport(settings: settings, outcome: run.conduct())
    }
}

extension [ErrorReport] {
    /// How many of that kind there were.
    func count(of kind: ErrorKind) -> UInt64 {
        filter { $0.kind == kind.rawValue }.reduce(0) { $0 + $1.count }
    }
}
