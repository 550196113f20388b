/// The one buffer of a loop that gathers what a connection sends while it is being read.
///
/// Frames are encoded straight into it, and everything leaves in one system call when the read
/// callback returns. 128 KiB, because a smaller cork splits the answers to a full read. It belongs
/// to the connection that has ``ConnectionFlags/isCorked`` set: none, or one.
@safe
struct CorkBuffer {
    static let capacity = 128 << 10
    /// Room for a header and the longest control frame, several times.
    private static let limitMin = 1 << 10

    /// Payloads from here on are not copied here but written from where they lie.
    private static let throughByteCountMin = 32 << 10
    /// The same when nothing follows that could share the system call.
    private static let lastThroughByteCountMin = 2 << 10

    let base: UnsafeMutableRawPointer
    /// How much of the capacity is used.
    private var limit = Self.capacity
    private(set) var count = 0
    /// From how many bytes on a payload is written from where it lies.
    private(set) var throughByteCountMin = Self.throughByteCountMin

    init() {
        unsafe base = .allocate(byteCount: Self.capacity + BufferPool.slack, alignment: 64)
    }

    @inline(__always)
    var available: Int { limit &- count }

    /// The first free byte.
    @inline(__always)
    var end: UnsafeMutableRawPointer { unsafe base + count }

    @inline(__always)
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// What the cork holds was promised to be sent, and joins the queue of a peer that does not
    /// read: it must not be longer than that queue may be.
    mutating func limit(to byteCount: Int) {
        limit = min(limit, max(Self.limitMin, byteCount))
    }

    /// The message that is delivered next is the last of its read: an answer to it that is not
    /// short needs no copy in order to leave with others in one system call.
    @inline(__always)
    mutating func expectsLast(_ payloadByteCount: Int) {
        guard payloadByteCount >= Self.lastThroughByteCountMin else { return }
        throughByteCountMin = Self.lastThroughByteCountMin
    }

    /// More may follow.
    @inline(__always)
    mutating func expectsMore() { throughByteCountMin = Self.throughByteCountMin }

    @inline(__always)
    mutating func commit(_ byteCount: Int) {
        assert(byteCount <= available, "the cork overflows")
        count &+= byteCount
    }

    @inline(__always)
    mutating func empty() { count = 0 }

    /// The payloads that ``copyShort(_:count:to:)`` copies.
    static let shortByteCounts = 16...32

    /// Copies a short payload in two steps that may overlap, for less than a call costs.
    @inline(__always)
    static func copyShort(
        _ start: UnsafeRawPointer,
        count: Int,
        to target: UnsafeMutableRawPointer
    ) {
        let last = count &- 16
        let head = unsafe start.loadUnaligned(as: SIMD2<UInt64>.self)
        let tail = unsafe start.loadUnaligned(fromByteOffset: last, as: SIMD2<UInt64>.self)
        unsafe target.storeBytes(of: head, as: SIMD2<UInt64>.self)
        unsafe target.storeBytes(of: tail, toByteOffset: last, as: SIMD2<UInt64>.self)
    }

    func deallocate() {
        unsafe base.deallocate()
    }
}
