/// A server of several processes is measured as one.
enum ProcessTree {
    /// The processes and all that descend from them, in order of their numbers.
    static func withDescendants(_ roots: [Int32]) -> [Int32] {
        var parents: [(child: Int32, parent: Int32)] = []
        for process in ProcFile.names(in: "/proc").compactMap({ Int32($0) }) {
            if let parent = parent(of: process) { parents.append((process, parent)) }
        }
        var found = Set(roots)
        var grew = true
        while grew {
            let children = parents.filter { found.contains($0.parent) }.map(\.child)
            let before = found.count
            found.formUnion(children)
            grew = found.count > before
        }
        return found.sorted()
    }

    /// The name of the program that a process runs.
    static func name(of process: Int32) -> String? {
        ProcFile.text("/proc/\(process)/comm").map { String($0.prefix { $0 != "\n" }) }
    }

    /// The fourth field of `/proc/PID/stat`; the second is a name in brackets.
    private static func parent(of process: Int32) -> Int32? {
        guard let text = ProcFile.text("/proc/\(process)/stat"),
            let bracket = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[bracket...].split(separator: " ")
        return fields.count > 2 ? Int32(fields[2]) : nil
    }
}
