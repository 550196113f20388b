internal import CUV

/// What a connection has instead of a socket: the other end of it is code.
///
/// The engine calls these on the thread that makes its turns. They must not call back into the
/// engine before they return; what they lead to is done in a later turn, by ``VirtualConnection``.
package protocol VirtualSocket: AnyObject {
    /// The engine wants to be given what arrives.
    func startReading()
    /// The engine does not want to be given anything until it asks again.
    func stopReading()
    /// Takes bytes that the engine writes.
    ///
    /// - Returns: how many were taken, 0 for none now; or libuv's negative error number.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int
    /// The engine is to be told, once, when more is taken: ``VirtualConnection/becomeWritable()``.
    func awaitWritable()
    /// Nothing more is written; what was taken still reaches the other end, and then its end.
    func shutDown()
    /// The socket is closed. Nothing is called any more.
    ///
    /// - Parameter isReset: whether the other end sees a reset instead of an end.
    func close(isReset: Bool)
    /// Where the other end is.
    var remoteAddress: SocketAddress? { get }
}

/// Connections whose sockets are objects of a test.
final class VirtualTransport: Transport {
    /// Makes the sockets of connections that the engine opens itself, as a client.
    var connector: ((VirtualConnection, SocketAddress) -> Bool)?
    /// Connections that are closed but were not told so yet.
    private(set) var closing: [VirtualConnection] = []

    override var storageByteCount: Int { unsafe MemoryLayout<Unmanaged<VirtualConnection>>.size }

    private func virtual(_ connection: Connection) -> VirtualConnection {
        let storage = unsafe connection.transportStorage
        return unsafe storage.load(as: Unmanaged<VirtualConnection>.self).takeUnretainedValue()
    }

    /// Lays a socket's place behind the block of a connection.
    func prepare(_ connection: Connection) -> VirtualConnection {
        let virtual = VirtualConnection(connection)
        unsafe connection.transportStorage.storeBytes(
            of: Unmanaged.passRetained(virtual),
            as: Unmanaged<VirtualConnection>.self
        )
        return virtual
    }

    override func connect(
        _ connection: Connection,
        to address: SocketAddress,
        from local: SocketAddress?
    ) -> Int32 {
        let virtual = prepare(connection)
        guard let connector, connector(virtual, address) else { return UV_ECONNREFUSED.rawValue }
        return 0
    }

    override func startReading(_ connection: Connection) {
        virtual(connection).socket?.startReading()
    }

    override func stopReading(_ connection: Connection) {
        virtual(connection).socket?.stopReading()
    }

    override func write(
        _ connection: Connection,
        _ slices: UnsafeBufferPointer<uv_buf_t>
    ) -> Int {
        guard let socket = virtual(connection).socket else { return Int(UV_EBADF.rawValue) }
        var total = 0
        for index in slices.indices {
            let slice = unsafe slices[index]
            let bytes = unsafe UnsafeRawBufferPointer(start: slice.base, count: Int(slice.len))
            guard unsafe !bytes.isEmpty else { continue }
            let taken = unsafe socket.write(bytes)
            // What was taken before an error counts; the error comes with the next write.
            guard taken >= 0 else { return total > 0 ? total : taken }
            total += taken
            if taken < bytes.count { break }
        }
        return total > 0 ? total : Int(UV_EAGAIN.rawValue)
    }

    override func awaitWritable(
        _ connection: Connection,
        offering slices: UnsafeBufferPointer<uv_buf_t>
    ) {
        let virtual = virtual(connection)
        unsafe virtual.offered = unsafe slices.map {
            unsafe UnsafeRawBufferPointer(start: $0.base, count: Int($0.len))
        }
        virtual.socket?.awaitWritable()
    }

    override func shutDown(_ connection: Connection) {
        virtual(connection).socket?.shutDown()
    }

    override func close(_ connection: Connection) { close(connection, isReset: false) }

    override func reset(_ connection: Connection) { close(connection, isReset: true) }

    private func close(_ connection: Connection, isReset: Bool) {
        let virtual = virtual(connection)
        let socket = virtual.socket
        virtual.detach()
        closing.append(virtual)
        socket?.close(isReset: isReset)
    }

    override func remoteAddress(_ connection: Connection) -> SocketAddress? {
        virtual(connection).socket?.remoteAddress
    }

    override func localAddress(_ connection: Connection) -> SocketAddress? {
        SocketAddress(host: "127.0.0.1", port: 80)
    }

    override func stop() { reportClosed() }

    /// Tells the connections that were closed, as the end of a turn of libuv does.
    func reportClosed() {
        while !closing.isEmpty {
            let closed = closing
            closing = []
            for virtual in closed {
                let connection = virtual.connection
                // Before the block is free for another connection.
                let storage = unsafe connection.transportStorage
                unsafe storage.load(as: Unmanaged<VirtualConnection>.self).release()
                connection.transportClosed()
            }
        }
    }
}
