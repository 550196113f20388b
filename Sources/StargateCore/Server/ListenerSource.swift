/// Where a server's listening sockets come from.
public enum ListenerSource: Sendable {
    /// The server makes them, from ``Server/Configuration/host`` and
    /// ``Server/Configuration/port``, or from ``Server/Configuration/unixSocketPath``.
    case bound

    /// The service manager made them and started this process with them (`LISTEN_FDS`, see
    /// sd_listen_fds(3)). They outlive the process, so that no connection is refused while it
    /// restarts. A process that was not started so makes its own, as with ``bound``: the same
    /// program runs under systemd and by hand.
    ///
    /// - Parameter name: takes only the sockets with this `FileDescriptorName=`; nil takes all.
    case activated(name: String? = nil)

    /// Sockets that listen already; the server owns them from its start on.
    case descriptors([Int32])
}

/// The sockets that a service manager starts a process with.
enum SocketActivation {
    /// The first of them. sd_listen_fds(3).
    static let firstDescriptor: Int32 = 3
    private static let countMax: Int32 = 1024

    /// The descriptors that were meant for a process.
    ///
    /// - Parameters:
    ///   - name: only those with this name; nil for all.
    ///   - processID: this process's.
    ///   - variable: looks a variable of the environment up.
    /// - Returns: none when the process was not started with any.
    static func descriptors(
        named name: String?,
        processID: Int32,
        variable: (String) -> String?
    ) -> [Int32] {
        // A child inherits the environment, but not what it says.
        guard let owner = variable("LISTEN_PID").flatMap({ Int32($0) }), owner == processID,
            let count = variable("LISTEN_FDS").flatMap({ Int32($0) }),
            (1...countMax).contains(count)
        else { return [] }
        let names = variable("LISTEN_FDNAMES").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
        return (0..<count).compactMap { index in
            let descriptor = firstDescriptor + index
            guard let name else { return descriptor }
            guard let names, names.indices.contains(Int(index)) else { return nil }
            return names[Int(index)] == name ? descriptor : nil
        }
    }
}
