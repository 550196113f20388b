internal import CUV
internal import Glibc
internal import Synchronization

/// Lines on standard error, for a caller that must never wait: the callers are event loops.
struct StandardErrorLog {
    static let shared = Lock(StandardErrorLog(descriptor: STDERR_FILENO))

    /// What a pipe takes whole or not at all, and what the system promises room for when it says
    /// that a pipe can be written to.
    private static let lineByteCountMax = 4096
    private static let linesPerSecond = 100

    private let descriptor: Int32
    private let clock: () -> UInt64
    private var second: UInt64 = 0
    private var lineCount = 0
    private(set) var droppedCount = 0

    /// - Parameters:
    ///   - descriptor: where the lines go. It is shared with others, so it is left blocking.
    ///   - clock: seconds, from any beginning.
    init(
        descriptor: Int32,
        clock: @escaping @Sendable () -> UInt64 = { uv_hrtime() / 1_000_000_000 }
    ) {
        self.descriptor = descriptor
        self.clock = clock
    }

    /// Writes a line, or counts it as dropped.
    mutating func write(_ text: String) {
        let now = clock()
        if now != second {
            second = now
            lineCount = 0
        }
        guard lineCount < Self.linesPerSecond, isWritable else { return droppedCount += 1 }
        lineCount += 1
        let dropped = droppedCount == 0 ? "" : "(\(droppedCount) lines before this were dropped) "
        var bytes = Array((dropped + text).utf8.prefix(Self.lineByteCountMax - 1))
        bytes.append(UInt8(ascii: "\n"))
        let written = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if written > 0 { droppedCount = 0 } else { droppedCount += 1 }
    }

    /// Whether a line can be written without waiting. The lock keeps the server's threads from
    /// filling the same pipe in between; another process may, but then there is room for its line
    /// and for this one nearly always.
    private var isWritable: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let count = unsafe poll(&entry, 1, 0)
        return count == 1 && entry.revents & Int16(POLLOUT) != 0
            && entry.revents & Int16(POLLERR | POLLNVAL | POLLHUP) == 0
    }
}
