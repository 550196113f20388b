// Client and server on cores of their own, where there are two: else each disturbs the other.

/// The cores on which the two sides run.
struct CoreSet: Equatable, Sendable {
    let server: [Int]
    let client: [Int]

    /// The first core that we may use for the server and the rest for the client; nil when there
    /// is only one.
    static func divided() -> CoreSet? {
        let cores = allowed()
        guard let first = cores.first, cores.count > 1 else { return nil }
        return CoreSet(server: [first], client: Array(cores.dropFirst()))
    }

    /// The cores that this process may run on.
    static func allowed() -> [Int] {
        let lines = (ProcFile.text("/proc/self/status") ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("Cpus_allowed_list:") } ?? ""
        return parse(line.drop { !$0.isNumber })
    }

    /// A list as the kernel writes it: `0-3,8`.
    static func parse(_ list: Substring) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap { Int($0) }
            guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
            return Array(first...last)
        }
    }

    /// The words that keep a program on these cores when they stand before it; util-linux has
    /// them on every Linux, and nothing is left of them but the program.
    static func prefix(_ cores: [Int]?) -> [String] {
        guard let cores, !cores.isEmpty else { return [] }
        return ["taskset", "--cpu-list", cores.map(String.init).joined(separator: ",")]
    }
}
