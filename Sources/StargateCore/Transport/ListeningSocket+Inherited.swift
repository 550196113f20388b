internal import CUV
internal import Glibc

extension ListeningSocket {
    /// Makes a socket that another process opened fit for a loop.
    ///
    /// - Throws: ``Failure`` when it is no listening stream socket; it is left open then.
    static func adopt(_ descriptor: Int32) throws(Failure) {
        guard try option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
            try option(SO_ACCEPTCONN, of: descriptor) != 0
        else { throw Failure(code: EINVAL, step: "listening socket") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        // Inherited by the connections that are accepted; a Unix domain socket has no such option.
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    }

    /// Another descriptor for the same socket, not for children.
    static func duplicate(_ descriptor: Int32) throws(Failure) -> Int32 {
        let other = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard other >= 0 else { throw Failure(code: errno, step: "fcntl") }
        return other
    }

    private static func option(_ name: Int32, of descriptor: Int32) throws(Failure) -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 else {
            throw Failure(code: errno, step: "getsockopt")
        }
        return value
    }
}
