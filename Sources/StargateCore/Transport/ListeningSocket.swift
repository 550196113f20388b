internal import CUV
internal import Glibc

/// Makes listening sockets.
///
/// libuv has no flag for SO_REUSEPORT before 1.49, so sockets are made here and handed to it. With
/// that flag every loop has a socket of its own and the kernel spreads the connections.
enum ListeningSocket {
    /// Why there is no socket.
    struct Failure: Error {
        /// The positive error number.
        let code: Int32
        let step: StaticString
    }

    /// Opens a socket that listens on a TCP address.
    ///
    /// - Parameters:
    ///   - address: what to listen on.
    ///   - backlog: how many connections the kernel keeps waiting.
    ///   - isShared: whether several sockets listen on the address. Not set for a single one,
    ///     because then a second program on the same port would go unnoticed.
    /// - Returns: the descriptor.
    /// - Throws: ``Failure``; nothing is left open then.
    static func open(
        _ address: SocketAddress,
        backlog: Int,
        isShared: Bool
    ) throws(Failure) -> Int32 {
        let descriptor = address.makeStreamSocket()
        guard descriptor >= 0 else { throw Failure(code: errno, step: "socket") }
        do throws(Failure) {
            try set(SO_REUSEADDR, on: descriptor)
            if isShared { try set(SO_REUSEPORT, on: descriptor) }
            if address.isIPv6 { try set(IPV6_V6ONLY, level: Int32(IPPROTO_IPV6), on: descriptor) }
            // Inherited by the connections that are accepted: it need not be set on each.
            try set(TCP_NODELAY, level: Int32(IPPROTO_TCP), on: descriptor)
            try bindAndListen(descriptor, address, backlog)
        } catch {
            _ = close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Makes sure that nobody listens on an address, and has the system choose a port for 0.
    ///
    /// Sockets that share an address do not notice another program's that does the same: its
    /// clients would be split between both.
    static func probe(_ address: SocketAddress) throws(Failure) -> SocketAddress {
        let descriptor = address.makeStreamSocket()
        guard descriptor >= 0 else { throw Failure(code: errno, step: "socket") }
        defer { _ = close(descriptor) }
        try set(SO_REUSEADDR, on: descriptor)
        if address.isIPv6 { try set(IPV6_V6ONLY, level: Int32(IPPROTO_IPV6), on: descriptor) }
        guard unsafe address.withSockaddr({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw Failure(code: errno, step: "bind")
        }
        return SocketAddress(localOf: descriptor) ?? address
    }

    /// Opens a Unix domain socket, replacing a socket file that nobody listens on any more.
    static func open(unixPath path: String, backlog: Int) throws(Failure) -> Int32 {
        guard let address = SocketAddress(unixPath: path) else {
            throw Failure(code: ENAMETOOLONG, step: "bind")
        }
        if isAbandoned(path, address) { _ = unsafe unlink(path) }
        let descriptor = address.makeStreamSocket()
        guard descriptor >= 0 else { throw Failure(code: errno, step: "socket") }
        do throws(Failure) {
            try bindAndListen(descriptor, address, backlog)
        } catch {
            _ = close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Whether a socket file is there that refuses connections.
    private static func isAbandoned(_ path: String, _ address: SocketAddress) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return false
        }
        let probe = address.makeStreamSocket()
        guard probe >= 0 else { return false }
        defer { _ = close(probe) }
        let result = unsafe address.withSockaddr { unsafe connect(probe, $0, $1) }
        return result != 0 && errno == ECONNREFUSED
    }

    /// Has the kernel keep connections to itself until their clients have said something, but no
    /// longer than a second or two: then it shows them as they are. tcp(7), TCP_DEFER_ACCEPT.
    ///
    /// A client of HTTP or TLS speaks first, and so does a proxy with a PROXY header: whoever is
    /// shown can be read at once. One that says nothing costs the kernel a small entry instead of
    /// this process a connection, and comes to its deadline a second later.
    ///
    /// - Returns: whether it does; sockets in the file system have no such thing.
    static func deferAccepting(on descriptor: Int32) -> Bool {
        #if os(Linux)
        var seconds: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        let option = Int32(TCP_DEFER_ACCEPT)
        return unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), option, &seconds, size) == 0
        #else
        return false
        #endif
    }

    private static func bindAndListen(
        _ descriptor: Int32,
        _ address: SocketAddress,
        _ backlog: Int
    ) throws(Failure) {
        guard unsafe address.withSockaddr({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw Failure(code: errno, step: "bind")
        }
        guard listen(descriptor, Int32(clamping: backlog)) == 0 else {
            throw Failure(code: errno, step: "listen")
        }
    }

    private static func set(
        _ option: Int32,
        level: Int32 = SOL_SOCKET,
        _ value: Int32 = 1,
        on descriptor: Int32
    ) throws(Failure) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(descriptor, level, option, &value, size) == 0 else {
            throw Failure(code: errno, step: "setsockopt")
        }
    }
}
