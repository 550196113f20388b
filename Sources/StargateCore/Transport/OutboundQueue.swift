internal import CUV

/// What a connection still has to write, because the kernel refused it or because it was sent
/// outside of the connection's own callback.
///
/// A list of chunks from the loop's pool. It exists only while there is something in it: idle
/// connections have none.
@safe
struct OutboundQueue {
    private var first: UnsafeMutablePointer<Chunk>?
    private var last: UnsafeMutablePointer<Chunk>?
    /// All bytes in the queue, those offered to the transport included.
    private(set) var byteCount = 0
    /// Bytes that the transport holds on to until it says so.
    var offeredByteCount = 0
    /// When the queue grew past the soft limit; 0 while it is below.
    var overSoftLimitSince: UInt32 = 0
    /// What the kernel has taken since then.
    var consumedByteCount = 0
    /// The payload of the latest ping that could not be answered yet. RFC 6455 section 5.5.3.
    var unansweredPing: UnansweredPing?

    /// The head of a chunk; its bytes lie behind it in the same buffer.
    @safe
    private struct Chunk {
        var buffer: PooledBuffer
        /// What the chunk is instead of a buffer: a frame that others send too, retained.
        var frame: Unmanaged<EncodedFrame>?
        var next: UnsafeMutablePointer<Chunk>?
        var sent: Int

        var bytes: UnsafeRawBufferPointer {
            guard let frame = unsafe frame else {
                return unsafe UnsafeRawBufferPointer(buffer.bytes)
            }
            return unsafe frame._withUnsafeGuaranteedRef { unsafe $0.bytes }
        }
    }

    private static let headByteCount = (MemoryLayout<Chunk>.size + 15) & ~15
    /// Small enough that a thousand slow peers cost little, large enough for many small messages.
    private static let chunkCapacity = 4096 - BufferPool.slack
    /// Shared frames from here on are not copied: the copy would take 31 ns, a chunk with a
    /// reference takes 23. Below, frames pack into few slices of a write.
    static let referenceByteCountMin = 2048

    init() {}

    var isEmpty: Bool { byteCount == 0 }

    /// Copies bytes to the end of the queue.
    mutating func append(_ bytes: UnsafeRawBufferPointer, pool: inout BufferPool) {
        guard unsafe !bytes.isEmpty else { return }
        let target = unsafe chunk(withRoomFor: bytes.count, pool: &pool)
        unsafe target.pointee.buffer.append(bytes)
        byteCount += bytes.count
    }

    /// Makes room for `count` bytes in one piece and lets `body` write them.
    mutating func append(
        count: Int,
        pool: inout BufferPool,
        _ body: (UnsafeMutableRawPointer) -> Void
    ) {
        let target = unsafe chunk(withRoomFor: count, pool: &pool)
        guard let start = unsafe target.pointee.buffer.free.baseAddress else { return }
        unsafe body(start)
        unsafe target.pointee.buffer.count += count
        byteCount += count
    }

    /// Puts a frame at the end of the queue that others send too: by reference, if it is long.
    mutating func append(_ frame: EncodedFrame, pool: inout BufferPool) {
        guard frame.count >= Self.referenceByteCountMin else {
            return unsafe append(frame.bytes, pool: &pool)
        }
        refer(to: frame, from: 0)
    }

    /// Puts what is left of such a frame at the end of the queue, by reference: there is one at most
    /// for each of a thousand peers that do not read, and a chunk for each would be large.
    mutating func refer(to frame: EncodedFrame, from start: Int) {
        let chunk = UnsafeMutablePointer<Chunk>.allocate(capacity: 1)
        unsafe chunk.initialize(
            to: Chunk(buffer: .empty, frame: .passRetained(frame), next: nil, sent: start)
        )
        unsafe link(chunk)
        byteCount += frame.count &- start
    }

    private mutating func link(_ chunk: UnsafeMutablePointer<Chunk>) {
        if let last = unsafe last {
            unsafe last.pointee.next = unsafe chunk
        } else {
            unsafe first = unsafe chunk
        }
        unsafe last = unsafe chunk
    }

    private mutating func chunk(
        withRoomFor count: Int,
        pool: inout BufferPool
    ) -> UnsafeMutablePointer<Chunk> {
        if let last = unsafe last, unsafe last.pointee.buffer.free.count >= count {
            return unsafe last
        }
        var buffer = pool.take(capacity: max(Self.chunkCapacity, Self.headByteCount + count))
        pool.outputByteCount &+= buffer.capacity
        buffer.count = Self.headByteCount
        // The pool never lends an empty buffer.
        let chunk = unsafe buffer.bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(
            to: Chunk.self
        )
        unsafe chunk.initialize(
            to: Chunk(buffer: buffer, frame: nil, next: nil, sent: Self.headByteCount)
        )
        unsafe link(chunk)
        return unsafe chunk
    }

    /// Fills `slices` with what is to be written next. Returns how many were filled.
    func gather(_ slices: UnsafeMutableBufferPointer<uv_buf_t>) -> Int {
        var count = 0
        var chunk = unsafe first
        while let current = unsafe chunk, count < slices.count {
            let bytes = unsafe current.pointee.bytes
            let sent = unsafe current.pointee.sent
            if sent < bytes.count, let base = bytes.baseAddress {
                unsafe slices[count] = unsafe uv_buf_t(
                    base: UnsafeMutableRawPointer(mutating: base + sent)
                        .assumingMemoryBound(to: CChar.self),
                    len: bytes.count - sent
                )
                count += 1
            }
            unsafe chunk = unsafe current.pointee.next
        }
        return count
    }

    /// Lends the next slices that are to be written.
    func withBatch<Result>(_ body: (UnsafeBufferPointer<uv_buf_t>) -> Result) -> Result {
        var slices = unsafe InlineArray<32, uv_buf_t>(repeating: unsafe uv_buf_t())
        var span = unsafe slices.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { slices in
            let count = unsafe gather(slices)
            return unsafe body(UnsafeBufferPointer(rebasing: slices[..<count]))
        }
    }

    /// Drops the first `count` bytes: they were written.
    mutating func consume(_ count: Int, pool: inout BufferPool) {
        var left = min(count, byteCount)
        byteCount -= left
        consumedByteCount &+= left
        while let chunk = unsafe first {
            let inChunk = unsafe chunk.pointee.bytes.count - chunk.pointee.sent
            if left < inChunk {
                unsafe chunk.pointee.sent += left
                return
            }
            left -= inChunk
            removeFirst(pool: &pool)
        }
    }

    private mutating func removeFirst(pool: inout BufferPool) {
        guard let chunk = unsafe first else { return }
        unsafe first = unsafe chunk.pointee.next
        if unsafe first == nil { unsafe last = nil }
        if let frame = unsafe chunk.pointee.frame {
            unsafe frame.release()
            return unsafe chunk.deallocate()
        }
        var buffer = unsafe chunk.pointee.buffer
        pool.outputByteCount &-= buffer.capacity
        pool.give(&buffer)
    }

    /// Gives everything back.
    mutating func removeAll(pool: inout BufferPool) {
        while unsafe first != nil { removeFirst(pool: &pool) }
        byteCount = 0
    }
}

/// A ping's payload, kept in place: at most 125 bytes. RFC 6455 section 5.5.
struct UnansweredPing {
    var count: UInt8
    var bytes: InlineArray<125, UInt8>
}

/// A pointer to a connection's queue.
@safe
struct Outbound {
    private let pointer: UnsafeMutablePointer<OutboundQueue>

    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: OutboundQueue())
    }

    var queue: OutboundQueue {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Empties it, to be lent again.
    func reset() {
        unsafe pointer.pointee = OutboundQueue()
    }

    func deallocate() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }
}
