// How many bytes went over the sockets of this process? The kernel counts them for each connection,
// with TLS and compression in them and without the headers of TCP.

internal import Glibc

/// Bytes of all TCP connections of this process.
struct WireCount: Sendable, Equatable {
    var sent: UInt64 = 0
    var received: UInt64 = 0

    /// Asks every socket; a system call for each descriptor.
    static func ofThisProcess() -> WireCount {
        var sum = WireCount()
        for name in ProcFile.names(in: "/proc/self/fd") {
            guard let descriptor = Int32(name) else { continue }
            sum.add(descriptor)
        }
        return sum
    }

    func since(_ earlier: WireCount) -> WireCount {
        WireCount(sent: sent.minus(earlier.sent), received: received.minus(earlier.received))
    }

    /// `struct tcp_info` of linux/tcp.h: eight bytes, 24 words of 32 bits, two of 64, then
    /// tcpi_bytes_acked and tcpi_bytes_received. It only ever grows at its end.
    private static let ackedOffset = 120
    private static let receivedOffset = 128

    private mutating func add(_ descriptor: Int32) {
        var info = [UInt8](repeating: 0, count: 192)
        var size = socklen_t(info.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0,
            Int(size) >= Self.receivedOffset + 8
        else { return }
        info.withUnsafeBytes { bytes in
            sent &+= bytes.loadUnaligned(fromByteOffset: Self.ackedOffset, as: UInt64.self)
            received &+= bytes.loadUnaligned(fromByteOffset: Self.receivedOffset, as: UInt64.self)
        }
    }
}
