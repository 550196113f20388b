// How one generation of a server hands its listening sockets to the next: over a Unix domain
// socket, as descriptors (unix(7), SCM_RIGHTS). Both generations accept on the same sockets for a
// moment, so no connection is refused; then the older one says goodbye to its peers.
//
//   next  → connects
//   older → 'F' with up to 64 descriptors, as often as needed, then 'E'
//   next  → 'T' when it listens: the older one stops
//
// If the next one dies before its 'T', nothing has happened.

internal import CUV
internal import Glibc
internal import Synchronization

/// The end of the older generation.
final class HandoverServer: Sendable {
    static let descriptorsPerMessage = 64
    /// How long the next generation may take from being given the sockets to listening on them.
    private static let patienceSeconds = 60

    private let path: String
    private let listener: Int32
    /// Writing here ends the thread.
    private let bell: (reading: Int32, writing: Int32)
    private let descriptors: [Int32]
    private let taken: @Sendable () -> Void
    private let life = Lock(Life())

    private struct Life {
        var thread: PlatformThread?
        var wasTaken = false
    }

    /// Listens on `path`, in place of whoever did before.
    ///
    /// - Parameters:
    ///   - path: of the Unix domain socket.
    ///   - descriptors: what is handed over; duplicated here, so that they can be closed elsewhere.
    ///   - taken: called on another thread when the next generation listens.
    /// - Throws: ``ListeningSocket/Failure`` in the system's words.
    init(
        _ path: String,
        _ descriptors: [Int32],
        taken: @escaping @Sendable () -> Void
    ) throws(ListeningSocket.Failure) {
        self.path = path
        self.taken = taken
        // Made beside it and moved over it: at every moment somebody answers there.
        let draft = "\(path).\(getpid())"
        _ = unsafe unlink(draft)
        listener = try ListeningSocket.open(unixPath: draft, backlog: 8)
        _ = unsafe chmod(draft, 0o600)
        var ends: [Int32] = [-1, -1]
        guard unsafe rename(draft, path) == 0, unsafe pipe(&ends) == 0 else {
            let code = errno
            _ = close(listener)
            throw ListeningSocket.Failure(code: code, step: "rename")
        }
        bell = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var copies: [Int32] = []
        for descriptor in descriptors { copies.append(try ListeningSocket.duplicate(descriptor)) }
        self.descriptors = copies
        start()
    }

    private func start() {
        guard let thread = try? PlatformThread({ self.run() }) else { return }
        life.withLock { $0.thread = thread }
    }

    /// Hands nothing over any more. The file stays when another generation listens on it.
    func stop() {
        var byte: UInt8 = 0
        _ = unsafe write(bell.writing, &byte, 1)
        let (thread, wasTaken) = life.withLock { life in
            defer { life.thread = nil }
            return (life.thread, life.wasTaken)
        }
        thread?.join()
        if !wasTaken { _ = unsafe unlink(path) }
    }

    deinit {
        _ = close(listener)
        _ = close(bell.reading)
        _ = close(bell.writing)
        for descriptor in descriptors { _ = close(descriptor) }
    }

    // MARK: The thread

    private func run() {
        while wait(for: listener, seconds: nil) {
            let connection = accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
            guard connection >= 0 else {
                // Nothing is left to accept it with, perhaps for long.
                guard rest() else { return }
                continue
            }
            let isTaken = handOver(to: connection)
            _ = close(connection)
            guard isTaken else { continue }
            life.withLock { $0.wasTaken = true }
            return taken()
        }
    }

    private func handOver(to connection: Int32) -> Bool {
        // The sockets are for the user who runs this server, and for root.
        let user = stargate_peer_user(connection)
        guard user == 0 || user == Int(geteuid()) else { return false }
        var rest = descriptors[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Self.descriptorsPerMessage))
            rest = rest.dropFirst(Self.descriptorsPerMessage)
            guard
                unsafe stargate_send_descriptors(
                    connection,
                    CChar(bitPattern: UInt8(ascii: "F")),
                    part,
                    Int32(part.count)
                ) == 0
            else { return false }
        }
        let end = CChar(bitPattern: UInt8(ascii: "E"))
        guard stargate_send_descriptors(connection, end, nil, 0) == 0 else { return false }
        guard wait(for: connection, seconds: Self.patienceSeconds) else { return false }
        var byte: UInt8 = 0
        return unsafe read(connection, &byte, 1) == 1 && byte == UInt8(ascii: "T")
    }

    /// Waits for a moment. Returns false when the thread is to end.
    private func rest() -> Bool {
        var end = pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&end, 1, 100) <= 0
    }

    /// Returns false when the thread is to end, or the time is over.
    private func wait(for descriptor: Int32, seconds: Int?) -> Bool {
        while true {
            var waiting = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe poll(&waiting, 2, seconds.map { Int32($0 * 1000) } ?? -1)
            if count < 0, errno == EINTR { continue }
            return count > 0 && waiting[1].revents == 0
        }
    }
}

/// The end of the next generation.
final class HandoverClient: Sendable {
    private static let patienceSeconds = 10

    private let connection: Int32
    /// What was handed over; whoever has this object closes them.
    let descriptors: [Int32]

    /// Asks whoever listens on `path` for its sockets. Nil when nobody does.
    init?(_ path: String) throws(ListeningSocket.Failure) {
        guard let address = SocketAddress(unixPath: path) else {
            throw ListeningSocket.Failure(code: ENAMETOOLONG, step: "connect")
        }
        let connection = address.makeStreamSocket()
        guard connection >= 0 else { throw ListeningSocket.Failure(code: errno, step: "socket") }
        guard unsafe address.withSockaddr({ unsafe connect(connection, $0, $1) }) == 0 else {
            _ = close(connection)
            return nil
        }
        var limit = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        var received: [Int32] = []
        var mark: CChar = 0
        while true {
            var part = [Int32](repeating: -1, count: HandoverServer.descriptorsPerMessage)
            let count = unsafe stargate_receive_descriptors(connection, &mark, &part)
            if count > 0 { received += part[..<Int(count)] }
            if count >= 0, mark == CChar(bitPattern: UInt8(ascii: "F")) { continue }
            guard count >= 0, mark == CChar(bitPattern: UInt8(ascii: "E")) else {
                for descriptor in received { _ = close(descriptor) }
                _ = close(connection)
                throw ListeningSocket.Failure(code: EPROTO, step: "taking over")
            }
            break
        }
        descriptors = received
        self.connection = connection
    }

    /// Says that this generation listens.
    func confirm() {
        var byte = UInt8(ascii: "T")
        _ = unsafe send(connection, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    deinit { _ = close(connection) }
}
