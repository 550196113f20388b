// What servers are compared by: each workload is an invocation of another mode of the bench.

/// One line of the comparison.
struct Workload: Equatable, Sendable {
    /// What is compared.
    enum Measure: Equatable, Sendable {
        /// CPU time of the server in nanoseconds, a message or a handshake.
        case cpuTime
        /// Its resident memory in bytes, a connection.
        case memory
    }

    let name: String
    /// What happens, in words.
    let title: String
    /// The mode and its options, as the bench takes them.
    let arguments: [String]
    var measure = Measure.cpuTime
    var feature: ServerFeature?

    /// Every workload that has a name, in the order of the report.
    static let all: [Workload] = [
        echo("echo-20", "20 B, 200 connections, one in flight", "-s 20 -c 200"),
        echo("echo-512", "512 B, 200 connections, one in flight", "-s 512 -c 200"),
        echo("echo-16k", "16 KiB, 50 connections, one in flight", "-s 16k -c 50"),
        echo("echo-64k", "64 KiB, 30 connections, one in flight", "-s 64k -c 30"),
        echo("echo-256k", "256 KiB, 10 connections, one in flight", "-s 256k -c 10"),
        echo("echo-1m", "1 MiB, 4 connections, one in flight", "-s 1m -c 4"),
        echo("x16", "20 B, 200 connections, 16 in flight", "-s 20 -c 200 -p 16"),
        echo("x32", "20 B, 200 connections, 32 in flight", "-s 20 -c 200 -p 32"),
        echo("x256", "20 B, 50 connections, 256 in flight", "-s 20 -c 50 -p 256"),
        echo("1k-x16", "1 KiB, 100 connections, 16 in flight", "-s 1k -c 100 -p 16"),
        echo(
            "text-ascii",
            "text, 1 KiB of ASCII, 100 connections, 16 in flight",
            "-s 1k -c 100 -p 16 --text ascii"
        ),
        echo(
            "text-mixed",
            "text, 1 KiB in characters of one to four bytes, 100 connections, 16 in flight",
            "-s 1k -c 100 -p 16 --text mixed"
        ),
        Workload(
            name: "handshake",
            title: "connect, upgrade, close; 64 at a time",
            arguments: words("handshake -c 64")
        ),
        Workload(
            name: "deflate",
            title: "permessage-deflate without context takeover, 1 KiB of text, 100 connections",
            arguments: words("echo -s 1k -c 100 --text ascii --deflate shared"),
            feature: .deflate
        ),
        Workload(
            name: "idle",
            title: "resident memory of the server for each of 5,000 idle connections",
            arguments: words("idle -c 5000"),
            measure: .memory
        ),
    ]

    /// What is compared when nothing else is asked for.
    static let suite = [
        "echo-20", "echo-512", "echo-16k", "echo-256k", "x32", "1k-x16", "text-ascii", "text-mixed",
        "handshake", "deflate", "idle",
    ]

    /// The workloads with these names; `suite` and `all` are names too. Nil for an unknown one.
    static func named(_ names: [String]) -> [Workload]? {
        var wanted: Set<String> = []
        for name in names {
            switch name {
            case "suite": wanted.formUnion(suite)
            case "all": wanted.formUnion(all.map(\.name))
            default:
                guard all.contains(where: { $0.name == name }) else { return nil }
                wanted.insert(name)
            }
        }
        return all.filter { wanted.contains($0.name) }
    }

    private static func echo(_ name: String, _ title: String, _ options: String) -> Workload {
        Workload(name: name, title: title, arguments: words("echo " + options))
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }

    /// The unit of the figure, and the figure as people read it.
    func figure(_ value: Double) -> String {
        switch measure {
        case .cpuTime: Figure.time(value)
        case .memory: Figure.bytes(value)
        }
    }
}
