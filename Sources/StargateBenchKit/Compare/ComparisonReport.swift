// What a comparison found, as values: every form of the report is made from these.

/// What one workload found.
struct WorkloadResult: Sendable {
    let workload: Workload
    /// Why a server has no figure here; nil for those who have.
    var absences: [String?]
    /// The measurements of each server.
    private(set) var runs: [[ClientRun]]
    /// The ratios to the base, one for each pair.
    private(set) var ratios: [[Double]]

    init(workload: Workload, absences: [String?]) {
        self.workload = workload
        self.absences = absences
        runs = absences.map { _ in [] }
        ratios = absences.map { _ in [] }
    }

    /// Adds a round: the figures of servers that were measured next to each other.
    mutating func add(_ round: [Int: ClientRun], base: Int) {
        for (index, run) in round { runs[index].append(run) }
        guard let reference = round[base] else { return }
        for (index, run) in round { ratios[index].append(run.cost / reference.cost) }
    }

    /// The median cost of a server; nil if it was not measured.
    func cost(_ index: Int) -> Double? {
        guard absences[index] == nil, !runs[index].isEmpty else { return nil }
        return PairedRatio.median(runs[index].map(\.cost))
    }

    func ratio(_ index: Int) -> PairedRatio? {
        absences[index] == nil ? PairedRatio(ratios[index]) : nil
    }

    func rate(_ index: Int) -> Double { PairedRatio.median(runs[index].map(\.rate)) }
    func sleeps(_ index: Int) -> Double { PairedRatio.median(runs[index].map(\.sleeps)) }
    /// The median share in which the servers waited for a core.
    var waiting: Double { PairedRatio.median(runs.flatMap { $0.map(\.waiting) }) }
}

/// A finished comparison.
struct ComparisonReport: Sendable {
    static let schema = "stargate-compare/1"

    let plan: ComparisonPlan
    let machine = Machine()
    /// Why a server takes no part at all; nil for those who do.
    var absences: [String?]
    var results: [WorkloadResult] = []

    init(plan: ComparisonPlan) {
        self.plan = plan
        absences = plan.servers.map { _ in nil }
    }

    var base: ServerSpec { plan.servers[plan.base] }

    /// The servers in the order of a table: the base, then as they were given.
    var order: [Int] {
        [plan.base] + plan.servers.indices.filter { $0 != plan.base }
    }

    func verdict(_ index: Int, in result: WorkloadResult) -> String {
        if let reason = result.absences[index] { return reason }
        if index == plan.base { return "the base" }
        let noun = result.workload.measure == .memory ? "memory" : "CPU"
        return result.ratio(index)?.verdict.words(noun) ?? "not measured"
    }

    /// What to tell when other programs took the servers' core away; nil when they did not.
    private var disturbance: String? {
        let waiting = results.map(\.waiting).max() ?? 0
        guard waiting >= Bottleneck.shortageShare else { return nil }
        return "Take these figures with care: other programs wanted the server's core as well, and "
            + "in one workload it waited for it \(Figure.percent(waiting)) of the time."
    }

    /// How it was measured, for people who read the report elsewhere.
    var method: [String] { [disturbance].compactMap { $0 } + usualMethod }

    /// What so many pairs can tell.
    private var limits: String {
        let resolution = PairedRatio.resolution(pairs: plan.pairs)
        guard resolution.isFinite else { return "Fewer than 3 pairs tell no difference at all." }
        return "A difference below \(Figure.percent(resolution)) is not told with \(plan.pairs) "
            + "pairs, and none whose interval holds 1."
    }

    private var usualMethod: [String] {
        let cores =
            plan.cores.map {
                "The server ran on core \($0.server[0]), the client on "
                    + ($0.client.count == 1 ? "core " : "cores ")
                    + $0.client.map(String.init).joined(separator: ", ") + "."
            } ?? "Client and server shared their cores."
        return [
            "CPU time is that of the server's process, all its threads, by the kernel's clock of "
                + "that process, divided by the messages that came back while it was read. Every "
                + "echo was compared with what was sent, byte by byte.",
            "Each server was measured \(plan.pairs) times in each workload, "
                + "\(Figure.span(plan.slice.nanoseconds)) each time, next to a measurement of "
                + "\(base.name), in the order ABBA, and started anew every "
                + "\(ComparisonPlan.roundsPerStart) rounds. A figure is the median; a ratio is the "
                + "median of the ratios of neighbours, with a bootstrap interval of 95 %.",
            limits,
            cores,
        ]
    }
}

/// The machine, in words.
struct Machine: Equatable, Sendable {
    let processor: String
    let cores: Int
    let system: String
    let memory: UInt64

    init() {
        let table = ProcFile.text("/proc/cpuinfo") ?? ""
        let line = table.split(separator: "\n").first { $0.hasPrefix("model name") }
        processor =
            line?.split(separator: ":").last.map { String($0.drop { $0 == " " }) }
            ?? "unknown processor"
        cores = CoreSet.allowed().count
        let release = ProcFile.text("/proc/sys/kernel/osrelease") ?? "?\n"
        system = "Linux " + release.split(separator: "\n").joined()
        memory =
            (ProcFile.text("/proc/meminfo").flatMap {
                ProcFile.number(after: "MemTotal", in: $0)
            } ?? 0) * 1024
    }

    var description: String {
        "\(processor), \(Figure.counted(cores, "core")), \(Figure.bytes(Double(memory))), \(system)"
    }
}
