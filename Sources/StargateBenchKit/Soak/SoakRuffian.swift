// The bad clients of a soak: plain sockets on a thread of their own, one after the other.

internal import Glibc
internal import StargateCore
internal import Synchronization

/// Misbehaves towards a server again and again, and counts whether the server gets rid of it.
final class SoakRuffian: Sendable {
    /// A server's limit for a handshake is ten seconds, for the goodbye five.
    private static let patienceSeconds = 25

    private struct State {
        var ledger = SoakLedger()
        var isStopping = false
        var isResting = false
        var isOver = false
    }

    private let port: UInt16
    private let interval: TimeSpan
    private let state = Lock(State())

    /// What a bad client does.
    private enum Manner: CaseIterable {
        /// No HTTP at all.
        case garbage
        /// A head that is longer than any.
        case longHead
        /// A request that never ends.
        case halfRequest
        /// A frame that is not masked. RFC 6455 section 5.1.
        case unmasked
        /// A reserved opcode.
        case badOpcode
        /// A length that no message may have.
        case hugeLength
        /// Text that is not UTF-8.
        case badText
        /// Goes with a reset, in the middle of a frame.
        case reset
    }

    init(port: Int, interval: TimeSpan) {
        self.port = UInt16(clamping: port)
        self.interval = interval
    }

    var ledger: SoakLedger { state.withLock(\.ledger) }

    /// Lets no further bad client come until it may again; who is there stays for as long as the
    /// server has patience.
    func rest(_ isResting: Bool) { state.withLock { $0.isResting = isResting } }

    /// Waits until the last bad client is gone.
    func stop() {
        state.withLock { $0.isStopping = true }
        for _ in 0..<Self.patienceSeconds * 10 where !state.withLock(\.isOver) { usleep(100_000) }
    }

    /// Misbehaves until it is told to stop.
    func start() {
        let thread = try? PlatformThread {
            self.run()
            self.state.withLock { $0.isOver = true }
        }
        thread?.detach()
    }

    private func run() {
        while !state.withLock(\.isStopping) {
            for manner in Manner.allCases.shuffled() {
                while state.withLock({ $0.isResting && !$0.isStopping }) { usleep(100_000) }
                guard !state.withLock(\.isStopping) else { return }
                let isGone = behave(manner)
                state.withLock { state in
                    if isGone { state.ledger.hostile += 1 } else { state.ledger.tolerated += 1 }
                }
                usleep(UInt32(clamping: interval.nanoseconds / 1000))
            }
        }
    }

    /// Returns whether the server ended the connection.
    private func behave(_ manner: Manner) -> Bool {
        guard let descriptor = connect() else { return false }
        defer { close(descriptor) }
        switch manner {
        case .garbage: send(descriptor, [0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
        case .longHead:
            send(descriptor, Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8))
            send(descriptor, [UInt8](repeating: 120, count: 64 << 10))
        case .halfRequest: send(descriptor, Array("GET / HTTP/1.1\r\nHo".utf8))
        case .unmasked: frame(descriptor, [0x81, 0x01, 0x78])
        case .badOpcode: frame(descriptor, [0x8B, 0x80, 0, 0, 0, 0])
        case .hugeLength:
            frame(descriptor, [0x82, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 7))
        case .badText: frame(descriptor, [0x81, 0x82, 0, 0, 0, 0, 0xC0, 0x80])
        case .reset:
            frame(descriptor, [0x82, 0xFE, 0x10, 0x00, 1, 2, 3, 4, 5, 6])
            var linger = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<Glibc.linger>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, size)
            return true
        }
        return waitForEnd(descriptor)
    }

    private func frame(_ descriptor: Int32, _ bytes: [UInt8]) {
        let request =
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        send(descriptor, Array(request.utf8) + bytes)
    }

    private func connect() -> Int32? {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return nil }
        var limit = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private func send(_ descriptor: Int32, _ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func waitForEnd(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count == 0 { return true }
            // Out of patience, or a reset, which is an end too.
            if count < 0 { return errno != EAGAIN }
        }
    }
}
