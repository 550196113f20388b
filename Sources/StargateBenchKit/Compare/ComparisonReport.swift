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
    /// Bytes on the wire for each byte of payload; nil where nothing was to be compressed.
    func wire(_ index: Int) -> Double? {
        let ratios = runs[index].compactMap(\.wire)
        return ratios.isEmpty ? nil : PairedRatio.median(ratios)
    }

    func sleeps(_ index: Int) -> Double { PairedRatio.median(runs[index].map(\.sleeps)) }
    /// The median share in which the servers waited for a core.
    var waiting: Double { PairedRatio.median(runs.flatMap { $0.map(\.waiting) }) }
}

/// A finished comparison.
struct ComparisonReport: Sendable {
    static let schema = "stargate-compare/1"

    let plan: ComparisonPlan
    let machine = MachineReport.ofThisProcess
    /// Why a server takes no part at all; nil for those who do.
    var absences: [String?]
    var results: [WorkloadResult] = []
    /// The second measure, where it was taken.
    var instructions: InstructionTable?

    init(plan: ComparisonPlan) {
        self.plan = plan
        absences = plan.servers.map { _ in nil }
    }

    var base: ServerSpec { plan.servers[plan.base] }

    /// The servers in the order of a table: the base, then as they were given.
    var order: [Int] {
        [plan.base] + plan.servers.indices.filter { $0 != plan.base }
    }

    /// The server that the report is about: the first besides the base.
    var subject: Int? { plan.servers.indices.first { $0 != plan.base && absences[$0] == nil } }

    /// What a README has room for: some of the workloads, or the few there are.
    var headline: [WorkloadResult] {
        let named = results.filter { Workload.headline.contains($0.workload.name) }
        return named.isEmpty ? Array(results.prefix(Workload.headline.count)) : named
    }

    /// How the subject does, in a sentence; nil when it was not measured.
    var summary: String? {
        guard let subject else { return nil }
        let verdicts = results.compactMap { $0.ratio(subject)?.verdict }
        guard !verdicts.isEmpty else { return nil }
        var (less, more) = (0, 0)
        for verdict in verdicts {
            switch verdict {
            case .less: less += 1
            case .more: more += 1
            case .noDifference: break
            }
        }
        return "\(plan.servers[subject].name) costs less than \(base.name) in \(less) of "
            + "\(Figure.counted(verdicts.count, "workload")), more in \(more), and in "
            + "\(verdicts.count - less - more) no difference can be told."
    }

    func verdict(_ index: Int, in result: WorkloadResult) -> String {
        if let reason = result.absences[index] { return reason }
        if index == plan.base { return "the base" }
        let words = result.ratio(index)?.verdict.words(result.workload.noun) ?? "not measured"
        guard let wire = result.wire(index) else { return words }
        return words + ", \(Figure.fixed(wire, 2)) of the bytes"
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
                + "median of the ratios of neighbours, with a bootstrap interval of "
                + "\(PairedRatio.confidence) %.",
            limits,
            cores,
        ]
    }
}

extension MachineReport {
    /// In words.
    var description: String {
        "\(processor), \(Figure.counted(cores, "core")), \(Figure.bytes(Double(memory))), \(system)"
    }
}
