// Instructions for each message, as Benchmarks/instructions.sh counts them: the second measure of a
// comparison, which nothing else on the machine disturbs.

/// A table in a file of tab-separated values: workloads below each other, servers side by side.
struct InstructionTable: Equatable, Sendable {
    let head: [String]
    let rows: [[String]]

    static let explanation =
        "By callgrind: the same load at two lengths, subtracted, for each message or handshake. "
        + "What the kernel does is not in these figures, and it is most of an unpipelined echo."

    /// Nil when there is no table in the text: a line of names, then a line for each workload.
    init?(tabSeparated text: String) {
        let lines = text.split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard let head = lines.first, head.count > 1, lines.count > 1,
            lines.allSatisfy({ $0.count == head.count })
        else { return nil }
        self.head = head
        rows = Array(lines.dropFirst())
    }

    func markdown() -> [String] {
        ["| " + head.joined(separator: " | ") + " |"]
            + ["| --- |" + String(repeating: " ---: |", count: head.count - 1)]
            + rows.map { "| " + $0.joined(separator: " | ") + " |" }
    }
}
