// The memory of a process on this machine.

internal import Glibc

/// Sizes in bytes from `/proc/PID/smaps_rollup`.
struct ProcessMemory: Sendable, Equatable {
    /// Resident set size: everything of the process that is in memory.
    var resident: UInt64 = 0
    /// Proportional set size: shared pages counted by the share of each user.
    var proportional: UInt64 = 0
    /// Pages that belong to no file: what the process itself has asked for. The rest is the program
    /// and its libraries, of which a share depends on what else runs on this machine.
    var anonymous: UInt64 = 0

    /// The memory of the processes together; nil if none of them can be read.
    static func read(_ processes: [Int32]) -> ProcessMemory? {
        var sum = ProcessMemory()
        var found = false
        for process in processes {
            guard let text = ProcFile.text("/proc/\(process)/smaps_rollup"),
                let resident = ProcFile.number(after: "Rss", in: text),
                let proportional = ProcFile.number(after: "Pss", in: text),
                let anonymous = ProcFile.number(after: "Anonymous", in: text)
            else { continue }
            found = true
            sum.resident += resident * 1024
            sum.proportional += proportional * 1024
            sum.anonymous += anonymous * 1024
        }
        return found ? sum : nil
    }
}

/// What the kernel itself holds: the slabs, in which sockets live, and the pages of TCP's buffers.
enum KernelMemory {
    /// Bytes on the whole machine; nil where the kernel does not say.
    static func read() -> UInt64? {
        guard let memory = ProcFile.text("/proc/meminfo"),
            let slab = ProcFile.number(after: "Slab", in: memory)
        else { return nil }
        let sockets = ProcFile.text("/proc/net/sockstat") ?? ""
        let line = sockets.split(separator: "\n").first { $0.hasPrefix("TCP:") }
        let pages = line?.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
        return slab * 1024 + pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
