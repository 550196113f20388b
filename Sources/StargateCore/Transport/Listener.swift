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

    private unowned let eventLoop: EventLoop
    private let descriptor: Int32
    private let poll: UnsafeMutablePointer<uv_poll_t>
    private let accepted: (Connection) -> Void
    private let context: ConnectionContext
    private let report: (String) -> Void
    private var isClosed = false
    /// Whether libuv has taken the socket in.
    private var isWatched = false
    private var resumeTimer: LoopTimer?

    /// - Parameters:
    ///   - eventLoop: where the connections are to live.
    ///   - descriptor: a listening socket; the listener closes it.
    ///   - context: what accepted connections begin with.
    ///   - report: is told, at most once per pause, that descriptors ran out.
    ///   - accepted: called with each new connection.
    init(
        _ eventLoop: EventLoop,
        descriptor: Int32,
        context: ConnectionContext,
        report: @escaping (String) -> Void,
        accepted: @escaping (Connection) -> Void
    ) {
        self.eventLoop = eventLoop
        self.descriptor = descriptor
        self.context = context
        self.report = report
        self.accepted = accepted
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
        for _ in 0..<count {
            let socket = accept4(
                descriptor,
                nil,
                nil,
                Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            )
            if socket >= 0 {
                begin(socket)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pause(errno)
            // The peer gave up while it waited, or the call was interrupted: on to the next.
            default: continue
            }
        }
    }

    private func begin(_ socket: Int32) {
        let loop = eventLoop.loop
        let connection = loop.state.slab.take(for: loop)
        connection.begin(context, phase: .handshake, isClient: false)
        loop.state.counters.connectionsAccepted &+= 1
        let status = loop.withTransport { $0.adopt(socket, for: connection) }
        guard status == 0 else { return connection.abort() }
        accepted(connection)
    }

    /// No descriptor or no memory is left: lets the loop serve who is there, and tries again later.
    private func pause(_ code: Int32) {
        guard !isClosed else { return }
        if isWatched { unsafe uv_poll_stop(poll) }
        eventLoop.loop.state.counters.acceptPauses &+= 1
        if resumeTimer == nil {
            report("accepting pauses: \(systemErrorMessage(-code))")
        }
        resumeTimer = eventLoop.schedule(after: Self.pauseAfterExhaustion) { [weak self] _ in
            self?.tryAgain()
        }
    }

    private func tryAgain() {
        let before = eventLoop.loop.state.counters.acceptPauses
        resume()
        acceptBatch()
        if eventLoop.loop.state.counters.acceptPauses == before { resumeTimer = nil }
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
            }
            unsafe UnsafeMutableRawPointer(handle).deallocate()
        }
    }
}
