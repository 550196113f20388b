// System calls of a process, by the kernel's tracepoint. It slows the process down by some six in a
// hundred, so it is only there for who asks.

internal import Glibc

/// Counts the system calls of some processes with `perf stat`.
final class SystemCallCount {
    /// What came of it.
    enum Outcome: Sendable, Equatable {
        case counted(UInt64)
        case missing(String)
    }

    private let perf: ChildProcess?

    init(of processes: [Int32]) {
        guard !processes.isEmpty else {
            perf = nil
            return
        }
        perf = try? ChildProcess(
            path: "perf",
            arguments: [
                "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-o", "/dev/stdout", "-p",
                processes.map(String.init).joined(separator: ","),
            ]
        )
    }

    /// Ends the counting.
    func finish() -> Outcome {
        guard let perf else { return .missing("perf is not installed") }
        kill(perf.processID, SIGINT)
        while let line = perf.readLine(timeout: TimeSpan(seconds: 3)) {
            guard line.contains("raw_syscalls") else { continue }
            let number = line.split(separator: ",").first.flatMap { UInt64($0) }
            return number.map { .counted($0) } ?? .missing("perf may not count them here")
        }
        return .missing("perf may not count them here")
    }
}
