// What of this machine would spoil a run.

internal import Glibc

/// Examines the machine for a run with so many connections.
struct Doctor {
    let connections: Int

    /// How much a finding matters.
    enum Grade: Sendable {
        case good
        /// It moves figures; a reader ought to know.
        case note
        /// The run will not work like this.
        case bad
    }

    /// One thing that was looked at.
    struct Finding: Sendable {
        let grade: Grade
        let what: String
        var remedy: String?
    }

    func examine() -> [Finding] {
        [
            descriptors, ports, backlog, cores, load, governor, loopback, memory, slack, timeWait,
            virtual, systemCalls,
        ].compactMap { $0 }
    }

    private var descriptors: Finding? {
        let limit = DescriptorLimit.raise()
        let what = "\(limit.hard) open files for a process, one for each connection on either side"
        guard limit.problem(connections: connections) != nil else {
            return Finding(grade: .good, what: what)
        }
        let fits = max(1, Int(clamping: limit.hard) - DescriptorLimit.reserve)
        let processes = (connections + fits - 1) / fits
        return Finding(
            grade: .bad,
            what: what,
            remedy: """
                --procs \(processes) makes the load in \(processes) processes; or, as root, \
                ulimit -Hn \(connections + DescriptorLimit.reserve) before starting both
                """
        )
    }

    private var ports: Finding? {
        guard let text = ProcFile.text("/proc/sys/net/ipv4/ip_local_port_range") else { return nil }
        let bounds = text.split { " \t\n".contains($0) }.compactMap { Int($0) }
        guard bounds.count == 2 else { return nil }
        let count = bounds[1] - bounds[0] + 1
        let what = "\(Figure.grouped(UInt64(max(0, count)))) ports to one server from one address"
        guard count < connections else { return Finding(grade: .good, what: what) }
        return Finding(
            grade: .bad,
            what: what,
            remedy: """
                --source 127.0.0.0/8 connects from several addresses; or \
                sysctl -w net.ipv4.ip_local_port_range="1024 65535"
                """
        )
    }

    private var backlog: Finding? {
        guard let limit = number("/proc/sys/net/core/somaxconn") else { return nil }
        let what = "\(limit) connections may wait to be accepted (somaxconn)"
        guard limit < 1024 else { return Finding(grade: .good, what: what) }
        return Finding(
            grade: .note,
            what: what,
            remedy: "sysctl -w net.core.somaxconn=4096; then the server has to ask for as many"
        )
    }

    private var cores: Finding? {
        let count = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let what = Figure.counted(count, "core")
        guard count < 4 else { return Finding(grade: .good, what: what) }
        return Finding(
            grade: .note,
            what: what,
            remedy: """
                client and server share them: trust CPU time per message and ratios, not rates; \
                pin them apart with taskset
                """
        )
    }

    private var load: Finding? {
        guard let text = ProcFile.text("/proc/loadavg"),
            let first = text.split(separator: " ").first, let load = Double(first)
        else { return nil }
        let what = "a load of \(first) in the last minute"
        guard load > 0.5 else { return Finding(grade: .good, what: what) }
        return Finding(grade: .note, what: what, remedy: "something else runs: wait, or end it")
    }

    private var governor: Finding? {
        let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        guard let text = ProcFile.text(path)?.filter({ $0 != "\n" }) else {
            return Finding(grade: .good, what: "the frequency of the cores is not ours to govern")
        }
        guard text != "performance" else {
            return Finding(grade: .good, what: "the cores run at full frequency")
        }
        return Finding(
            grade: .note,
            what: "the frequency of the cores follows the load (\(text))",
            remedy: "cpupower frequency-set -g performance"
        )
    }

    private var loopback: Finding? {
        number("/sys/class/net/lo/mtu").map {
            Finding(
                grade: .good,
                what: "packets of \($0) bytes on loopback; a real network has 1500 and costs more"
            )
        }
    }

    private var memory: Finding? {
        guard let text = ProcFile.text("/proc/meminfo"),
            let available = ProcFile.number(after: "MemAvailable", in: text)
        else { return nil }
        // Both ends of a loopback connection: some 4 kB of kernel each, and the processes' own.
        let needed = UInt64(connections) * 12
        let what = "\(Figure.bytes(Double(available) * 1024)) of memory available"
        guard needed > available else { return Finding(grade: .good, what: what) }
        return Finding(
            grade: .bad,
            what: what,
            remedy: "\(connections) connections need about \(Figure.bytes(Double(needed) * 1024))"
        )
    }

    private var slack: Finding? {
        number("/proc/self/timerslack_ns").map {
            let what = "sleeps may end \(Figure.time(Double($0))) late"
            return $0 <= 50_000
                ? Finding(grade: .good, what: what)
                : Finding(grade: .note, what: what, remedy: "latencies with -R carry that on top")
        }
    }

    private var timeWait: Finding? {
        guard let text = ProcFile.text("/proc/net/sockstat") else { return nil }
        let fields = text.split { " \n".contains($0) }
        guard let index = fields.firstIndex(of: "tw"), index + 1 < fields.count,
            let count = Int(fields[index + 1])
        else { return nil }
        let what = "\(Figure.grouped(UInt64(max(0, count)))) ports wait after a close (TIME_WAIT)"
        guard count > 10_000 else { return Finding(grade: .good, what: what) }
        return Finding(
            grade: .note,
            what: what,
            remedy: "handshake runs use up ports: wait a minute, or use --source"
        )
    }

    private var virtual: Finding? {
        guard let text = ProcFile.text("/proc/cpuinfo"),
            text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })?
                .contains(" hypervisor") ?? false
        else { return nil }
        return Finding(
            grade: .note,
            what: "a virtual machine: its neighbours move the figures",
            remedy: "compare side by side, in turns"
        )
    }

    private var systemCalls: Finding? {
        let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        let hasPerf = folders.contains { access("\($0)/perf", X_OK) == 0 }
        return hasPerf
            ? Finding(grade: .good, what: "perf is there: --syscalls can count system calls")
            : Finding(
                grade: .note,
                what: "perf is not installed, so --syscalls finds nothing",
                remedy: "apt-get install linux-perf"
            )
    }

    private func number(_ path: String) -> UInt64? {
        ProcFile.text(path).flatMap { UInt64($0.filter { $0.isNumber }) }
    }
}
