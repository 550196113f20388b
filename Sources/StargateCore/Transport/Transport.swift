internal import CUV

/// Which of the transports a loop has.
enum TransportChoice: Sendable {
    /// The one made for this system.
    case native
    /// The one that works wherever libuv does; elsewhere than on Linux there is no other.
    case portable
}

/// The seam under a connection: how its socket is opened, read, written and closed.
///
/// One object per loop. It is filled with libuv's TCP handles first; a simulation or another way to
/// wait for readiness can stand in its place. It calls back into ``Connection``:
/// `receiveSpace()` and then `received(_:)` or `receivedFull(_:)`, `transportEnded(_:)`,
/// `transportWritable(afterSending:)`, and `transportClosed()` exactly once, last.
class Transport {
    /// The bytes that the transport needs behind each connection block.
    var storageByteCount: Int { 0 }

    /// Makes an accepted socket the connection's. Returns libuv's error number, or 0; after an
    /// error the descriptor is closed and the connection is still to be closed by the caller.
    ///
    /// If `hasBytes`, the peer has sent something already. That may be received within the first
    /// call of ``startReading(_:)``, which must be the last thing the caller does with it.
    func adopt(_ descriptor: Int32, for connection: Connection, hasBytes: Bool) -> Int32 {
        UV_ENOTSUP.rawValue
    }

    /// Begins to connect, from a local address if one is given; ends in `transportConnected(_:)`.
    func connect(
        _ connection: Connection,
        to address: SocketAddress,
        from local: SocketAddress?
    ) -> Int32 {
        UV_ENOTSUP.rawValue
    }

    func startReading(_ connection: Connection) {}
    func stopReading(_ connection: Connection) {}

    /// Writes what the kernel takes at once. Returns the count of bytes taken, or libuv's error
    /// number; `UV_EAGAIN` when it takes nothing now.
    func write(_ connection: Connection, _ slices: UnsafeBufferPointer<uv_buf_t>) -> Int { 0 }

    /// The same for bytes in one piece, which is what most batches are; `UV_EINTR` when a signal
    /// came between.
    func write(_ connection: Connection, _ start: UnsafeRawPointer, count: Int) -> Int {
        // The kernel only reads from the buffer, whatever the C type says.
        let base = unsafe UnsafeMutableRawPointer(mutating: start)
        let slice: InlineArray<1, uv_buf_t> = unsafe [
            uv_buf_t(base: base.assumingMemoryBound(to: CChar.self), len: count)
        ]
        let span = unsafe slice.span
        return unsafe span.withUnsafeBufferPointer { unsafe write(connection, $0) }
    }

    /// Asks for one call of `transportWritable(afterSending:)`. The transport may write the
    /// offered slices in the meantime, so they must stay where they are until that call.
    func awaitWritable(_ connection: Connection, offering slices: UnsafeBufferPointer<uv_buf_t>) {}

    /// Ends this endpoint's half of the stream; everything was written before.
    func shutDown(_ connection: Connection) {}

    /// Closes the socket. Nothing is written any more.
    func close(_ connection: Connection) {}

    /// Closes the socket so that the peer sees a reset instead of an end.
    func reset(_ connection: Connection) { close(connection) }

    /// The loop ends: every connection was closed, and nothing may be begun any more. The transport
    /// makes the calls of `transportClosed()` that it owes, and closes what it has on the loop.
    func stop() {}

    func remoteAddress(_ connection: Connection) -> SocketAddress? { nil }
    func localAddress(_ connection: Connection) -> SocketAddress? { nil }
}
