internal import StargateCore

/// The engine's end of a connection in memory, without any fault: what is written is there at once,
/// as long as the window has room.
final class MemorySocket: VirtualSocket {
    let connection: VirtualConnection
    /// What the other end has sent.
    let input: ByteStream
    /// What the engine has sent.
    let output: ByteStream
    let remoteAddress: SocketAddress?

    private var isReading = false
    private var awaitsRoom = false
    private var hasReportedEnd = false
    /// How the engine has closed the socket, if it has.
    private(set) var isClosed = false

    init(
        _ connection: VirtualConnection,
        input: ByteStream,
        output: ByteStream,
        remoteAddress: SocketAddress?
    ) {
        self.connection = connection
        self.input = input
        self.output = output
        self.remoteAddress = remoteAddress
    }

    // MARK: What the engine does

    func startReading() { isReading = true }

    func stopReading() { isReading = false }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !output.isReset else { return VirtualConnection.brokenPipe }
        return unsafe output.write(bytes)
    }

    func awaitWritable() { awaitsRoom = true }

    func shutDown() { output.isEnded = true }

    func close(isReset: Bool) {
        isClosed = true
        // As the kernels do it: who closes before he has read everything resets the connection.
        input.endReading { [output] hasUnreadBytes in
            if isReset || hasUnreadBytes { output.reset() } else { output.isEnded = true }
        }
    }

    // MARK: What the engine is told

    /// Whether there is something to tell the engine.
    var hasEvent: Bool {
        guard !isClosed, !hasReportedEnd || awaitsRoom else { return false }
        if input.isReset { return !hasReportedEnd && (isReading || awaitsRoom) }
        return awaitsRoom && output.room > 0 || isReading && !hasReportedEnd && hasInput
    }

    private var hasInput: Bool { input.count > 0 || input.isAtEnd }

    /// Tells the engine what has happened. Within a turn of its loop.
    func deliver() {
        guard hasEvent else { return }
        if input.isReset {
            hasReportedEnd = true
            return connection.receiveReset()
        }
        if awaitsRoom, output.room > 0 {
            awaitsRoom = false
            connection.becomeWritable()
        }
        guard isReading, !isClosed, !input.isReset else { return }
        if input.count > 0 {
            unsafe input.read { unsafe connection.receive($0) }
        } else if input.isAtEnd, !hasReportedEnd {
            hasReportedEnd = true
            connection.receiveEnd()
        }
    }
}
