internal import CUV
internal import Glibc

// What the transport does with addresses: sockets for them, and the addresses of sockets.

extension SocketAddress {
    var isIPv6: Bool {
        if case .ipv6 = kind { true } else { false }
    }

    /// Whether it stands for every interface: a connection's own end has another address then.
    var isWildcard: Bool {
        switch kind {
        case .ipv4(let address, _): address == 0
        case .ipv6(let high, let low, _, _): high | low == 0
        case .unix: false
        }
    }

    /// Lends the address as the system calls want it.
    func withSockaddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var (storage, byteCount) = socketStorage
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(truncatingIfNeeded: byteCount))
            }
        }
    }

    /// A stream socket of the address's family, closed on exec, or -1 with `errno` set.
    func makeStreamSocket(isNonblocking: Bool = false) -> Int32 {
        let family =
            switch kind {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        let nonblocking = isNonblocking ? SOCK_NONBLOCK.rawValue : 0
        return socket(
            family,
            Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | nonblocking),
            0
        )
    }

    /// The same for a connection from a local address, with a port of the system's choice. Returns
    /// -1 and leaves `errno` behind when that is not possible.
    func makeStreamSocket(boundTo local: SocketAddress?, isNonblocking: Bool = false) -> Int32 {
        let descriptor = makeStreamSocket(isNonblocking: isNonblocking)
        guard let local, descriptor >= 0 else { return descriptor }
        #if os(Linux)
        // The port is chosen when the other end is known, so each pair has all ports: ip(7).
        var isOn: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IP), 24, &isOn, size)
        #endif
        guard unsafe local.withSockaddr({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            _ = close(descriptor)
            errno = code
            return -1
        }
        return descriptor
    }

    /// The address of the socket's other end; nil when it has none any more.
    init?(peerOf descriptor: Int32) {
        unsafe self.init { unsafe getpeername(descriptor, $0, $1) }
    }

    /// The address of the socket's own end.
    init?(localOf descriptor: Int32) {
        unsafe self.init { unsafe getsockname(descriptor, $0, $1) }
    }

    private init?(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) {
        var storage = sockaddr_storage()
        var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe ask($0, &byteCount)
            }
        }
        guard status == 0 else { return nil }
        self.init(storage, byteCount: Int(byteCount))
    }

    /// Looks a name up, blocking. For start-up; digits are not looked up.
    static func resolve(_ host: String, port: Int) -> SocketAddress? {
        if let address = SocketAddress(host: host, port: port) { return address }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &found) == 0, let found = unsafe found else {
            return nil
        }
        defer { unsafe freeaddrinfo(found) }
        return unsafe SocketAddress(found.pointee, port: port)
    }

    /// The first address of a lookup's answer, with a port.
    init?(_ information: addrinfo, port: Int) {
        guard let pointer = unsafe information.ai_addr, let port = UInt16(exactly: port) else {
            return nil
        }
        var storage = sockaddr_storage()
        let byteCount = min(
            Int(unsafe information.ai_addrlen),
            MemoryLayout<sockaddr_storage>.size
        )
        unsafe withUnsafeMutableBytes(of: &storage) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: byteCount))
        }
        guard let address = SocketAddress(storage, byteCount: byteCount) else { return nil }
        self = address.with(port: port)
    }

    /// The same address with another port; a path has none.
    func with(port: UInt16) -> SocketAddress {
        switch kind {
        case .ipv4(let address, _): SocketAddress(kind: .ipv4(address, port: port))
        case .ipv6(let high, let low, let scope, _):
            SocketAddress(kind: .ipv6(high: high, low: low, scope: scope, port: port))
        case .unix: self
        }
    }
}
