// The workloads that have a name, and the sets of them.

extension Workload {
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
            "text, 1 KiB, 1 to 4 bytes a character, 16 in flight",
            "-s 1k -c 100 -p 16 --text mixed"
        ),
        Workload(
            name: "handshake",
            title: "connect, upgrade, close; 64 at a time",
            arguments: words("handshake -c 64")
        ),
        broadcast("broadcast-200", "64 B from one to 200, each delivery", "-c 200 -s 64"),
        broadcast(
            "broadcast-200-x16",
            "64 B from one to 200, 16 at a time, each delivery",
            "-c 200 -s 64 -p 16"
        ),
        broadcast("broadcast-10k", "64 B from one to 10,000, each delivery", "-c 10000 -s 64"),
        tls("tls-20", "TLS 1.3, 20 B, 200 connections, one in flight", "echo -s 20 -c 200"),
        tls("tls-16k", "TLS 1.3, 16 KiB, 50 connections, one in flight", "echo -s 16k -c 50"),
        tls("tls-handshake", "TLS 1.3, connect, upgrade, close; 16 at a time", "handshake -c 16"),
        echo(
            "deflate",
            "permessage-deflate, each message by itself, 1 KiB of JSON, 100 connections",
            "-s 1k -c 100 --text json --deflate shared",
            feature: .deflate
        ),
        echo(
            "deflate-dedicated",
            "permessage-deflate, a context for each of 100 connections, 1 KiB of JSON",
            "-s 1k -c 100 --text json --deflate dedicated",
            feature: .dedicated
        ),
        Workload(
            name: "idle",
            title: "resident memory of the server for each of 10,000 idle connections",
            arguments: words("idle -c 10000"),
            measure: .memory
        ),
        Workload(
            name: "tls-idle",
            title: "resident memory of the server for each of 2,000 idle connections with TLS",
            arguments: words("idle -c 2000 --insecure"),
            measure: .memory,
            feature: .tls
        ),
        Workload(
            name: "idle-time",
            title: "CPU time for keeping 10,000 idle connections alive",
            arguments: words("idle -c 10000"),
            measure: .idleTime
        ),
    ]

    /// What is compared when nothing else is asked for.
    static let suite = [
        "echo-20", "echo-512", "echo-16k", "echo-256k", "x32", "text-ascii", "text-mixed",
        "handshake", "broadcast-200", "tls-20", "tls-16k", "deflate", "deflate-dedicated", "idle",
    ]

    /// What a picture for a README shows of them.
    static let headline = ["echo-20", "x32", "echo-256k", "text-mixed", "handshake", "tls-20"]

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

    private static func echo(
        _ name: String,
        _ title: String,
        _ options: String,
        feature: ServerFeature? = nil
    ) -> Workload {
        Workload(name: name, title: title, arguments: words("echo " + options), feature: feature)
    }

    private static func broadcast(
        _ name: String,
        _ title: String,
        _ options: String
    ) -> Workload {
        Workload(
            name: name,
            title: title,
            arguments: words("broadcast " + options),
            feature: .broadcast
        )
    }

    /// The certificate of the servers is nobody's: what counts is the cost.
    private static func tls(_ name: String, _ title: String, _ line: String) -> Workload {
        let options = " --insecure --tlsv1.3"
        return Workload(name: name, title: title, arguments: words(line + options), feature: .tls)
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }
}
