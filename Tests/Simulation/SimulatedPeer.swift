internal import StargateTesting

/// One end of a simulated connection that is not the engine's.
protocol SimulatedPeer: AnyObject {
    /// Does one of the things that it does, now that its turn has come.
    func act()
    /// Does what is left to do, so that the connection can end in good order.
    func conclude()
    /// Whether nothing is left to do.
    var isOver: Bool { get }
    /// Says and reads nothing any more, and does not go either.
    func fallSilent()
    /// Its network is gone.
    func cut()
    /// The run is over: what was received must be what it had to be.
    func finish()
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

    init(_ simulation: Simulation) {
        self.simulation = simulation
        (output, input) = simulation.connect()
    }

    /// Whether the engine's half has ended and was read to its end, or is gone.
    var isAtEnd: Bool { input.isAtEnd || input.isReset }

    func send(_ bytes: [UInt8]) {
        guard !ends else { return }
        unsent += bytes
    }

    /// Ends this half behind everything that was sent.
    func end() { ends = true }

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
        unsafe input.read(limit: limit) { bytes in
            unsafe received.append(contentsOf: bytes)
            return bytes.count
        }
    }

    /// Takes bytes off the front of what was received.
    func consume(_ count: Int) { received.removeFirst(count) }

    func keep(_ rest: ArraySlice<UInt8>) { received = Array(rest) }

    private func misbehave() {
        let faults = simulation.faults
        if faults.silences, simulation.random.oneIn(60) { return fallSilent() }
        if faults.resets, simulation.random.oneIn(60) { return cut() }
        if faults.ends, simulation.random.oneIn(60) {
            // At any byte of what was to be sent.
            let sentCount = Int.random(in: 0...unsent.count, using: &simulation.random)
            unsent = Array(unsent[..<sentCount])
            end()
        }
    }

    func fallSilent() { isSilent = true }

    func cut() {
        simulation.trace.note("cut")
        output.reset()
        input.reset()
    }
}
