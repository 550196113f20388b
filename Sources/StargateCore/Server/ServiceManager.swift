internal import CUV
internal import Glibc

/// Tells the service manager how this process is: the protocol of sd_notify(3), without libsystemd.
///
/// With ``Server/Configuration/notifiesServiceManager`` a server does this by itself; a program
/// that has more to begin than a server does it here.
public enum ServiceManager {
    /// One thing to tell.
    public struct State: Sendable {
        let text: String

        /// The service is up, or has reloaded its configuration.
        public static let ready = State(text: "READY=1")
        /// The service is going down.
        public static let stopping = State(text: "STOPPING=1")
        /// The service is still alive. The manager restarts it when it does not hear this for
        /// ``ServiceManager/watchdogInterval``.
        public static let alive = State(text: "WATCHDOG=1")
        /// The process that is the service from now on: the next generation says so of itself.
        public static func mainProcess(_ processID: Int32) -> State {
            State(text: "MAINPID=\(processID)")
        }
        /// The service reads its configuration again; ``ready`` says that it is done.
        public static var reloading: State {
            var time = timespec()
            _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            let microseconds = time.tv_sec &* 1_000_000 &+ time.tv_nsec / 1000
            return State(text: "RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
        }
        /// A line for people, shown by `systemctl status`.
        public static func status(_ line: String) -> State {
            State(text: "STATUS=" + String(line.map { $0.isNewline ? " " : $0 }))
        }
    }

    /// Tells the manager.
    ///
    /// - Returns: false when there is none, or it did not take the message: it may be ignored.
    @discardableResult
    public static func notify(_ states: State...) -> Bool {
        guard let path = variable("NOTIFY_SOCKET") else { return false }
        return notify(states, at: path)
    }

    /// How often the manager wants to hear ``State/alive``; nil when it does not. Half of that is
    /// a good interval.
    public static var watchdogInterval: Duration? {
        guard let microseconds = variable("WATCHDOG_USEC").flatMap({ Int64($0) }), microseconds > 0
        else { return nil }
        if let owner = variable("WATCHDOG_PID"), owner != "\(getpid())" { return nil }
        return .microseconds(microseconds)
    }

    /// Tells the manager at a path; one that begins with `@` is abstract.
    static func notify(_ states: [State], at path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/") || bytes.first == UInt8(ascii: "@"),
            bytes.count < SocketAddress.unixPathCapacity
        else { return false }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        let message = Array(states.map(\.text).joined(separator: "\n").utf8)
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, size)
            }
        }
        return sent == message.count
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
