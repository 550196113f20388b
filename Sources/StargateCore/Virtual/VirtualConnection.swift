internal import CUV

/// One of the engine's connections, as its ``VirtualSocket`` sees it. Everything here is called
/// within a turn of the connection's ``VirtualLoop``, and does nothing once the socket is closed.
@safe
package final class VirtualConnection {
    let connection: Connection
    /// Nil before it is there, and from the moment the engine closes it.
    package private(set) var socket: (any VirtualSocket)?
    /// What the engine wants to have written, since it was refused: it stays where it is until
    /// ``becomeWritable(afterSending:)``.
    package internal(set) var offered: [UnsafeRawBufferPointer] = unsafe []

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Gives the connection its socket.
    package func attach(_ socket: any VirtualSocket) { self.socket = socket }

    func detach() {
        socket = nil
        unsafe offered = []
    }

    /// Whether the engine has closed the socket.
    package var isClosed: Bool { socket == nil }

    /// A client's connection was made.
    package func connected() {
        guard !isClosed else { return }
        connection.transportConnected(0)
    }

    /// Has the engine read bytes, as many as it takes in one read.
    ///
    /// - Returns: how many it took; 0 when this connection has had its share of the turn.
    package func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isClosed, unsafe !bytes.isEmpty else { return 0 }
        let space = connection.receiveSpace()
        let count = min(space.count, bytes.count)
        guard count > 0 else { return 0 }
        guard let start = bytes.baseAddress else { return 0 }
        unsafe space.start.copyMemory(from: start, byteCount: count)
        if count == space.count {
            connection.receivedFull(count)
        } else {
            connection.received(count)
        }
        return count
    }

    /// Has the engine try to read, and find nothing.
    package func findNothing() {
        guard !isClosed else { return }
        _ = connection.receiveSpace()
    }

    // MARK: What a simulation checks

    /// Whether messages flow.
    package var isOpen: Bool { connection.state.phase == .open }

    /// Whether it is not read from, by the application's wish or because its peer does not read.
    package var isPaused: Bool { !connection.state.flags.isDisjoint(with: .isPaused) }

    /// Whether it has a deadline.
    package var hasDeadline: Bool {
        connection.loop.state.deadlines.isSet(slot: connection.state.slot)
    }

    /// Bytes that were sent and not taken.
    package var queuedByteCount: Int { connection.state.outbound?.queue.byteCount ?? 0 }

    /// Publications that wait for the peer.
    package var waitingPublicationCount: Int { connection.state.subscriptions?.queue.count ?? 0 }

    /// Bytes that arrived and wait for the application or the rest of their message.
    package var heldByteCount: Int {
        guard let inbound = connection.state.inbound else { return 0 }
        return inbound.state.held.count + inbound.state.head.count
    }

    // MARK: What happens to it

    /// The other end will send nothing more.
    package func receiveEnd() {
        guard !isClosed else { return }
        connection.transportEnded(UV_EOF.rawValue)
    }

    /// The other end is gone.
    package func receiveReset() {
        guard !isClosed else { return }
        connection.transportEnded(UV_ECONNRESET.rawValue)
    }

    /// More is taken again.
    ///
    /// - Parameter sent: how many bytes of ``offered`` have been taken meanwhile.
    package func becomeWritable(afterSending sent: Int = 0) {
        guard !isClosed else { return }
        unsafe offered = []
        connection.transportWritable(afterSending: sent)
    }

    /// What a socket's write returns after the other end was reset.
    package static let brokenPipe = Int(UV_EPIPE.rawValue)
}
