internal import StargateCore

/// The server's configuration of a run, within small limits: what is met rarely at the defaults is
/// met all the time here.
struct Settings {
    let configuration: Server.Configuration
    let loopCount: Int
    /// How much fits between the engine and a peer.
    let window: Int
    /// The longest message that honest peers send.
    let messageSizeMax: Int
    /// How everybody speaks TLS; nil where nobody does.
    let tls: SimulatedTLS?

    init(_ random: inout SplitMix64, _ faults: Faults) {
        loopCount = random.oneIn(3) ? 2 : 1
        var configuration = Server.Configuration()
        configuration.loopCount = loopCount
        configuration.protocols = .all
        configuration.log = { _ in }
        let messageSizes = [1 << 10, 70 << 10, 1 << 20]
        configuration.maxMessageSize = messageSizes.randomElement(using: &random) ?? 1 << 10
        messageSizeMax = min(configuration.maxMessageSize - 64, 80 << 10)
        configuration.maxFragmentCount = random.oneIn(4) ? 40 : 16_384
        configuration.outputSoftLimit = [2 << 10, 64 << 10].randomElement(using: &random) ?? 1
        configuration.outputHardLimit = configuration.outputSoftLimit * 4
        configuration.slowConsumerPolicy =
            [.close, .dropNewest].randomElement(using: &random) ?? .close
        configuration.publicationQueueCount = [2, 16, 1024].randomElement(using: &random) ?? 2
        configuration.publicationQueueSize = [4 << 10, 1 << 20].randomElement(using: &random) ?? 1
        configuration.keepAliveInterval = .seconds(Int.random(in: 1...10, using: &random))
        configuration.pongTimeout = .seconds(Int.random(in: 1...10, using: &random))
        configuration.slowPeerTimeout = .seconds(Int.random(in: 1...10, using: &random))
        switch Int.random(in: 0..<3, using: &random) {
        case 0: configuration.compression = .shared
        case 1: configuration.compression = .dedicated
        default: break
        }
        tls = random.oneIn(3) ? SimulatedTLS(&random) : nil
        configuration.tls = tls?.server
        self.configuration = configuration
        window =
            faults.smallWindows ? Int.random(in: 1...2000, using: &random) : 1 << 20
    }
}
