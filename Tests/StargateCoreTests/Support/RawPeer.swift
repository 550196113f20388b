// The other end of a connection as tests want it: a plain blocking socket that sends exactly the
// bytes it is told to, in exactly the segments it is told to.

import Glibc

@testable import StargateCore

/// What went wrong at the test's end of a connection.
enum RawPeerError: Error {
    case system(String, Int32)
    case timedOut
    case ended(received: [UInt8])
}

/// A blocking socket. Whatever it waits for it waits for at most `patience`, so that a fault is a
/// failed test and not a test that never ends.
final class RawPeer {
    static let patience = 30
    let descriptor: Int32
    private var isOpen = true
    /// Received and not yet asked for.
    private var surplus: [UInt8] = []
    /// How much of it was asked for meanwhile.
    private var used = 0

    /// Connects to an address.
    ///
    /// - Parameters:
    ///   - address: where somebody listens.
    ///   - receiveBuffer: the kernel's buffer for what is not read yet; small for a peer that is
    ///     to push back soon.
    /// - Throws: ``RawPeerError``.
    init(_ address: SocketAddress, receiveBuffer: Int32? = nil) throws {
        descriptor = address.makeStreamSocket()
        guard descriptor >= 0 else { throw RawPeerError.system("socket", errno) }
        if var size = receiveBuffer {
            setsockopt(
                descriptor,
                SOL_SOCKET,
                SO_RCVBUF,
                &size,
                socklen_t(MemoryLayout<Int32>.size)
            )
        }
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var on: Int32 = 1
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &on,
            socklen_t(MemoryLayout<Int32>.size)
        )
        guard address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            _ = Glibc.close(descriptor)
            isOpen = false
            throw RawPeerError.system("connect", code)
        }
    }

    /// Takes over a socket that was accepted.
    init(accepted descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    deinit { close() }

    // MARK: Sending

    /// Sends all of it, in as few segments as the kernel makes.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw RawPeerError.system("send", errno) }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends as much as the kernel takes at once. Returns how much that was.
    func sendWhatFits(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(
            0,
            bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        )
    }

    // MARK: Receiving

    /// The next bytes; empty at the end of the stream.
    func receive() throws -> [UInt8] {
        guard surplus.count > used else { return try receiveFromSocket() }
        defer { surplus = [] }
        defer { used = 0 }
        return Array(surplus[used...])
    }

    private func receiveFromSocket() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0 {
            guard errno != EAGAIN else { throw RawPeerError.timedOut }
            throw RawPeerError.system("recv", errno)
        }
        return Array(bytes[..<count])
    }

    func receive(exactly count: Int) throws -> [UInt8] {
        while surplus.count - used < count {
            surplus.removeFirst(used)
            used = 0
            let more = try receiveFromSocket()
            guard !more.isEmpty else { throw RawPeerError.ended(received: surplus) }
            surplus += more
        }
        defer { used += count }
        return Array(surplus[used..<used + count])
    }

    /// Everything up to and with an end mark, as text.
    func receive(through mark: String = "\r\n\r\n") throws -> String {
        var bytes: [UInt8] = []
        let mark = Array(mark.utf8)
        while true {
            bytes += try receive(exactly: 1)
            if bytes.suffix(mark.count).elementsEqual(mark) {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// Everything up to the end of the stream; a reset counts as an end.
    func receiveRest() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            do {
                let more = try receive()
                if more.isEmpty { return bytes }
                bytes += more
            } catch RawPeerError.system(_, ECONNRESET) {
                return bytes
            }
        }
    }

    // MARK: Ending

    /// Ends this half of the stream.
    func shutDown() { _ = Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        _ = Glibc.close(descriptor)
    }

    /// Vanishes with a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout<linger>.size)
        )
        close()
    }
}
