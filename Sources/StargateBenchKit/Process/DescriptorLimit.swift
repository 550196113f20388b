// Every connection takes a file descriptor, on both sides.

internal import Glibc

/// The limit on open files of this process.
struct DescriptorLimit: Sendable, Equatable {
    let soft: UInt64
    let hard: UInt64

    /// Raises the soft limit to the hard one and returns what holds now.
    static func raise() -> DescriptorLimit {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DescriptorLimit(soft: 1024, hard: 1024)
        }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 {
                limit = raised
            }
        }
        return DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    }

    /// The descriptors that the client itself needs besides its connections.
    static let reserve = 64

    /// What to tell the user when so many connections do not fit; nil when they do.
    func problem(connections: Int) -> String? {
        let needed = UInt64(connections + Self.reserve)
        guard needed > soft else { return nil }
        return """
            \(connections) connections need \(needed) file descriptors, and this shell allows \
            \(soft). Raise the limit (ulimit -n \(needed), as root: ulimit -Hn \(needed) first) \
            or ask for at most \(soft > UInt64(Self.reserve) ? soft - UInt64(Self.reserve) : 0) \
            connections.
            """
    }
}
