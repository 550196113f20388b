// How many connections a server holds, by the kernel's account: each is a socket of one of its
// processes whose own port is the server's. It asks nothing of the server, so it works with any.

/// The connections of a server on this machine.
enum ServedConnections {
    /// Counts them.
    ///
    /// - Parameters:
    ///   - port: where the server listens.
    ///   - processes: its processes.
    /// - Returns: how many each of the processes holds, in their order; nil when none can be seen.
    static func count(port: Int, processes: [Int32]) -> [Int]? {
        var inodes: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let text = ProcFile.text(table) else { continue }
            inodes.formUnion(establishedInodes(port: port, in: text))
        }
        var found = false
        let counts = processes.map { process in
            let folder = "/proc/\(process)/fd"
            let names = ProcFile.names(in: folder)
            if !names.isEmpty { found = true }
            return names.count { name in
                guard let link = ProcFile.link("\(folder)/\(name)"), link.hasPrefix("socket:[")
                else { return false }
                return inodes.contains(String(link.dropFirst(8).dropLast()))
            }
        }
        return found ? counts : nil
    }

    /// The inodes of sockets in state ESTABLISHED (01) with that local port, from the text of
    /// `/proc/net/tcp`.
    static func establishedInodes(port: Int, in table: String) -> Set<String> {
        ListeningProcess.inodes(state: "01", port: port, in: table)
    }
}
