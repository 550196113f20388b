// What a process on this machine has used up to now. Two of these, before and after, give the cost
// of what happened between them.

internal import Glibc

/// The accounts of one or several processes at a moment.
struct ProcessUsage: Sendable, Equatable {
    /// CPU time of all threads, from the process's own clock: exact to the nanosecond.
    var cpuNanoseconds: UInt64 = 0
    /// The shares of it in user and in kernel mode, in ticks of 10 ms: only their ratio is used.
    var userTicks: UInt64 = 0
    var systemTicks: UInt64 = 0
    /// How often a thread went to sleep of its own accord.
    var voluntarySwitches: UInt64 = 0
    /// How often one had to leave its core to another.
    var involuntarySwitches: UInt64 = 0
    var processCount = 0
    /// CPU time by thread.
    var threads: [Int: ThreadUsage] = [:]

    struct ThreadUsage: Sendable, Equatable {
        var runningNanoseconds: UInt64
        /// The time in which it could have run but had no core.
        var waitingNanoseconds: UInt64
    }

    /// The accounts of the processes together; nil if none of them can be read.
    static func read(_ processes: [Int32]) -> ProcessUsage? {
        var sum = ProcessUsage()
        var found = false
        for process in processes {
            var clock = clockid_t()
            // The clock of a process that does not exist can be somebody else's: its file in
            // /proc is the proof.
            guard clock_getcpuclockid(process, &clock) == 0, sum.addStat(of: process) else {
                continue
            }
            found = true
            sum.processCount += 1
            sum.cpuNanoseconds += MonotonicClock.read(clock)
            for name in ProcFile.names(in: "/proc/\(process)/task") {
                sum.addThread(name, of: process)
            }
        }
        return found ? sum : nil
    }

    /// What was used since an earlier reading.
    func since(_ earlier: ProcessUsage) -> ProcessUsage {
        var difference = ProcessUsage(
            cpuNanoseconds: cpuNanoseconds.minus(earlier.cpuNanoseconds),
            userTicks: userTicks.minus(earlier.userTicks),
            systemTicks: systemTicks.minus(earlier.systemTicks),
            voluntarySwitches: voluntarySwitches.minus(earlier.voluntarySwitches),
            involuntarySwitches: involuntarySwitches.minus(earlier.involuntarySwitches),
            processCount: processCount
        )
        for (thread, now) in threads {
            let before = earlier.threads[thread]
            difference.threads[thread] = ThreadUsage(
                runningNanoseconds: now.runningNanoseconds.minus(before?.runningNanoseconds ?? 0),
                waitingNanoseconds: now.waitingNanoseconds.minus(before?.waitingNanoseconds ?? 0)
            )
        }
        return difference
    }

    /// The thread that ran most.
    var busiestThread: ThreadUsage? {
        threads.values.max { $0.runningNanoseconds < $1.runningNanoseconds }
    }

    /// `/proc/PID/stat`: the fields behind the name, which stands in brackets and may hold spaces.
    /// Returns false if there is no such process.
    private mutating func addStat(of process: Int32) -> Bool {
        guard let text = ProcFile.text("/proc/\(process)/stat"),
            let bracket = text.lastIndex(of: ")")
        else { return false }
        // Field 3 of proc(5) is the first behind the bracket; utime is field 14, stime 15.
        let fields = text[bracket...].dropFirst().split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12])
        else { return false }
        userTicks += user
        systemTicks += system
        return true
    }

    private mutating func addThread(_ name: String, of process: Int32) {
        guard let thread = Int(name) else { return }
        let folder = "/proc/\(process)/task/\(name)"
        if let status = ProcFile.text("\(folder)/status") {
            voluntarySwitches += ProcFile.number(after: "voluntary_ctxt_switches", in: status) ?? 0
            involuntarySwitches +=
                ProcFile.number(after: "nonvoluntary_ctxt_switches", in: status) ?? 0
        }
        threads[thread] = Self.schedule("\(folder)/schedstat")
    }

    /// A `schedstat` file: time on a core, time waiting for one, number of turns.
    static func schedule(_ path: String) -> ThreadUsage? {
        guard let text = ProcFile.text(path) else { return nil }
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count >= 2, let running = UInt64(fields[0]), let waiting = UInt64(fields[1])
        else { return nil }
        return ThreadUsage(runningNanoseconds: running, waitingNanoseconds: waiting)
    }
}

extension UInt64 {
    /// The difference, or 0 where it would be negative: a thread that ended takes its account along.
    func minus(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
