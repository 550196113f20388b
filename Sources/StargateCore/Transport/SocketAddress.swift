// Where a socket listens, or where its peer sits. A value of its own, so that a request can carry
// it to another thread and outlive the connection it came over.

internal import CUV

/// The address of one end of a socket: IPv4, IPv6, or a path in the file system.
public struct SocketAddress: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// The four bytes of the address in network order, as one big-endian number.
        case ipv4(UInt32, port: UInt16)
        /// The sixteen bytes of the address in network order, and the interface of a local one.
        case ipv6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
        /// Empty for the unnamed end of a socket pair or of a client.
        case unix(path: String)
    }

    let kind: Kind

    init(kind: Kind) { self.kind = kind }

    /// The address of a socket in the file system.
    ///
    /// - Parameter unixPath: at most 107 bytes; `nil` is returned for more, and for a NUL in it.
    public init?(unixPath: String) {
        guard unixPath.utf8.count <= Self.unixPathCapacity - 1, !unixPath.utf8.contains(0) else {
            return nil
        }
        kind = .unix(path: unixPath)
    }

    /// An address written in digits; no name is looked up.
    ///
    /// - Parameters:
    ///   - host: `127.0.0.1`, `::1` or `fe80::1%eth0`, without brackets. `nil` is returned for
    ///     anything else.
    ///   - port: 0 to 65535; 0 asks the system to choose one.
    public init?(host: String, port: Int) {
        guard UInt16(exactly: port) != nil else { return nil }
        var ipv4 = sockaddr_in()
        if unsafe uv_ip4_addr(host, CInt(port), &ipv4) == 0 {
            kind = Self.kind(ipv4)
            return
        }
        var ipv6 = sockaddr_in6()
        guard unsafe uv_ip6_addr(host, CInt(port), &ipv6) == 0 else { return nil }
        kind = Self.kind(ipv6)
    }

    /// The address in digits, without brackets, or the path.
    public var host: String {
        switch kind {
        case .unix(let path): path
        case .ipv4, .ipv6: numericHost
        }
    }

    /// The TCP port; 0 for a path.
    public var port: Int {
        switch kind {
        case .ipv4(_, let port), .ipv6(_, _, _, let port): Int(port)
        case .unix: 0
        }
    }

    /// Whether this is a path in the file system and not an Internet address.
    public var isUnix: Bool {
        if case .unix = kind { true } else { false }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// As in a URL: `127.0.0.1:9001`, `[::1]:9001`, or `unix:/run/stargate.sock`.
    public var description: String {
        switch kind {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

// What the system calls speak: `sockaddr_storage` and its length.
extension SocketAddress {
    /// The size of `sun_path` on Linux, with the NUL that ends it.
    static let unixPathCapacity = 108

    /// - Parameters:
    ///   - storage: filled in by `accept`, `getpeername`, `getsockname` or libuv.
    ///   - byteCount: how much of it they filled in; only a path needs it.
    init?(_ storage: sockaddr_storage, byteCount: Int = MemoryLayout<sockaddr_storage>.size) {
        let kind = unsafe withUnsafeBytes(of: storage) { bytes -> Kind? in
            switch CInt(storage.ss_family) {
            case AF_INET: unsafe Self.kind(bytes.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: unsafe Self.kind(bytes.loadUnaligned(as: sockaddr_in6.self))
            case AF_UNIX: unsafe Self.unixKind(bytes, byteCount: byteCount)
            default: nil
            }
        }
        guard let kind else { return nil }
        self.kind = kind
    }

    /// The same address as `bind` and `connect` want it, and the length they want with it.
    var socketStorage: (storage: sockaddr_storage, byteCount: Int) {
        var storage = sockaddr_storage()
        let byteCount = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            switch kind {
            case .ipv4(let address, let port):
                var ipv4 = sockaddr_in()
                ipv4.sin_family = sa_family_t(AF_INET)
                ipv4.sin_port = port.bigEndian
                ipv4.sin_addr.s_addr = address.bigEndian
                unsafe bytes.storeBytes(of: ipv4, as: sockaddr_in.self)
                return MemoryLayout<sockaddr_in>.size
            case .ipv6(let high, let low, let scope, let port):
                var ipv6 = sockaddr_in6()
                ipv6.sin6_family = sa_family_t(AF_INET6)
                ipv6.sin6_port = port.bigEndian
                ipv6.sin6_scope_id = scope
                unsafe withUnsafeMutableBytes(of: &ipv6.sin6_addr) { address in
                    unsafe address.storeBytes(of: high.bigEndian, as: UInt64.self)
                    unsafe address.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
                }
                unsafe bytes.storeBytes(of: ipv6, as: sockaddr_in6.self)
                return MemoryLayout<sockaddr_in6>.size
            case .unix(let path):
                unsafe bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                let start = MemoryLayout<sa_family_t>.size
                unsafe bytes[start...].copyBytes(from: path.utf8.prefix(Self.unixPathCapacity - 1))
                return start + Self.unixPathCapacity
            }
        }
        return (storage, byteCount)
    }

    private static func kind(_ address: sockaddr_in) -> Kind {
        .ipv4(
            UInt32(bigEndian: address.sin_addr.s_addr),
            port: UInt16(bigEndian: address.sin_port)
        )
    }

    private static func kind(_ address: sockaddr_in6) -> Kind {
        let (high, low) = unsafe withUnsafeBytes(of: address.sin6_addr) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        return .ipv6(
            high: high,
            low: low,
            scope: address.sin6_scope_id,
            port: UInt16(bigEndian: address.sin6_port)
        )
    }

    private static func unixKind(_ bytes: UnsafeRawBufferPointer, byteCount: Int) -> Kind {
        let start = MemoryLayout<sa_family_t>.size
        let end = min(byteCount, start + unixPathCapacity)
        guard end > start else { return .unix(path: "") }
        let path = unsafe bytes[start..<end].prefix { $0 != 0 }
        return unsafe .unix(path: String(decoding: path, as: UTF8.self))
    }

    /// Written by libuv, which knows the short form of an IPv6 address.
    private var numericHost: String {
        let storage = socketStorage.storage
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            let status = unsafe withUnsafePointer(to: storage) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe uv_ip_name(address, text.baseAddress, text.count)
                }
            }
            guard status == 0, let start = text.baseAddress else { return "" }
            return unsafe String(cString: start)
        }
    }
}
