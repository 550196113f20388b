internal import Glibc

/// The two descriptors of a pipe, which child processes do not inherit.
struct PipeEnds: Sendable {
    let reading: Int32
    let writing: Int32

    /// Nil when the process is out of descriptors.
    init?(isBlocking: Bool = true) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            if !isBlocking { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }
        reading = ends[0]
        writing = ends[1]
    }
}
