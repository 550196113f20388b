// What a run cost: processor time, switches, system calls, memory, bytes on the wire.

/// What the server's processes used, per operation and altogether.
struct ServerCost: Sendable, Equatable, JSONRecord {
    var cpuNanoseconds: UInt64 = 0
    /// Per message or handshake; nil when there was none.
    var cpuPerOperation: Double?
    /// The share in user mode; nil when there were too few ticks to tell.
    var userShare: Double?
    /// CPU time per time: 1 is one core.
    var cores = 0.0
    var busiestThreadShare = 0.0
    var busiestThreadWaiting = 0.0
    var sleepsPerOperation: Double?
    var preemptionsPerOperation: Double?
    var systemCallsPerOperation: Double?
    /// Why the system calls are not known.
    var systemCallsMissing: String?
    var processCount = 0

    static var fields: [JSONField<ServerCost>] {
        [
            JSONField("cpu_ns", \.cpuNanoseconds, "CPU time in the window."),
            JSONField("cpu_ns_per_operation", \.cpuPerOperation, "The same per operation."),
            JSONField("user_share", \.userShare, "Its share in user mode."),
            JSONField("cores", \.cores, "CPU time per time."),
            JSONField("busiest_thread_share", \.busiestThreadShare, "Of its busiest thread."),
            JSONField("busiest_thread_waiting", \.busiestThreadWaiting, "Waiting for a core."),
            JSONField("sleeps_per_operation", \.sleepsPerOperation, "Voluntary switches."),
            JSONField("preemptions_per_operation", \.preemptionsPerOperation, "Other switches."),
            JSONField("system_calls_per_operation", \.systemCallsPerOperation, "By perf."),
            JSONField("system_calls_missing", \.systemCallsMissing, "Why they are not known."),
            JSONField("process_count", \.processCount, "Processes added up."),
        ]
    }
}

/// What the client used.
struct ClientCost: Sendable, Equatable, JSONRecord {
    var cpuNanoseconds: UInt64 = 0
    var cpuPerOperation: Double?
    /// By thread: the share of the window in which it ran.
    var busyShares: [Double] = []
    var waitingShare = 0.0

    static var fields: [JSONField<ClientCost>] {
        [
            JSONField("cpu_ns", \.cpuNanoseconds, "CPU time in the window, all processes."),
            JSONField("cpu_ns_per_operation", \.cpuPerOperation, "The same per operation."),
            JSONField("busy_shares", \.busyShares, "The share in which each thread ran."),
            JSONField("waiting_share", \.waitingShare, "The largest share without a core."),
        ]
    }
}

/// The memory of the server before and after the connections were opened.
struct MemoryCost: Sendable, Equatable, JSONRecord {
    var residentBefore: UInt64 = 0
    var residentAfter: UInt64 = 0
    var proportionalBefore: UInt64 = 0
    var proportionalAfter: UInt64 = 0
    /// The kernel's slabs and socket buffers on the whole machine.
    var kernelBefore: UInt64?
    var kernelAfter: UInt64?
    var connections = 0

    var residentPerConnection: Double? { each(residentBefore, residentAfter) }
    var proportionalPerConnection: Double? { each(proportionalBefore, proportionalAfter) }
    /// Both ends of a connection, where the client runs on the server's machine.
    var kernelPerConnection: Double? {
        guard let kernelBefore, let kernelAfter else { return nil }
        return each(kernelBefore, kernelAfter)
    }

    private func each(_ before: UInt64, _ after: UInt64) -> Double? {
        connections == 0 ? nil : (Double(after) - Double(before)) / Double(connections)
    }

    static var fields: [JSONField<MemoryCost>] {
        [
            JSONField("rss_before_bytes", \.residentBefore, "Resident, before."),
            JSONField("rss_after_bytes", \.residentAfter, "Resident, with all open."),
            JSONField("pss_before_bytes", \.proportionalBefore, "Shared pages by share, before."),
            JSONField("pss_after_bytes", \.proportionalAfter, "The same with all open."),
            JSONField("kernel_before_bytes", \.kernelBefore, "Slabs of the machine, before."),
            JSONField("kernel_after_bytes", \.kernelAfter, "The same with all open."),
            JSONField("connections", \.connections, "What to divide by."),
        ]
    }
}

/// Bytes on the wire in the window.
struct WireReport: Sendable, Equatable, JSONRecord {
    var sentBytes: UInt64 = 0
    var receivedBytes: UInt64 = 0
    var sentPayload: UInt64 = 0
    var receivedPayload: UInt64 = 0

    /// What stood on the wire for each byte of payload; nil when there was none.
    var sentRatio: Double? { Self.ratio(sentBytes, sentPayload) }
    var receivedRatio: Double? { Self.ratio(receivedBytes, receivedPayload) }

    private static func ratio(_ wire: UInt64, _ payload: UInt64) -> Double? {
        payload == 0 ? nil : Double(wire) / Double(payload)
    }

    static var fields: [JSONField<WireReport>] {
        [
            JSONField("sent_bytes", \.sentBytes, "Frames sent, with their headers."),
            JSONField("received_bytes", \.receivedBytes, "Frames received, with headers."),
            JSONField("sent_payload_bytes", \.sentPayload, "Payloads sent, uncompressed."),
            JSONField("received_payload_bytes", \.receivedPayload, "Payloads received."),
        ]
    }
}
