// Load from several processes: each is this program again with the same arguments, makes its share of
// the connections, and is conducted over its standard input and output, a line an order.

/// Child processes as a fleet.
final class ProcessFleet: FleetControl {
    private let children: [ChildProcess]
    private static let patience = TimeSpan(seconds: 30)

    /// Starts them.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - url: the server's.
    /// - Throws: ``ChildProcess/Failure`` if one does not start.
    init(count: Int, url: String) throws(ChildProcess.Failure) {
        var children: [ChildProcess] = []
        for index in 0..<count {
            children.append(
                try ChildProcess(
                    path: ChildServer.ownExecutable,
                    arguments: CommandLine.arguments.dropFirst()
                        + ["--lane", "\(index)/\(count)", "--lane-url", url]
                )
            )
        }
        self.children = children
    }

    var processes: [Int32] { children.map(\.processID) }

    func order(_ order: FleetOrder) {
        for child in children { child.writeLine(order.rawValue) }
    }

    func snapshot() -> WorkerSnapshot? {
        ask(FleetPuppet.snapshotWord, for: WorkerSnapshot.self)
            .flatMap(WorkerSnapshot.init(merging:))
    }

    func reports() -> [LoopReport]? {
        ask(FleetPuppet.reportsWord, for: [LoopReport].self).map { $0.flatMap { $0 } }
    }

    func stop() {
        // They hold SIGTERM back as we do, and would only be killed in the end.
        for child in children { child.writeLine(FleetPuppet.stopWord) }
        for child in children { child.stop() }
    }

    /// Asks all of them before waiting for the first.
    private func ask<Answer: JSONCodable>(_ word: String, for: Answer.Type) -> [Answer]? {
        for child in children { child.writeLine(word) }
        var answers: [Answer] = []
        for child in children {
            guard let line = child.readLine(timeout: Self.patience),
                let answer = try? Answer(json: JSONValue(parsing: line))
            else { return nil }
            answers.append(answer)
        }
        return answers
    }
}

/// The other end: a process that makes its share of the load and does as it is told.
struct FleetPuppet {
    static let snapshotWord = "snapshot"
    static let reportsWord = "reports"
    static let stopWord = "stop"

    let fleet: any FleetControl

    /// Obeys until the input ends, which it does with the process that conducts at the latest.
    func obey() {
        while let line = readLine() {
            switch line {
            case Self.snapshotWord: answer(fleet.snapshot())
            case Self.stopWord: return
            case Self.reportsWord: answer(fleet.reports())
            default:
                if let order = FleetOrder(rawValue: line) { fleet.order(order) }
            }
        }
    }

    private func answer(_ value: (some JSONCodable)?) {
        Output.write((value?.json ?? .null).line() + "\n", to: 1)
    }
}

/// Which share of a run a process makes: `2/4` is the third of four.
struct Lane: Sendable, Equatable {
    var index = 0
    var count = 1

    init() {}

    init?(_ text: String) {
        let parts = text.split(separator: "/").compactMap { Int($0) }
        guard parts.count == 2, parts[1] > 0, (0..<parts[1]).contains(parts[0]) else { return nil }
        (index, count) = (parts[0], parts[1])
    }
}
