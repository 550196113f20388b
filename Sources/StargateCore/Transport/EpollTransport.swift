#if os(Linux)
internal import CUV
internal import Glibc

/// Sockets in an epoll set of the loop's own, which libuv watches as a single descriptor.
///
/// A socket is registered once, edge-triggered, for everything, and never again: to pause, to wait
/// for room and to close cost no system call beside the one that does it. A connection needs eight
/// bytes here where a `uv_tcp_t` needs 248. The price is one `epoll_wait` more in each turn.
///
/// With edges the kernel tells of bytes once. What was not read then is remembered in the socket's
/// flags, and a socket that is to be read without being told of is put on the list of those ready.
@safe
final class EpollTransport: Transport {
    /// How many sockets are served before libuv sees to its timers and to others again.
    ///
    /// To close a socket takes the kernel some 20 us: when thousands of peers vanish at the same
    /// moment, a turn of this many takes a few milliseconds. See `Benchmarks/crowd.py`.
    private static let eventCountPerTurn = 128

    private let set: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    /// Watches the set.
    private let poll: UnsafeMutablePointer<uv_poll_t>
    /// Keeps the loop from sleeping while connections wait on the lists below.
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private var isIdleRunning = false
    /// Connections that are to be read although the kernel will not tell of them again.
    private var ready: [Connection] = []
    /// The same list while it is worked off: the two take turns, so that neither is made anew.
    private var served: [Connection] = []
    /// Connections whose sockets are closed: whoever closed them may still be using the block. Behind
    /// a pointer, because every connection comes by: a property would be checked for exclusivity.
    private let closed: UnsafeMutablePointer<[Connection]>
    /// Whether the list of those closed is worked off in a moment.
    private var isServing = false

    init(uv: UnsafeMutablePointer<uv_loop_t>) throws(LoopError) {
        set = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard set >= 0 else { throw LoopError(-errno) }
        unsafe events = .allocate(capacity: Self.eventCountPerTurn)
        unsafe poll = .allocate(capacity: 1)
        unsafe idle = .allocate(capacity: 1)
        unsafe closed = .allocate(capacity: 1)
        unsafe closed.initialize(to: [])
        super.init()
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        let status = unsafe uv_poll_init(uv, poll, set)
        guard status == 0 else { throw LoopError(status) }
        unsafe poll.pointee.data = unsafe me
        unsafe uv_idle_init(uv, idle)
        unsafe idle.pointee.data = unsafe me
        unsafe uv_poll_start(poll, Int32(UV_READABLE.rawValue)) { poll, _, _ in
            unsafe Unmanaged<EpollTransport>.lend(poll?.pointee.data) { $0.serveEvents() }
        }
        // The loop runs as long as its mailbox is open.
        unsafe uv_unref(UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self))
    }

    // MARK: The socket of a connection

    override var storageByteCount: Int { MemoryLayout<EpollSocket>.size }

    @inline(__always)
    private func socket(_ connection: Connection) -> UnsafeMutablePointer<EpollSocket> {
        unsafe connection.transportStorage.assumingMemoryBound(to: EpollSocket.self)
    }

    /// Puts a socket into the set. Returns 0, or libuv's error number and closes the socket.
    private func register(
        _ descriptor: Int32,
        _ connection: Connection,
        _ flags: SocketFlags
    )
        -> Int32
    {
        let status = watch(descriptor, connection)
        guard status == 0 else {
            _ = Glibc.close(descriptor)
            return status
        }
        unsafe socket(connection).initialize(
            to: EpollSocket(descriptor: descriptor, flags: flags)
        )
        return 0
    }

    /// Has the kernel tell of what happens at a socket, beginning with what already has. Returns 0,
    /// or libuv's error number.
    private func watch(_ descriptor: Int32, _ connection: Connection) -> Int32 {
        var event = unsafe epoll_event()
        unsafe event.events = EpollEvents.all
        unsafe event.data.ptr = unsafe UnsafeMutableRawPointer(connection.block)
        return unsafe epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : -errno
    }

    override func adopt(
        _ descriptor: Int32,
        for connection: Connection,
        hasBytes: Bool
    ) -> Int32 {
        unsafe socket(connection).initialize(to: EpollSocket())
        guard hasBytes else { return register(descriptor, connection, []) }
        // Into the set only when that is read: there would be an event for it otherwise.
        unsafe socket(connection).pointee = EpollSocket(
            descriptor: descriptor,
            flags: [.isReadable, .isUnwatched]
        )
        return 0
    }

    /// Reads what a new socket has brought along, and has the kernel tell of the rest.
    private func readFirst(_ connection: Connection) {
        unsafe socket(connection).pointee.flags.remove(.isUnwatched)
        read(connection)
        let descriptor = unsafe socket(connection).pointee.descriptor
        // It may be over by now.
        guard descriptor >= 0 else { return }
        let status = watch(descriptor, connection)
        if status != 0 { connection.transportEnded(status) }
    }

    override func connect(
        _ connection: Connection,
        to address: SocketAddress,
        from local: SocketAddress?
    ) -> Int32 {
        unsafe socket(connection).initialize(to: EpollSocket())
        let descriptor = address.makeStreamSocket(boundTo: local, isNonblocking: true)
        guard descriptor >= 0 else { return -errno }
        let status = unsafe address.withSockaddr { unsafe Glibc.connect(descriptor, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else {
            let code = -errno
            _ = Glibc.close(descriptor)
            return code
        }
        // Only now: a socket that is not connecting would be reported as hung up.
        return register(descriptor, connection, .isConnecting)
    }

    private func finishConnecting(_ connection: Connection) {
        unsafe socket(connection).pointee.flags.remove(.isConnecting)
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let descriptor = unsafe socket(connection).pointee.descriptor
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        connection.transportConnected(-code)
    }

    // MARK: Events

    private func serveEvents() {
        isServing = true
        defer { isServing = false }
        let count = unsafe epoll_wait(set, events, Int32(Self.eventCountPerTurn), 0)
        for index in 0..<Int(max(0, count)) {
            let event = unsafe events[index]
            guard let block = unsafe event.data.ptr else { continue }
            let connection = unsafe Connection(
                block.assumingMemoryBound(to: ConnectionBlock.self)
            )
            serve(connection, unsafe EpollEvents(rawValue: event.events))
        }
        releaseClosed()
    }

    @inline(__always)
    private func serve(_ connection: Connection, _ events: EpollEvents) {
        // Nearly always there is nothing but bytes, for a connection that waits for just that.
        if unsafe socket(connection).pointee.flags.intersection(.decideServing) == .isReading,
            events.intersection(.decideServing) == .readable
        {
            return readOnce(connection)
        }
        serveOther(connection, events)
    }

    /// An event that brings more than bytes, or none, or that cannot be served at once.
    @inline(never)
    private func serveOther(_ connection: Connection, _ events: EpollEvents) {
        // An earlier event of this turn may have closed the socket.
        guard unsafe socket(connection).pointee.descriptor >= 0 else { return }
        if unsafe socket(connection).pointee.flags.contains(.isConnecting) {
            guard !events.isDisjoint(with: .endsWaiting) else { return }
            finishConnecting(connection)
        } else if unsafe socket(connection).pointee.flags.contains(.awaitsWritable),
            !events.isDisjoint(with: .endsWaiting)
        {
            unsafe socket(connection).pointee.flags.remove(.awaitsWritable)
            connection.transportWritable(afterSending: 0)
        }
        guard !events.isDisjoint(with: .bringsBytes) else { return }
        unsafe socket(connection).pointee.flags.insert(.isReadable)
        if !events.isDisjoint(with: .bringsTheEnd) {
            unsafe socket(connection).pointee.flags.insert(.isEnding)
        }
        read(connection)
    }

    // MARK: Reading

    override func startReading(_ connection: Connection) {
        unsafe socket(connection).pointee.flags.insert(.isReading)
        if unsafe socket(connection).pointee.flags.contains(.isUnwatched) {
            return readFirst(connection)
        }
        if unsafe socket(connection).pointee.flags.contains(.isReadable) { enqueue(connection) }
    }

    override func stopReading(_ connection: Connection) {
        unsafe socket(connection).pointee.flags.remove(.isReading)
    }

    /// Reads what an event told of. A buffer that was not filled means that nothing is left; that is
    /// how it nearly always ends.
    @inline(__always)
    private func readOnce(_ connection: Connection) {
        let space = connection.receiveSpace()
        guard space.count > 0 else { return readOn(connection, 0, of: 0) }
        let descriptor = unsafe socket(connection).pointee.descriptor
        let count = unsafe stargate_receive(descriptor, space.start, space.count)
        if count > 0, count < space.count { return connection.received(count) }
        readOn(connection, count, of: space.count)
    }

    /// A read for which there was so much room had this result: sees to it, and reads the rest.
    @inline(never)
    private func readOn(_ connection: Connection, _ count: Int, of room: Int) {
        unsafe socket(connection).pointee.flags.insert(.isReadable)
        if room > 0 { take(count, of: room, connection) }
        read(connection)
    }

    /// Reads until nothing is left, the connection pauses, or it has had its share of the turn.
    private func read(_ connection: Connection) {
        let socket = unsafe socket(connection)
        while unsafe socket.pointee.flags.isSuperset(of: .isToBeRead) {
            let space = connection.receiveSpace()
            guard space.count > 0 else { return enqueue(connection) }
            let count = unsafe stargate_receive(
                socket.pointee.descriptor,
                space.start,
                space.count
            )
            take(count, of: space.count, connection)
        }
    }

    /// Sees to what a read has brought: bytes, or why there are none.
    ///
    /// When the peer has ended its half, it is read to the end, be the buffer filled or not: the
    /// kernel will not tell of that again.
    private func take(_ count: Int, of room: Int, _ connection: Connection) {
        let socket = unsafe socket(connection)
        if count > 0 {
            guard count < room else { return connection.receivedFull(count) }
            if unsafe !socket.pointee.flags.contains(.isEnding) {
                unsafe socket.pointee.flags.remove(.isReadable)
            }
            connection.received(count)
        } else if count == 0 {
            unsafe socket.pointee.flags.remove(.isReadable)
            connection.transportEnded(UV_EOF.rawValue)
        } else if count == -Int(EAGAIN) {
            unsafe socket.pointee.flags.remove(.isReadable)
        } else if count != -Int(EINTR) {
            unsafe socket.pointee.flags.remove(.isReadable)
            connection.transportEnded(Int32(truncatingIfNeeded: count))
        }
    }

    // MARK: Writing

    override func write(
        _ connection: Connection,
        _ start: UnsafeRawPointer,
        count: Int
    ) -> Int {
        unsafe stargate_send(socket(connection).pointee.descriptor, start, count)
    }

    override func write(
        _ connection: Connection,
        _ slices: UnsafeBufferPointer<uv_buf_t>
    ) -> Int {
        let descriptor = unsafe socket(connection).pointee.descriptor
        while true {
            let count = unsafe Self.send(descriptor, slices)
            if count != -Int(EINTR) { return count }
        }
    }

    /// libuv promises that its slices are laid out as the system's.
    private static func send(
        _ descriptor: Int32,
        _ slices: UnsafeBufferPointer<uv_buf_t>
    ) -> Int {
        guard let start = slices.baseAddress else { return 0 }
        if slices.count == 1 {
            return unsafe stargate_send(descriptor, start.pointee.base, start.pointee.len)
        }
        var message = unsafe msghdr()
        unsafe message.msg_iov = unsafe UnsafeMutableRawPointer(mutating: start)
            .assumingMemoryBound(to: iovec.self)
        unsafe message.msg_iovlen = slices.count
        let count = unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
        return count >= 0 ? count : -Int(errno)
    }

    override func awaitWritable(
        _ connection: Connection,
        offering slices: UnsafeBufferPointer<uv_buf_t>
    ) {
        // The kernel refused bytes, so there will be an edge when it takes them again.
        unsafe socket(connection).pointee.flags.insert(.awaitsWritable)
    }

    // MARK: Ending

    override func shutDown(_ connection: Connection) {
        _ = unsafe Glibc.shutdown(socket(connection).pointee.descriptor, Int32(SHUT_WR))
    }

    override func close(_ connection: Connection) {
        // Closing takes a socket out of the set.
        let descriptor = unsafe socket(connection).pointee.descriptor
        if descriptor >= 0 { _ = stargate_close(descriptor) }
        unsafe socket(connection).pointee = EpollSocket()
        unsafe closed.pointee.append(connection)
        if !isServing { startIdle() }
    }

    override func reset(_ connection: Connection) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            socket(connection).pointee.descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout<Glibc.linger>.size)
        )
        close(connection)
    }

    override func remoteAddress(_ connection: Connection) -> SocketAddress? {
        unsafe SocketAddress(peerOf: socket(connection).pointee.descriptor)
    }

    override func localAddress(_ connection: Connection) -> SocketAddress? {
        unsafe SocketAddress(localOf: socket(connection).pointee.descriptor)
    }

    // MARK: What cannot wait for an event

    private func enqueue(_ connection: Connection) {
        guard unsafe !socket(connection).pointee.flags.contains(.isEnqueued) else { return }
        unsafe socket(connection).pointee.flags.insert(.isEnqueued)
        ready.append(connection)
        startIdle()
    }

    private func startIdle() {
        guard !isIdleRunning else { return }
        isIdleRunning = true
        unsafe uv_idle_start(idle) { idle in
            unsafe Unmanaged<EpollTransport>.lend(idle?.pointee.data) { $0.serveReady() }
        }
    }

    private func serveReady() {
        isServing = true
        defer { isServing = false }
        swap(&ready, &served)
        for connection in served where unsafe socket(connection).pointee.descriptor >= 0 {
            unsafe socket(connection).pointee.flags.remove(.isEnqueued)
            read(connection)
        }
        served.removeAll(keepingCapacity: true)
        releaseClosed()
        if ready.isEmpty, unsafe closed.pointee.isEmpty {
            isIdleRunning = false
            unsafe uv_idle_stop(idle)
        }
    }

    private func releaseClosed() {
        guard unsafe !closed.pointee.isEmpty else { return }
        // Releasing one may close another, at the end of the list.
        var index = 0
        while unsafe index < closed.pointee.count {
            let connection = unsafe closed.pointee[index]
            index &+= 1
            connection.transportClosed()
        }
        unsafe closed.pointee.removeAll(keepingCapacity: true)
    }

    override func stop() {
        releaseClosed()
        unsafe uv_close(
            UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self),
            nil
        )
        unsafe uv_close(
            UnsafeMutableRawPointer(idle).assumingMemoryBound(to: uv_handle_t.self),
            nil
        )
    }

    deinit {
        _ = Glibc.close(set)
        unsafe events.deallocate()
        unsafe poll.deallocate()
        unsafe idle.deallocate()
        unsafe closed.deinitialize(count: 1)
        unsafe closed.deallocate()
    }
}
#endif
