/// The one buffer of a loop that the kernel reads into, whichever connection is read.
///
/// In front of it lies room for the start of a frame that an earlier read left behind, and behind
/// it room for words loaded past the end.
@safe
struct ReceiveBuffer {
    /// Large enough that a message of a quarter megabyte is one read; the kernel touches only the
    /// pages it fills.
    static let capacity = 512 << 10
    /// What is read at most from a peer that may send anything: what does not get its turn is held.
    static let smallCapacity = 64 << 10
    /// Room for a frame header and the longest control frame.
    static let headroom = 256

    let start: UnsafeMutableRawPointer

    init() {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: Self.headroom + Self.capacity + BufferPool.slack,
            alignment: 64
        )
        unsafe start = unsafe block + Self.headroom
    }

    /// What a read may fill.
    var space: ReceiveSpace { space(Self.capacity) }

    /// What a read may fill at first.
    @inline(__always)
    var smallSpace: ReceiveSpace { space(Self.smallCapacity) }

    /// Nothing may be read.
    @inline(__always)
    var noSpace: ReceiveSpace { space(0) }

    /// So much of it; at most ``capacity``.
    @inline(__always)
    func space(_ count: Int) -> ReceiveSpace {
        assert(0...Self.capacity ~= count, "a read stays within the buffer")
        return unsafe ReceiveSpace(start: start, count: count)
    }

    func deallocate() {
        unsafe (start - Self.headroom).deallocate()
    }
}

/// Where the next bytes of a connection are to be put, and how many at most.
@safe
struct ReceiveSpace {
    let start: UnsafeMutableRawPointer
    let count: Int
}
