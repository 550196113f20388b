/// One direction of a connection in memory: what was written and not read, up to a window.
@safe
package final class ByteStream {
    private var bytes: [UInt8] = []
    /// How many of them were read.
    private var readCount = 0
    /// The most bytes that wait to be read: the buffers of both kernels, and the network between.
    package var window: Int
    /// The writer writes nothing more: once everything is read, the reader is at the end.
    package var isEnded = false
    /// The connection was cut: nothing is written, and nothing is read any more.
    package private(set) var isReset = false
    /// How many bytes were written so far.
    package private(set) var writtenByteCount: UInt64 = 0
    private var isLending = false
    /// Set when the reader went while bytes were lent to it.
    private var readerLeft: ((_ hasUnreadBytes: Bool) -> Void)?

    package init(window: Int = .max) {
        self.window = window
    }

    /// How many bytes wait to be read.
    package var count: Int { bytes.count - readCount }

    /// How many bytes may be written now.
    package var room: Int { isReset || isEnded ? 0 : max(0, window - count) }

    /// Whether everything was read, and nothing will follow.
    package var isAtEnd: Bool { isEnded && count == 0 }

    /// Writes bytes, as many as there is room for. Returns how many.
    package func write(_ source: UnsafeRawBufferPointer) -> Int {
        let taken = min(room, source.count)
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: source[..<taken]))
        writtenByteCount += UInt64(taken)
        return taken
    }

    /// Writes bytes, whether or not there is room for them.
    package func write(_ source: [UInt8]) {
        guard !isEnded, !isReset else { return }
        bytes += source
        writtenByteCount += UInt64(source.count)
    }

    /// Lends up to `limit` bytes that wait; `body` returns how many it has read.
    package func read(limit: Int = .max, _ body: (UnsafeRawBufferPointer) -> Int) {
        let lent = min(count, limit)
        let range = readCount..<readCount + lent
        // A copy, because whoever reads may cut the stream while he does.
        let stable = bytes
        isLending = true
        let used = unsafe stable.withUnsafeBytes { all in
            unsafe body(UnsafeRawBufferPointer(rebasing: all[range]))
        }
        isLending = false
        guard !isReset else { return }
        readCount += min(used, lent)
        if let left = readerLeft {
            readerLeft = nil
            return endReading(left)
        }
        if readCount == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            readCount = 0
        } else if readCount > 1 << 16 {
            bytes.removeFirst(readCount)
            readCount = 0
        }
    }

    /// Takes everything that waits.
    package func readAll() -> [UInt8] {
        let taken = readCount == 0 ? bytes : Array(bytes[readCount...])
        bytes = []
        readCount = 0
        return taken
    }

    /// The reader closes: nothing is read any more, and what is written is lost.
    ///
    /// - Parameter completion: told whether bytes were there that had not been read. Within a read
    ///   that is known when the read is over.
    package func endReading(_ completion: @escaping (_ hasUnreadBytes: Bool) -> Void) {
        guard !isLending else {
            readerLeft = completion
            return
        }
        let hasUnreadBytes = count > 0
        reset()
        completion(hasUnreadBytes)
    }

    /// Cuts the stream: what waits is lost.
    package func reset() {
        isReset = true
        bytes = []
        readCount = 0
    }
}
