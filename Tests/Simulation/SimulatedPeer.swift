import StargateCore
internal import StargateTesting

/// One end of a simulated connection that is not the engine's.
protocol SimulatedPeer: AnyObject {
    /// Does one of the things that it does, now that its turn has come.
    func act()
    /// Does what is left to do, so that the connection can end in good order.
    func conclude()
    /// Takes what has arrived and sends what waits, and begins nothing.
    func listen()
    /// Whether nothing is on its way from it or to it.
    var isQuiet: Bool { get }
    /// Which publications it is owed and did not get, in words.
    var debt: String? { get }
    /// Whether nothing is left to do.
    var isOver: Bool { get }
    /// Says and reads nothing any more, and does not go either.
    func fallSilent()
    /// Its network is gone.
    func cut()
    /// The run is over: what was received must be what it had to be.
    func finish()
}

extension SimulatedPeer {
    var debt: String? { nil }
}

/// The streams of a peer, and what the network does to them.
final class SimulatedWire {
    let input: ByteStream
    let output: ByteStream
    private unowned let simulation: Simulation
    private(set) var isSilent = false
    private(set) var received: [UInt8] = []
    /// Bytes that are sent when there is room in the network.
    private(set) var unsent: [UInt8] = []
    /// The peer's half ends once everything is sent.
    private(set) var ends = false
    /// The peer's TLS, if the run has it: everything above sees plain bytes.
    let tls: ScriptedTLS?
    private var hasSentRaw = false

    init(_ simulation: Simulation) {
        self.simulation = simulation
        (output, input) = simulation.connect()
        tls = simulation.settings.tls.flatMap {
            try? ScriptedTLS(host: "sim.example", $0.client)
        }
        simulation.check((tls == nil) == (simulation.settings.tls == nil), "TLS cannot be had")
        if let tls { unsent += tls.receive([]).answer }
    }

    /// Whether the engine's half has ended and was read to its end, or is gone.
    var isAtEnd: Bool { input.isAtEnd || input.isReset }

    func send(_ bytes: [UInt8]) {
        guard !ends else { return }
        unsent += tls?.send(bytes) ?? bytes
    }

    /// Sends bytes that TLS, where there is any, knows nothing of.
    func sendRaw(_ bytes: [UInt8]) {
        guard !ends else { return }
        hasSentRaw = true
        unsent += bytes
    }

    /// Ends this half behind everything that was sent.
    func end() {
        if !ends, let tls { unsent += tls.sayGoodbye() }
        ends = true
    }

    /// Moves bytes between the peer and the network, if it wants to; and its faults happen here.
    func move(limit: Int) {
        guard !isSilent else { return }
        misbehave()
        let count = min(unsent.count, limit, max(0, simulation.settings.window - output.count))
        if count > 0 {
            output.write(Array(unsent[..<count]))
            unsent.removeFirst(count)
        }
        if ends, unsent.isEmpty { output.isEnded = true }
    }

    /// Takes what has arrived, up to a limit.
    func read(limit: Int) {
        guard !isSilent, input.count > 0 else { return }
        var arrived: [UInt8] = []
        unsafe input.read(limit: limit) { bytes in
            unsafe arrived.append(contentsOf: bytes)
            return bytes.count
        }
        guard let tls else { return received += arrived }
        let (plaintext, answer) = tls.receive(arrived)
        received += plaintext
        unsent += answer
        simulation.check(
            tls.failure == nil || !simulation.faults.isCalm || hasSentRaw,
            "TLS fails: \(tls.failure ?? "")"
        )
    }

    /// Whether nothing waits in the network or before it.
    var isQuiet: Bool {
        isSilent || input.isReset || unsent.isEmpty && input.count == 0 && output.count == 0
    }

    func keep(_ rest: ArraySlice<UInt8>) { received = Array(rest) }

    private func misbehave() {
        let faults = simulation.faults
        if faults.silences, simulation.random.oneIn(60) { return fallSilent() }
        if faults.resets, simulation.random.oneIn(60) { return cut() }
        if faults.ends, simulation.random.oneIn(60) {
            // At any byte of what was to be sent.
            let sentCount = Int.random(in: 0...unsent.count, using: &simulation.random)
            unsent = Array(unsent[..<sentCount])
            ends = true
        }
    }

    func fallSilent() { isSilent = true }

    func cut() {
        simulation.trace.note("cut")
        output.reset()
        input.reset()
    }
}
