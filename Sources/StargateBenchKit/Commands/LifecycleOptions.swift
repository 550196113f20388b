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

    func validate() throws {
        guard CloseCode(rawValue: closeCode).isValidOnWire else {
            throw ValidationError("--close-code is a code that a Close frame may carry")
        }
    }

    func apply(to configuration: inout Server.Configuration) {
        configuration.drain.window = drainWindow.duration
        configuration.drain.closeCode = CloseCode(rawValue: closeCode)
        configuration.shutdownTimeout = shutdownTimeout.duration
    }
}
