#if os(Linux)
internal import CUV

/// What ``EpollTransport`` keeps behind a connection's block.
@safe
struct EpollSocket {
    var descriptor: Int32 = -1
    var flags: SocketFlags = []
}

/// What is known of a socket beside what its connection knows.
struct SocketFlags: OptionSet {
    let rawValue: UInt8

    static let isConnecting = SocketFlags(rawValue: 1 << 0)
    /// The connection wants to be given what arrives.
    static let isReading = SocketFlags(rawValue: 1 << 1)
    /// Bytes may lie in the kernel's buffer.
    static let isReadable = SocketFlags(rawValue: 1 << 2)
    /// The peer's half has ended, or is broken: it is read to its end.
    static let isEnding = SocketFlags(rawValue: 1 << 3)
    /// The kernel refused bytes.
    static let awaitsWritable = SocketFlags(rawValue: 1 << 4)
    /// It is on the list of those that are to be read without an event.
    static let isEnqueued = SocketFlags(rawValue: 1 << 5)

    /// It is not in the set yet.
    static let isUnwatched = SocketFlags(rawValue: 1 << 6)

    // Constants, because they are asked for with every read.
    static let isToBeRead: SocketFlags = [.isReading, .isReadable]
    /// What decides how an event is served: bytes are read at once if, of these, only ``isReading``
    /// is set, which it is for no socket that was closed.
    static let decideServing: SocketFlags = [
        .isConnecting, .isReading, .isReadable, .isEnding, .awaitsWritable,
    ]
}

/// epoll's events, under the names of what they mean here.
struct EpollEvents: OptionSet {
    let rawValue: UInt32

    static let readable = EpollEvents(rawValue: EPOLLIN.rawValue)
    static let writable = EpollEvents(rawValue: EPOLLOUT.rawValue)
    static let ending = EpollEvents(rawValue: EPOLLRDHUP.rawValue)
    static let broken = EpollEvents(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)

    static let bringsTheEnd: EpollEvents = [.ending, .broken]
    /// What decides how an event is served.
    static let decideServing: EpollEvents = [.readable, .ending, .broken]
    static let bringsBytes: EpollEvents = [.readable, .ending, .broken]
    static let endsWaiting: EpollEvents = [.writable, .broken]

    /// What a socket is registered for.
    static let all =
        EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
}
#endif
