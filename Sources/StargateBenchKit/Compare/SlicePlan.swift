// In which order servers are measured. A machine is not the same from minute to minute, so a server
// is only compared with a measurement of the base that was taken close to its own.

/// The order of the measurements of one workload.
struct SlicePlan: Equatable, Sendable {
    /// Servers that are measured side by side: the base first, then a few others.
    struct Group: Equatable, Sendable {
        let servers: [Int]
        /// The servers in the order of each round.
        let rounds: [[Int]]
    }

    let groups: [Group]

    /// - Parameters:
    ///   - base: the server that the others are compared with.
    ///   - others: the other servers.
    ///   - pairs: how often each of them is measured.
    ///
    /// Rounds go forwards and backwards in turn, which is the order ABBA when there are two
    /// servers: whatever changes steadily meanwhile, it hits both alike.
    init(base: Int, others: [Int], pairs: Int) {
        let starts = others.isEmpty ? [0] : Array(stride(from: 0, to: others.count, by: Self.width))
        groups = starts.map { start in
            let servers = [base] + others[start..<min(others.count, start + Self.width)]
            let backwards = Array(servers.reversed())
            return Group(
                servers: servers,
                rounds: (0..<pairs).map { $0 % 2 == 0 ? servers : backwards }
            )
        }
    }

    /// How many others share a base: few, so that the base is never far.
    private static let width = 3
}
