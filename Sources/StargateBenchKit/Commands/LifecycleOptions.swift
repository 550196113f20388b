// How `serve` begins and ends.

internal import ArgumentParser
internal import StargateCore

/// The options of `serve` about its life.
struct LifecycleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The longest time over which the goodbyes are spread when it stops.",
            valueName: "time"
        )
    )
    var drainWindow = TimeSpan(seconds: 4)

    @Option(
        help: ArgumentHelp(
            "Cut connections that are left so long after it was told to stop.",
            valueName: "time"
        )
    )
    var shutdownTimeout = TimeSpan(seconds: 10)

    @Option(
        help: ArgumentHelp(
            "What peers are told when it stops: 1001, 1012, or 3000 to 4999.",
            valueName: "code"
        )
    )
    var closeCode: UInt16 = 1001

    @Option(
        help: ArgumentHelp(
            """
            Take the listening sockets over from the server that was started with the same path, \
            and hand them over to the next one: a restart refuses no connection.
            """,
            valueName: "path"
        )
    )
    var handover: String?

    @Option(
        help: ArgumentHelp(
            """
            Connections from these addresses begin with a PROXY header (v1 or v2). Repeatable.
            """,
            valueName: "address/bits"
        )
    )
    var trustedProxy: [String] = []

    func validate() throws {
        guard trustedProxy.allSatisfy({ AddressRange($0) != nil }) else {
            throw ValidationError("--trusted-proxy is an address, or a range as 10.0.0.0/8")
        }
        guard CloseCode(rawValue: closeCode).isValidOnWire else {
            throw ValidationError("--close-code is a code that a Close frame may carry")
        }
    }

    func apply(to configuration: inout Server.Configuration) {
        configuration.handoverPath = handover
        configuration.trustedProxies = trustedProxy.compactMap(AddressRange.init)
        // Under systemd it serves the sockets that it was started with, and says how it is.
        configuration.listeners = .activated()
        configuration.notifiesServiceManager = true
        configuration.drain.window = drainWindow.duration
        configuration.drain.closeCode = CloseCode(rawValue: closeCode)
        configuration.shutdownTimeout = shutdownTimeout.duration
    }
}
