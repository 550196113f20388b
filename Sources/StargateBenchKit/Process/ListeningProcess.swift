// Who listens on a port of this machine? The kernel lists listening sockets by inode, and under
// each process the inodes of its descriptors.

internal import Glibc

/// Finds processes by the port on which they listen.
enum ListeningProcess {
    /// The processes that hold a socket listening on the port; empty if there is none or it belongs
    /// to somebody whose descriptors we may not see.
    static func find(port: Int) -> [Int32] {
        var inodes: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let text = ProcFile.text(table) else { continue }
            inodes.formUnion(listeningInodes(port: port, in: text))
        }
        guard !inodes.isEmpty else { return [] }
        let links = Set(inodes.map { "socket:[\($0)]" })
        return ProcFile.names(in: "/proc").compactMap { Int32($0) }.sorted().filter { process in
            let folder = "/proc/\(process)/fd"
            return ProcFile.names(in: folder).contains { name in
                ProcFile.link("\(folder)/\(name)").map(links.contains) ?? false
            }
        }
    }

    /// The inodes of sockets in state LISTEN (0A) on the port, from the text of `/proc/net/tcp`.
    static func listeningInodes(port: Int, in table: String) -> Set<String> {
        inodes(state: "0A", port: port, in: table)
    }

    /// The inodes of sockets in a state, by its hexadecimal number, with that port of their own.
    static func inodes(state: String, port: Int, in table: String) -> Set<String> {
        var inodes: Set<String> = []
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == state,
                let portText = fields[1].split(separator: ":").last,
                Int(portText, radix: 16) == port
            else { continue }
            inodes.insert(String(fields[9]))
        }
        return inodes
    }
}
