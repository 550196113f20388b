internal import CUV
internal import Glibc

/// Accepts connections on one listening socket, on one loop.
///
/// libuv watches the descriptor and this class accepts, so that both are bounded: so many
/// connections per turn of the loop, and none while the process is out of descriptors. Then
/// accepting pauses and is tried again, instead of being told about the same connection without
/// end; those who wait stay in the kernel's queue.
@safe
final class Listener {
    /// More would make those who are connected wait behind a storm of those who connect.
    private static let acceptCountPerTurn = 64
    private static let queueCountMax = 4096
    private static let pauseAfterExhaustion = Duration.milliseconds(100)
    /// A second: most wants of descriptors are over by then, and nobody was turned away.
    private static let pausesBeforeRefusal = 10

    private unowned let eventLoop: EventLoop
    private let loop: Loop
    private let descriptor: Int32
    private let poll: UnsafeMutablePointer<uv_poll_t>
    private let gate: any AcceptGate
    /// Given up for a moment when no other descriptor is left, to tell those who wait that it is of
    /// no use.
    private var reserve: Int32
    private var pausesInARow = 0
    /// When it was reported last, in the loop's ticks, that connections are refused.
    private var lastReport: UInt32 = 0
    private let context: ConnectionContext
    private let report: (String) -> Void
    private var isClosed = false
    /// Whether the kernel shows connections only when they have sent something: then that is read
    /// at once, and the loop need not be told of it.
    private let areSpeaking: Bool
    /// Whether libuv has taken the socket in.
    private var isWatched = false
    private var resumeTimer: LoopTimer?

    /// - Parameters:
    ///   - eventLoop: where the connections are to live.
    ///   - descriptor: a listening socket; the listener closes it.
    ///   - context: what accepted connections begin with.
    ///   - gate: decides who is let in, and begins with those who are.
    ///   - report: is told, at most once per pause, that descriptors ran out.
    init(
        _ eventLoop: EventLoop,
        descriptor: Int32,
        context: ConnectionContext,
        gate: any AcceptGate,
        report: @escaping (String) -> Void
    ) {
        self.eventLoop = eventLoop
        loop = eventLoop.loop
        self.descriptor = descriptor
        self.context = context
        self.gate = gate
        reserve = Self.openReserve()
        self.report = report
        areSpeaking = ListeningSocket.deferAccepting(on: descriptor)
        unsafe poll = .allocate(capacity: 1)
        eventLoop.closeOnStop(self) { [unowned self] in close() }
        resume()
    }

    private func resume() {
        guard !isClosed else { return }
        if !isWatched {
            // The kernel may have no memory for it at this moment.
            let status = unsafe uv_poll_init(eventLoop.uv, poll, descriptor)
            guard status == 0 else { return pause(-status) }
            isWatched = true
            unsafe poll.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        }
        unsafe uv_poll_start(poll, Int32(UV_READABLE.rawValue)) { poll, status, _ in
            guard status == 0, let data = unsafe poll?.pointee.data else { return }
            unsafe Unmanaged<Listener>.fromOpaque(data).takeUnretainedValue().acceptBatch()
        }
    }

    private func acceptBatch() {
        eventLoop.loop.note(.accepting)
        accept(atMost: Self.acceptCountPerTurn)
    }

    private func accept(atMost count: Int) {
        let ceiling = Self.descriptorCeiling
        for _ in 0..<count {
            let (socket, address) = acceptOne()
            if socket >= 0 {
                pausesInARow = 0
                if socket < ceiling { begin(socket, address) } else { refuseAtCeiling(socket) }
                continue
            }
            switch -socket {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause(-socket)
            // The peer gave up while it waited, or the call was interrupted: on to the next.
            default: continue
            }
        }
    }

    /// From this descriptor on the process needs the rest for itself, whatever its limit is by now:
    /// libdispatch, which runs Swift's tasks, ends the process when it can open nothing.
    private static var descriptorCeiling: Int32 {
        let all = Int32(clamping: DescriptorLimit.current)
        return all - max(2, min(16, all / 16))
    }

    private func refuseAtCeiling(_ socket: Int32) {
        Self.reset(socket)
        eventLoop.loop.state.counters[AdmissionRefusal.descriptors] &+= 1
        let now = eventLoop.loop.currentTick()
        guard now &- lastReport >= DeadlineTable.ticksPerSecond else { return }
        lastReport = now
        report("connections are refused: hardly any descriptor is left")
    }

    /// The next one that waits, with its address; or the negative error number.
    private func acceptOne() -> (socket: Int32, address: SocketAddress?) {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let socket = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe stargate_accept(descriptor, $0, &size, flags)
            }
        }
        guard socket >= 0 else { return (socket, nil) }
        return (socket, SocketAddress(storage, byteCount: Int(size)))
    }

    private func begin(_ socket: Int32, _ address: SocketAddress?) {
        do throws(AdmissionRefusal) {
            let seat = try gate.admit(address)
            begin(socket, context, consume seat)
        } catch {
            loop.state.counters[error] &+= 1
            // Those that come while memory is short are not worth a block.
            guard error != .memory, let context = gate.refusalContext else {
                return Self.reset(socket)
            }
            begin(socket, context, nil)
        }
    }

    /// Ends a connection that was never begun, so that the peer hears of it at once and no state
    /// stays behind.
    private static func reset(_ socket: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<Glibc.linger>.size)
        _ = unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, size)
        _ = Glibc.close(socket)
    }

    private func begin(
        _ socket: Int32,
        _ context: ConnectionContext,
        _ seat: consuming (any ConnectionSeat)?
    ) {
        let connection = loop.state.slab.take(for: loop)
        connection.begin(context, phase: .handshake, isClient: false)
        connection.state.seat = seat
        loop.state.counters[Counter.connectionsAccepted] &+= 1
        let status = loop.withTransport {
            $0.adopt(socket, for: connection, hasBytes: areSpeaking)
        }
        guard status == 0 else { return connection.abort() }
        guard context === self.context else { return gate.beginRefusal(connection) }
        gate.begin(connection)
    }

    /// No descriptor or no memory is left: lets the loop serve who is there, and tries again later.
    private func pause(_ code: Int32) {
        guard !isClosed else { return }
        pausesInARow += 1
        if pausesInARow >= Self.pausesBeforeRefusal { refuseWithReserve() }
        if isWatched { unsafe uv_poll_stop(poll) }
        eventLoop.loop.state.counters[Counter.acceptPauses] &+= 1
        if resumeTimer == nil {
            report("accepting pauses: \(systemErrorMessage(-code))")
        }
        resumeTimer = eventLoop.schedule(after: Self.pauseAfterExhaustion) { [weak self] _ in
            self?.tryAgain()
        }
    }

    private func tryAgain() {
        let before = eventLoop.loop.state.counters[Counter.acceptPauses]
        resume()
        acceptBatch()
        if eventLoop.loop.state.counters[Counter.acceptPauses] == before { resumeTimer = nil }
    }

    /// The want of descriptors lasts: those who wait are told, instead of waiting in vain.
    private func refuseWithReserve() {
        if reserve < 0 { reserve = Self.openReserve() }
        for _ in 0..<Self.acceptCountPerTurn {
            guard reserve >= 0 else { return }
            _ = Glibc.close(reserve)
            let (socket, _) = acceptOne()
            if socket >= 0 {
                Self.reset(socket)
                eventLoop.loop.state.counters[AdmissionRefusal.descriptors] &+= 1
            }
            // Another thread may have been faster: then it is tried again with the next pause.
            reserve = Self.openReserve()
            if socket < 0 { return }
        }
    }

    private static func openReserve() -> Int32 {
        unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    /// Stops accepting and closes the socket.
    ///
    /// - Parameter acceptingTheRest: whether those who wait in the kernel's queue are accepted
    ///   before: closing the socket resets them.
    func close(acceptingTheRest: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        // Others may keep coming: no more than a queue can hold.
        if acceptingTheRest { accept(atMost: Self.queueCountMax) }
        resumeTimer?.cancel()
        eventLoop.forget(self)
        guard isWatched else {
            _ = Glibc.close(descriptor)
            return unsafe poll.deallocate()
        }
        unsafe uv_close(UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self)) {
            guard let handle = unsafe $0 else { return }
            if let data = unsafe handle.pointee.data {
                let listener = unsafe Unmanaged<Listener>.fromOpaque(data).takeRetainedValue()
                _ = Glibc.close(listener.descriptor)
                if listener.reserve >= 0 { _ = Glibc.close(listener.reserve) }
            }
            unsafe UnsafeMutableRawPointer(handle).deallocate()
        }
    }
}

/// Who decides about connections when they are accepted. Declared down here and implemented by the
/// floors above.
protocol AcceptGate: AnyObject {
    /// Lets a connection in, or says why not.
    func admit(_ address: SocketAddress?) throws(AdmissionRefusal) -> any ConnectionSeat

    /// A connection that was let in has begun.
    func begin(_ connection: Connection)

    /// What a connection that is not let in begins with, to be told why; nil when there is no room
    /// for that either.
    var refusalContext: ConnectionContext? { get }

    /// A connection with the refusal's context has begun.
    func beginRefusal(_ connection: Connection)
}
