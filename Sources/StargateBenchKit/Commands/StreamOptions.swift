// What the broadcast and the push mode share: messages that tell their number.

internal import ArgumentParser

/// The size of numbered messages.
struct StreamOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Bytes in a message, 34 at least.")
    var size = ByteCount(64)

    func validate() throws {
        guard (NumberedMessage.headerSize...(64 << 20)).contains(size.bytes) else {
            throw ValidationError("--size is from 34 bytes to 64 MiB: a message tells its number")
        }
    }

    /// A report of such a run without figures.
    func template(_ mode: BenchMode, connections: Int) -> RunReport {
        var template = RunReport()
        template.mode = mode
        template.settings.connections = connections
        template.settings.sizes = [SizeShare(bytes: size.bytes, weight: 1)]
        template.settings.payload = "ascii"
        return template
    }

    func plan(
        for target: TargetPlan,
        client: ClientOptions,
        connections: Int,
        count: UInt64?,
        publishing: StreamPlan.Publishing?
    ) -> StreamPlan {
        StreamPlan(
            target: target,
            messageSize: size.bytes,
            timeout: client.timeout.nanoseconds,
            connectRate: client.connectRate
                / Double(client.threadTotal(connections: connections)),
            connectionCount: connections,
            messageCount: count,
            publishing: publishing
        )
    }
}
