// What servers are compared by: each workload is an invocation of another mode of the bench.

/// One line of the comparison.
struct Workload: Equatable, Sendable {
    /// What is compared.
    enum Measure: String, Equatable, Sendable {
        /// CPU time of the server in nanoseconds for a message, a delivery or a handshake.
        case cpuTime = "cpu_ns_per_operation"
        /// Its resident memory in bytes, a connection.
        case memory = "bytes_per_connection"
        /// CPU time of the server in nanoseconds a second, while nobody sends anything.
        case idleTime = "cpu_ns_per_second"
    }

    let name: String
    /// What happens, in words.
    let title: String
    /// The mode and its options, as the bench takes them.
    let arguments: [String]
    var measure = Measure.cpuTime
    var feature: ServerFeature?

    /// Whether what compression leaves is a part of the result.
    var isCompressed: Bool { feature == .deflate || feature == .dedicated }

    /// How long a measurement takes, as the mode's own options say it.
    func length(slice: TimeSpan) -> [String] {
        switch measure {
        case .cpuTime: ["-d", "\(slice.nanoseconds / 1000)us", "--warmup", "150ms"]
        case .memory: ["-d", "1s"]
        // Long enough for what a server does once in a while.
        case .idleTime: ["-d", "25s"]
        }
    }

    /// The unit of the figure, and the figure as people read it.
    func figure(_ value: Double) -> String {
        switch measure {
        case .cpuTime: Figure.time(value)
        case .memory: Figure.bytes(value)
        case .idleTime: Figure.time(value) + "/s"
        }
    }

    /// What a server uses more or less of than another.
    var noun: String { measure == .memory ? "memory" : "CPU" }

    /// What one figure stands for.
    var unit: String {
        switch measure {
        case .memory: "a connection"
        case .idleTime: "a second"
        case .cpuTime:
            switch arguments.first {
            case "handshake": "a handshake"
            case "broadcast": "a delivery"
            default: "a message"
            }
        }
    }
}
