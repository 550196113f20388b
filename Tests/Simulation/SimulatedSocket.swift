internal import StargateCore
internal import StargateTesting

/// The engine's end of a connection in a network that does what networks do.
final class SimulatedSocket: VirtualSocket {
    let connection: VirtualConnection
    let input: ByteStream
    let output: ByteStream
    let number: Int
    let loop: Int
    let isClient: Bool
    private unowned let simulation: Simulation

    private(set) var isReading = false
    private(set) var awaitsRoom = false
    private(set) var isClosed = false
    private(set) var hasReportedEnd = false
    /// Bytes of what was offered that this transport has written itself.
    private var takenOfOffered = 0
    /// A client's connection that is not made yet.
    var isConnecting: Bool
    /// When the engine last got bytes.
    var lastHeard: UInt64
    /// When the engine was last forbidden to read, or to be judged by what it hears.
    var lastPaused: UInt64 = 0

    init(
        _ simulation: Simulation,
        _ connection: VirtualConnection,
        number: Int,
        loop: Int,
        input: ByteStream,
        output: ByteStream,
        isClient: Bool = false
    ) {
        self.simulation = simulation
        self.connection = connection
        self.number = number
        self.loop = loop
        self.input = input
        self.output = output
        self.isClient = isClient
        isConnecting = isClient
        lastHeard = simulation.clock.now
    }

    var remoteAddress: SocketAddress? {
        SocketAddress(host: "10.0.0.\(number % 250 + 1)", port: 40_000)
    }

    /// Whether nothing is on its way in either direction.
    var isQuiet: Bool { input.count == 0 && output.count == 0 && !awaitsRoom }

    // MARK: What the engine does

    func startReading() {
        simulation.check(!isClosed, "socket \(number) is read after it was closed")
        isReading = true
    }

    func stopReading() { isReading = false }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        simulation.check(!isClosed && !output.isEnded, "socket \(number) is written after its end")
        simulation.check(!awaitsRoom, "socket \(number) is written while it waits for room")
        guard !output.isReset else { return VirtualConnection.brokenPipe }
        var limit = bytes.count
        if simulation.faults.spuriousBlocks, simulation.random.oneIn(8) { limit = 0 }
        if limit > 0, simulation.faults.shortWrites, simulation.random.oneIn(4) {
            limit = Int.random(in: 1...limit, using: &simulation.random)
        }
        let taken = unsafe output.write(UnsafeRawBufferPointer(rebasing: bytes[..<limit]))
        simulation.trace.note("write", number, bytes.count, taken)
        return taken
    }

    func awaitWritable() {
        simulation.check(!awaitsRoom, "socket \(number) waits for room twice")
        awaitsRoom = true
        takenOfOffered = 0
    }

    func shutDown() {
        simulation.check(!output.isEnded, "socket \(number) is shut twice")
        output.isEnded = true
    }

    func close(isReset: Bool) {
        simulation.check(!isClosed, "socket \(number) is closed twice")
        isClosed = true
        simulation.trace.note("close", number, isReset ? 1 : 0)
        input.endReading { [output] hasUnreadBytes in
            if isReset || hasUnreadBytes { output.reset() } else { output.isEnded = true }
        }
    }

    // MARK: What the engine is told

    private var hasInput: Bool {
        isReading && !hasReportedEnd && (input.count > 0 || input.isAtEnd || input.isReset)
    }

    /// Whether there is something to tell the engine.
    var hasEvent: Bool {
        !isClosed && (isConnecting || hasInput || awaitsRoom && (output.room > 0 || output.isReset))
    }

    /// Tells the engine one thing, or nothing: the network decides.
    func deliver() {
        guard hasEvent else { return }
        if isConnecting {
            isConnecting = false
            simulation.trace.note("connected", number)
            return connection.connected()
        }
        if awaitsRoom, output.room > 0 || output.isReset { becomeWritable() }
        guard !isClosed, hasInput else { return }
        if input.isReset {
            hasReportedEnd = true
            simulation.trace.note("reset", number)
            return connection.receiveReset()
        }
        guard input.count > 0 else {
            hasReportedEnd = true
            simulation.trace.note("end", number)
            return connection.receiveEnd()
        }
        if simulation.faults.spuriousBlocks, simulation.random.oneIn(8) {
            return connection.findNothing()
        }
        receive()
    }

    private func receive() {
        var limit = 64 << 10
        if simulation.faults.segments {
            limit = simulation.random.oneIn(3) ? 1 : 1 + simulation.random.size(upTo: limit - 1)
        }
        var taken = 0
        unsafe input.read(limit: limit) { bytes in
            taken = unsafe connection.receive(bytes)
            return taken
        }
        simulation.trace.note("read", number, taken)
        if taken > 0 { lastHeard = simulation.clock.now }
    }

    private func becomeWritable() {
        guard simulation.faults.writesOffered, !output.isReset else {
            awaitsRoom = false
            simulation.trace.note("writable", number)
            return connection.becomeWritable()
        }
        // As libuv does with a write request: it ends when all that was offered is written.
        var skipped = 0
        var total = 0
        for index in unsafe connection.offered.indices {
            let slice = unsafe connection.offered[index]
            total += slice.count
            let start = min(slice.count, max(0, takenOfOffered - skipped))
            skipped += slice.count
            guard start < slice.count else { continue }
            let rest = unsafe UnsafeRawBufferPointer(rebasing: slice[start...])
            let taken = unsafe output.write(rest)
            takenOfOffered += taken
            if taken < rest.count { break }
        }
        total = unsafe connection.offered.reduce(0) { $0 + $1.count }
        simulation.trace.note("offered", number, takenOfOffered, total)
        guard takenOfOffered == total else { return }
        awaitsRoom = false
        connection.becomeWritable(afterSending: total)
    }
}
