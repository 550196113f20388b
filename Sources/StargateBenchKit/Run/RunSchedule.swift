/// How long a run loads the server.
enum RunLength: Sendable, Equatable {
    case duration(TimeSpan)
    /// Until so many messages, or handshakes, are done.
    case count(UInt64)
}

/// The times of a run.
struct RunSchedule: Sendable, Equatable {
    var length: RunLength
    /// Load before the measurement begins. Only with a duration.
    var warmup = TimeSpan.zero
    /// How long to wait for an echo, an answer to a handshake, and for the rest at the end.
    var timeout = TimeSpan(seconds: 10)
    /// A pause between the last connection and the measurement, for memory to settle.
    var settling = TimeSpan.zero
}

/// What a run yields besides the workers' counts.
struct RunOutcome: Sendable {
    var report: FleetReport
    /// When the window began, in milliseconds since 1970.
    var startedAt: UInt64 = 0
    /// What the server used in the window; nil when it is not a process that we can see.
    var serverUsage: ProcessUsage?
    /// What this process used in it.
    var clientUsage: ProcessUsage?
    /// The length of the window as the conducting thread saw it, in nanoseconds.
    var windowLength: UInt64 = 0
    var memoryBefore: ProcessMemory?
    var memoryAfter: ProcessMemory?
    var kernelBefore: UInt64?
    var kernelAfter: UInt64?
    var systemCalls: SystemCallCount.Outcome?
    var timeline: TimelineReport?
    /// Connections still open at the end of the window.
    var heldCount = 0
    /// The same by the server's account, for each of its processes; nil where it cannot be seen.
    var servedCounts: [Int]?
    /// How long opening the connections took, in nanoseconds.
    var connectLength: UInt64 = 0
    var wasInterrupted = false
    /// The server that we had started did not end with status 0.
    var childEndedBadly = false
    /// A loop stopped answering: the figures are not to be trusted.
    var isStuck = false
}
