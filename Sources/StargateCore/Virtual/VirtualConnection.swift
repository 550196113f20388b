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
        let space = unsafe connection.receiveSpace()
        let count = min(space.count, bytes.count)
        guard count > 0 else { return 0 }
        unsafe space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        connection.received(count)
        return count
    }

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
