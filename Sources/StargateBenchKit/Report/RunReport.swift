// The report as values: what the terminal and the JSON file show, computed once.

/// Which mode of the bench made a report.
enum BenchMode: String, Sendable {
    case echo
    case handshake
    case idle

    /// What is counted, in one word for a line of figures.
    var unit: String {
        switch self {
        case .echo: "msg"
        case .handshake: "handshakes"
        case .idle: "connections"
        }
    }

    /// One of it, in words.
    var operation: String {
        switch self {
        case .echo: "message"
        case .handshake: "handshake"
        case .idle: "connection"
        }
    }
}

/// What a run was asked to do.
struct RunSettings: Sendable, Equatable {
    var mode: BenchMode
    var url: String
    /// The loops of the server that the bench started itself; nil for somebody else's.
    var ownServerLoops: Int?
    var serverProcesses: [Int32] = []
    var connections: Int
    var pipeline = 1
    var payload = PayloadKind.binary
    var messageSize = 0
    var threads: Int
    var schedule: RunSchedule
    var seed: UInt64 = 0
    var protocolName = "rfc6455"
    var deflate = "off"
}

/// What the server's process used, per operation and altogether.
struct ServerCost: Sendable, Equatable {
    let cpuNanoseconds: UInt64
    /// Per message or handshake; nil when there was none.
    let cpuPerOperation: Double?
    /// The share in user mode; nil when there were too few ticks to tell.
    let userShare: Double?
    /// CPU time per time: 1 is one core.
    let cores: Double
    let busiestThreadShare: Double
    let busiestThreadWaiting: Double
    let sleepsPerOperation: Double?

    init(_ usage: ProcessUsage, operations: UInt64, elapsed: UInt64) {
        cpuNanoseconds = usage.cpuNanoseconds
        let time = Double(max(1, elapsed))
        cores = Double(usage.cpuNanoseconds) / time
        let ticks = usage.userTicks + usage.systemTicks
        userShare = ticks >= 10 ? Double(usage.userTicks) / Double(ticks) : nil
        busiestThreadShare = Double(usage.busiestThread?.runningNanoseconds ?? 0) / time
        busiestThreadWaiting = Double(usage.busiestThread?.waitingNanoseconds ?? 0) / time
        if operations > 0 {
            cpuPerOperation = Double(usage.cpuNanoseconds) / Double(operations)
            sleepsPerOperation = Double(usage.voluntarySwitches) / Double(operations)
        } else {
            (cpuPerOperation, sleepsPerOperation) = (nil, nil)
        }
    }
}

/// The memory of the server before and after the connections were opened.
struct MemoryCost: Sendable, Equatable {
    let before: ProcessMemory
    let after: ProcessMemory
    let connections: Int

    var residentPerConnection: Double { perConnection(before.resident, after.resident) }
    var proportionalPerConnection: Double { perConnection(before.proportional, after.proportional) }

    private func perConnection(_ before: UInt64, _ after: UInt64) -> Double {
        connections == 0 ? 0 : (Double(after) - Double(before)) / Double(connections)
    }
}

/// A finished run.
struct RunReport: Sendable {
    let settings: RunSettings
    let outcome: RunOutcome
    let latency: LatencySummary?
    /// The parts of a cycle of handshakes, by `CyclePart`; empty in other modes.
    let parts: [LatencySummary?]
    let server: ServerCost?
    let memory: MemoryCost?
    let bottleneck: Bottleneck

    init(settings: RunSettings, outcome: RunOutcome) {
        self.settings = settings
        self.outcome = outcome
        let fleet = outcome.report
        latency = LatencySummary(fleet.latency)
        parts = fleet.parts.map { LatencySummary($0) }
        server = outcome.serverUsage.map {
            ServerCost($0, operations: fleet.measured, elapsed: outcome.windowLength)
        }
        if settings.mode == .idle, let before = outcome.memoryBefore,
            let after = outcome.memoryAfter
        {
            memory = MemoryCost(before: before, after: after, connections: outcome.heldCount)
        } else {
            memory = nil
        }
        bottleneck = Bottleneck(
            client: fleet.busyShares,
            clientWaiting: fleet.waitingShare,
            server: server?.busiestThreadShare,
            serverWaiting: server?.busiestThreadWaiting ?? 0
        )
    }

    /// The figures of one part of a cycle.
    func part(_ part: CyclePart) -> LatencySummary? {
        parts.indices.contains(part.rawValue) ? parts[part.rawValue] : nil
    }

    var errors: ErrorTally { outcome.report.errors }

    /// The rate of completions inside the window.
    var rate: Double { outcome.report.rate }

    /// Payload bytes per second, in one direction.
    var bytesPerSecond: Double { rate * Double(settings.messageSize) }

    /// Whether nobody could be reached at all.
    var couldNotConnect: Bool {
        outcome.report.opened == 0 && !errors.isEmpty && !outcome.wasInterrupted
    }

    /// Whether the run shows anything at all: no error, and something done.
    var isGood: Bool {
        let done = settings.mode == .idle ? outcome.heldCount > 0 : outcome.report.measured > 0
        return errors.isEmpty && !outcome.isStuck && !outcome.childEndedBadly && done
    }

    /// The exit status of the process.
    var exitStatus: ExitStatus {
        if outcome.wasInterrupted { return .interrupted }
        if couldNotConnect { return .couldNotConnect }
        return isGood ? .good : .errors
    }
}

/// How the process ends; part of the command line's contract.
enum ExitStatus: Int32, Sendable {
    case good = 0
    /// Something went wrong: a wrong echo, a lost connection, nothing measured.
    case errors = 1
    case usage = 2
    case couldNotConnect = 3
    /// A server that stopped had to cut connections.
    case cut = 4
    /// Ctrl-C: 128 + SIGINT, as shells have it. The report was printed.
    case interrupted = 130
}
