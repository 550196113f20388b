/// The one buffer of a loop that gathers what a connection sends while it is being read.
///
/// Frames are encoded straight into it, and everything leaves in one system call when the read
/// callback returns. 128 KiB, because a smaller cork splits the answers to a full read.
@safe
struct CorkBuffer {
    static let capacity = 128 << 10
    /// Room for a header and the longest control frame, several times.
    private static let limitMin = 1 << 10

    let base: UnsafeMutableRawPointer
    /// How much of the capacity is used.
    private var limit = Self.capacity
    private(set) var count = 0
    /// The connection whose callback is running.
    private(set) var owner: Connection?

    init() {
        unsafe base = .allocate(byteCount: Self.capacity + BufferPool.slack, alignment: 64)
    }

    @inline(__always)
    var available: Int { limit - count }

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

    @inline(__always)
    mutating func begin(_ connection: Connection) {
        assert(owner == nil && count == 0, "one connection is corked at a time")
        owner = connection
    }

    @inline(__always)
    mutating func commit(_ byteCount: Int) {
        assert(byteCount <= available, "the cork overflows")
        count &+= byteCount
    }

    @inline(__always)
    mutating func empty() { count = 0 }

    @inline(__always)
    mutating func end(_ connection: Connection) {
        assert(owner == connection && count == 0, "a cork is flushed before it is lifted")
        owner = nil
    }

    func deallocate() {
        unsafe base.deallocate()
    }
}
