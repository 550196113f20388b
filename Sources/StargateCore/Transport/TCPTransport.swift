internal import CUV
internal import Glibc

/// Sockets as libuv's TCP handles, which lie inside the connection blocks.
///
/// Writes use `uv_try_write`, which needs no request and no memory; only bytes that the kernel
/// refuses become a `uv_write`. A Unix domain socket is served by the same handle: to libuv it is
/// a stream like any other.
@safe
final class TCPTransport: Transport {
    private let uv: UnsafeMutablePointer<uv_loop_t>

    init(uv: UnsafeMutablePointer<uv_loop_t>) {
        unsafe self.uv = unsafe uv
    }

    override var storageByteCount: Int { unsafe MemoryLayout<uv_tcp_t>.size }

    private func handle(_ connection: Connection) -> UnsafeMutablePointer<uv_tcp_t> {
        unsafe connection.transportStorage.assumingMemoryBound(to: uv_tcp_t.self)
    }

    private func stream(_ connection: Connection) -> UnsafeMutablePointer<uv_stream_t> {
        unsafe connection.transportStorage.assumingMemoryBound(to: uv_stream_t.self)
    }

    private static func connection(_ data: UnsafeMutableRawPointer?) -> Connection? {
        guard let data = unsafe data else { return nil }
        return unsafe Connection(data.assumingMemoryBound(to: ConnectionBlock.self))
    }

    private func prepare(_ connection: Connection) {
        unsafe uv_tcp_init(uv, handle(connection))
        unsafe handle(connection).pointee.data = unsafe UnsafeMutableRawPointer(connection.block)
    }

    // MARK: Opening

    override func adopt(
        _ descriptor: Int32,
        for connection: Connection,
        hasBytes: Bool
    ) -> Int32 {
        prepare(connection)
        let status = unsafe uv_tcp_open(handle(connection), descriptor)
        if status != 0 { _ = Glibc.close(descriptor) }
        return status
    }

    override func connect(
        _ connection: Connection,
        to address: SocketAddress,
        from local: SocketAddress?
    ) -> Int32 {
        prepare(connection)
        let descriptor = address.makeStreamSocket(boundTo: local)
        guard descriptor >= 0 else { return -errno }
        let opened = unsafe uv_tcp_open(handle(connection), descriptor)
        guard opened == 0 else {
            _ = Glibc.close(descriptor)
            return opened
        }
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let status = unsafe address.withSockaddr { pointer, _ in
            unsafe uv_tcp_connect(request, handle(connection), pointer) { request, status in
                guard let request = unsafe request else { return }
                let data = unsafe request.pointee.handle.pointee.data
                unsafe request.deallocate()
                // A handle that was closed meanwhile reports that by itself.
                guard status != UV_ECANCELED.rawValue else { return }
                unsafe TCPTransport.connection(data)?.transportConnected(status)
            }
        }
        if status != 0 { unsafe request.deallocate() }
        return status
    }

    // MARK: Reading

    override func startReading(_ connection: Connection) {
        let status = unsafe uv_read_start(
            stream(connection),
            { handle, _, buffer in
                guard let connection = unsafe TCPTransport.connection(handle?.pointee.data) else {
                    return
                }
                let space = connection.receiveSpace()
                unsafe buffer?.pointee = unsafe uv_buf_init(
                    space.start.assumingMemoryBound(to: CChar.self),
                    UInt32(truncatingIfNeeded: space.count)
                )
            },
            { stream, count, buffer in
                guard let connection = unsafe TCPTransport.connection(stream?.pointee.data) else {
                    return
                }
                if count > 0 {
                    let isFilled = unsafe buffer.map { unsafe $0.pointee.len == count } ?? false
                    if isFilled {
                        connection.receivedFull(count)
                    } else {
                        connection.received(count)
                    }
                } else if count < 0, count != Int(UV_ENOBUFS.rawValue) {
                    connection.transportEnded(Int32(truncatingIfNeeded: count))
                }
            }
        )
        if status != 0 { connection.transportEnded(status) }
    }

    override func stopReading(_ connection: Connection) {
        unsafe uv_read_stop(stream(connection))
    }

    // MARK: Writing

    override func write(
        _ connection: Connection,
        _ slices: UnsafeBufferPointer<uv_buf_t>
    ) -> Int {
        Int(
            unsafe uv_try_write(
                stream(connection),
                slices.baseAddress,
                UInt32(truncatingIfNeeded: slices.count)
            )
        )
    }

    override func awaitWritable(
        _ connection: Connection,
        offering slices: UnsafeBufferPointer<uv_buf_t>
    ) {
        let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
        let byteCount = unsafe slices.reduce(0) { unsafe $0 + Int($1.len) }
        // The request's own data pointer carries the count.
        unsafe request.pointee.data = unsafe UnsafeMutableRawPointer(bitPattern: byteCount)
        let status = unsafe uv_write(
            request,
            stream(connection),
            slices.baseAddress,
            UInt32(truncatingIfNeeded: slices.count)
        ) { request, status in
            guard let request = unsafe request else { return }
            let sent = unsafe Int(bitPattern: request.pointee.data)
            let data = unsafe request.pointee.handle.pointee.data
            unsafe request.deallocate()
            guard let connection = unsafe TCPTransport.connection(data) else { return }
            if status == 0 {
                connection.transportWritable(afterSending: sent)
            } else if status != UV_ECANCELED.rawValue {
                connection.transportEnded(status)
            }
        }
        guard status != 0 else { return }
        unsafe request.deallocate()
        connection.transportEnded(status)
    }

    // MARK: Ending

    private func descriptor(_ connection: Connection) -> Int32? {
        var descriptor: uv_os_fd_t = -1
        let raw = unsafe connection.transportStorage.assumingMemoryBound(to: uv_handle_t.self)
        return unsafe uv_fileno(raw, &descriptor) == 0 ? descriptor : nil
    }

    override func shutDown(_ connection: Connection) {
        if let descriptor = descriptor(connection) {
            _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
        }
    }

    override func close(_ connection: Connection) {
        let raw = unsafe connection.transportStorage.assumingMemoryBound(to: uv_handle_t.self)
        unsafe uv_close(raw) { handle in
            unsafe TCPTransport.connection(handle?.pointee.data)?.transportClosed()
        }
    }

    override func reset(_ connection: Connection) {
        let status = unsafe uv_tcp_close_reset(handle(connection)) { handle in
            unsafe TCPTransport.connection(handle?.pointee.data)?.transportClosed()
        }
        if status != 0 { close(connection) }
    }

    override func remoteAddress(_ connection: Connection) -> SocketAddress? {
        descriptor(connection).flatMap { SocketAddress(peerOf: $0) }
    }

    override func localAddress(_ connection: Connection) -> SocketAddress? {
        descriptor(connection).flatMap { SocketAddress(localOf: $0) }
    }
}
