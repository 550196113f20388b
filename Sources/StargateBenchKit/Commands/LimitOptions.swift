// What `serve` allows, and the page that shows what it does.

internal import ArgumentParser
internal import StargateCore

/// The options of `serve` about its limits; what is not given is as the library has it.
struct LimitOptions: ParsableArguments {
    @Option(help: "The most connections at a time; more get 503.")
    var maxConnections: Int?

    @Option(help: "The most connections at a time from one address; more get 503.")
    var maxConnectionsPerAddress: Int?

    @Option(help: "Connections that one address may begin in a second, beyond a burst of 50.")
    var handshakeRatePerAddress: Double?

    @Option(help: "Messages and control frames that a peer may send in a second; more get 1008.")
    var maxMessageRate: Int?

    @Option(
        help: ArgumentHelp(
            "Ping a peer that was silent for this long (20s); 0 for never.",
            valueName: "time"
        )
    )
    var keepAlive: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "What connections may hold in all; near it the largest are ended with 1013.",
            valueName: "bytes"
        )
    )
    var memoryBudget: ByteCount?

    @Option(help: ArgumentHelp("Serve metrics for Prometheus on this path.", valueName: "path"))
    var metrics: String?

    func validate() throws {
        for (name, value) in [
            ("max-connections", maxConnections),
            ("max-connections-per-address", maxConnectionsPerAddress),
            ("max-message-rate", maxMessageRate),
        ] {
            guard value.map({ $0 > 0 }) ?? true else {
                throw ValidationError("--\(name) is at least 1")
            }
        }
        guard handshakeRatePerAddress.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--handshake-rate-per-address is more than 0")
        }
    }

    func apply(to configuration: inout Server.Configuration) {
        configuration.maxConnections = maxConnections
        configuration.maxConnectionsPerAddress = maxConnectionsPerAddress
        configuration.handshakesPerSecondPerAddress = handshakeRatePerAddress
        configuration.maxMessagesPerSecond = maxMessageRate
        if let keepAlive {
            configuration.keepAliveInterval = keepAlive == .zero ? nil : keepAlive.duration
        }
        if let memoryBudget { configuration.memoryBudget = memoryBudget.bytes }
    }
}
