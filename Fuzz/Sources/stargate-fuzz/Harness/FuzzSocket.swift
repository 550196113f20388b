@testable import StargateCore

/// The other end of a connection: gives the engine some bytes in pieces, then the end, and keeps
/// what it writes.
final class FuzzSocket: VirtualSocket {
    let connection: VirtualConnection
    let remoteAddress = SocketAddress(host: "127.0.0.1", port: 40_000)
    private let input: [UInt8]
    private let ends: [Int]
    private var place = 0
    private var nextEnd = 0
    /// How much the engine may write before it has to wait for a turn.
    private let window: Int
    private var room: Int
    private(set) var output: [UInt8] = []
    private var isReading = false
    private var awaitsRoom = false
    private var hasEnded = false
    private(set) var isShut = false
    private(set) var isClosed = false
    private(set) var isReset = false

    init(_ connection: VirtualConnection, _ input: [UInt8], _ cuts: Cuts, window: Int) {
        self.connection = connection
        self.input = input
        self.window = window
        ends = cuts.ends(of: input.count)
        room = window
    }

    // MARK: What the engine does

    func startReading() { isReading = true }

    func stopReading() { isReading = false }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        require(!isShut && !isClosed, "written after the end")
        let taken = min(room, bytes.count)
        output += bytes[..<taken]
        room -= taken
        return taken
    }

    func awaitWritable() {
        require(!awaitsRoom, "waits for room twice")
        awaitsRoom = true
    }

    func shutDown() {
        require(!isShut, "shut twice")
        isShut = true
    }

    func close(isReset: Bool) {
        require(!isClosed, "closed twice")
        isClosed = true
        self.isReset = isReset
    }

    // MARK: What the engine is told

    /// Whether there is something to tell, beside the end.
    var hasEvent: Bool { !isClosed && (awaitsRoom || isReading && place < input.count) }

    var hasEnd: Bool { !isClosed && isReading && place == input.count && !hasEnded }

    /// One event of each kind.
    func deliver() {
        guard !isClosed else { return }
        room = window
        if awaitsRoom {
            awaitsRoom = false
            connection.becomeWritable()
        }
        guard !isClosed, isReading, place < input.count else { return }
        let end = ends[nextEnd]
        place += input.withUnsafeBytes {
            connection.receive(UnsafeRawBufferPointer(rebasing: $0[place..<end]))
        }
        if place == end { nextEnd += 1 }
    }

    func deliverEnd() {
        hasEnded = true
        connection.receiveEnd()
    }
}
