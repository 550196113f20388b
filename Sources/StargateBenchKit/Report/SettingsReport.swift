// Where and how a run was made: what somebody needs to make it again.

/// The machine of the client.
struct MachineReport: Sendable, Equatable, JSONRecord {
    var system = ""
    var architecture = ""
    var processor = ""
    var cores = 0
    var memory: UInt64 = 0

    static var fields: [JSONField<MachineReport>] {
        [
            JSONField("system", \.system, "The kernel and its release."),
            JSONField("architecture", \.architecture, "As uname names it."),
            JSONField("processor", \.processor, "The model, as the kernel names it."),
            JSONField("cores", \.cores, "Logical processors that this process may use."),
            JSONField("memory_bytes", \.memory, "Main memory."),
        ]
    }
}

/// The server.
struct TargetReport: Sendable, Equatable, JSONRecord {
    var url = ""
    /// The loops of the server that the bench started itself; nil for somebody else's.
    var ownServerLoops: Int?
    /// How the server was started, where the bench did.
    var command: String?
    /// The processes of the server; empty when they are not on this machine or not visible.
    var processes: [Int] = []
    var processName: String?
    /// Why there are no figures of the server's cost.
    var blindness: String?

    static var fields: [JSONField<TargetReport>] {
        [
            JSONField("url", \.url, "Where the connections went."),
            JSONField("own_server_loops", \.ownServerLoops, "Loops of the server it started."),
            JSONField("command", \.command, "How the server was started, where the bench did."),
            JSONField("processes", \.processes, "The server's process ids, if they are seen."),
            JSONField("process_name", \.processName, "What the first of them runs."),
            JSONField("not_seen_because", \.blindness, "Why the server's cost is not known."),
        ]
    }
}

/// One size of message and how often it comes.
struct SizeShare: Sendable, Equatable, JSONRecord {
    var bytes = 0
    var weight = 1

    static var fields: [JSONField<SizeShare>] {
        [
            JSONField("bytes", \.bytes, "The length of the payload."),
            JSONField("weight", \.weight, "Its share of the messages, against the others'."),
        ]
    }
}

/// What a run was asked to do.
struct SettingsReport: Sendable, Equatable, JSONRecord {
    var connections = 0
    var threads = 1
    var processes = 1
    /// Messages in flight on each connection; nil with a rate, or where there are none.
    var pipeline: Int?
    /// Messages a second altogether; nil for a closed loop.
    var rate: Double?
    var sizes: [SizeShare] = []
    var payload: String?
    var protocolName = "rfc6455"
    var deflate = "off"
    var tls: String?
    var mask = "random"
    var check = "full"
    var duration: Double?
    var count: UInt64?
    var warmup = 0.0
    var ramp = 0.0
    var connectRate: Double?
    var timeout = 0.0
    var seed: UInt64 = 0
    var source: String?
    var subprotocols: [String] = []
    var origin: String?
    /// Names only: values may be secrets.
    var headerNames: [String] = []

    static var fields: [JSONField<SettingsReport>] {
        [
            JSONField("connections", \.connections, "Connections altogether."),
            JSONField("threads", \.threads, "Client threads altogether."),
            JSONField("processes", \.processes, "Client processes."),
            JSONField("pipeline", \.pipeline, "Messages in flight on each connection."),
            JSONField("rate_per_second", \.rate, "Messages a second asked for; null: as it goes."),
            JSONField("sizes", \.sizes, "Payload sizes and their weights."),
            JSONField("payload", \.payload, "binary, ascii, mixed, json, or a file."),
            JSONField("protocol", \.protocolName, "The version of the protocol."),
            JSONField("deflate", \.deflate, "off, shared or dedicated."),
            JSONField("tls", \.tls, "The version and cipher of TLS; null without it."),
            JSONField("mask", \.mask, "random, or zero if that was asked for."),
            JSONField("check", \.check, "How many echoes were compared: full, sample or off."),
            JSONField("duration_s", \.duration, "Seconds measured; null with a count."),
            JSONField("count", \.count, "Operations altogether; null with a duration."),
            JSONField("warmup_s", \.warmup, "Seconds of load before the measurement."),
            JSONField("ramp_s", \.ramp, "Seconds over which the load began."),
            JSONField("connect_rate", \.connectRate, "Connections a second; null: as it goes."),
            JSONField("timeout_s", \.timeout, "Seconds until an answer counts as missing."),
            JSONField("seed", \.seed, "What the payloads follow from."),
            JSONField("source", \.source, "The client's addresses, where one was not enough."),
            JSONField("subprotocols", \.subprotocols, "Subprotocols offered."),
            JSONField("origin", \.origin, "The Origin header sent."),
            JSONField("header_names", \.headerNames, "Names of the further headers sent."),
        ]
    }

    /// The mean length of a payload in bytes.
    var meanSize: Double {
        let weight = sizes.reduce(0) { $0 + $1.weight }
        guard weight > 0 else { return 0 }
        return sizes.reduce(0.0) { $0 + Double($1.bytes) * Double($1.weight) } / Double(weight)
    }
}
