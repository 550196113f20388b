internal import Glibc

/// A run of raw memory lent by a loop's ``BufferPool``, with the count of bytes used so far.
///
/// A plain value: whoever holds it gives it back exactly once, on the same loop.
@safe
struct PooledBuffer {
    private(set) var base: UnsafeMutableRawPointer?
    /// Bytes that may be used; ``BufferPool/slack`` more may be read and written behind them.
    private(set) var capacity: Int
    var count = 0

    static var empty: PooledBuffer { PooledBuffer() }

    private init() {
        unsafe base = nil
        capacity = 0
    }

    init(base: UnsafeMutableRawPointer, capacity: Int) {
        unsafe self.base = unsafe base
        self.capacity = capacity
    }

    /// The bytes used so far.
    @inline(__always)
    var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    /// The bytes still free.
    @inline(__always)
    var free: UnsafeMutableRawBufferPointer {
        guard let base = unsafe base else { return unsafe .init(start: nil, count: 0) }
        return unsafe UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    /// Appends bytes for which the caller has made room.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        assert(bytes.count <= capacity - count, "room is reserved before bytes are appended")
        guard let base = unsafe base, let source = bytes.baseAddress else { return }
        unsafe (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}

/// The buffers of a loop: lent for a message that spans reads, or for output the kernel refused.
///
/// Freed buffers are kept in lists by power of two, because a fresh mapping for every large message
/// costs more in page faults than the message itself; what is kept is bounded, and given back when
/// it was not needed for a while, see ``trim()``.
@safe
struct BufferPool {
    /// Readable and writable bytes behind the capacity, so that words may be loaded at the end.
    static let slack = 64
    /// What a loop keeps at most when nobody uses it.
    static let retainedByteCountMax = 16 << 20

    private static let smallestShift = 12
    private static let largestShift = 24

    private typealias Counts = InlineArray<13, Int32>

    /// The lists of free buffers; the first word of a free buffer points to the next one.
    private var lists: [UnsafeMutableRawPointer?]
    /// How long these lists are, and how short they were at the least since the last ``trim()``: so
    /// many of their buffers nobody needed.
    private var counts = Counts(repeating: 0)
    private var unusedCounts = Counts(repeating: 0)
    private(set) var retainedByteCount = 0
    /// What may be kept, see ``limitRetention(to:)``.
    private var retainedByteCountMax = Self.retainedByteCountMax
    /// From which length on buffers are mappings of their own.
    private var mappedByteCountMin = Int.max
    private(set) var lentByteCount = 0
    /// How much of that output queues hold; they account for it.
    var outputByteCount = 0

    init() {
        unsafe lists = unsafe Array(
            repeating: nil,
            count: Self.largestShift - Self.smallestShift + 1
        )
    }

    /// Whether a buffer of at least `capacity` bytes, 1 or more, can be lent without new memory.
    func hasSpare(capacity: Int) -> Bool {
        guard capacity < 1 << Self.largestShift &- Self.slack else { return false }
        let needed = capacity &+ Self.slack
        let shift = max(Self.smallestShift, Int.bitWidth - (needed - 1).leadingZeroBitCount)
        return unsafe lists[shift - Self.smallestShift] != nil
    }

    /// Lends a buffer of at least `capacity` bytes, which is 1 or more.
    mutating func take(capacity: Int) -> PooledBuffer {
        let needed = capacity &+ Self.slack
        let shift = max(Self.smallestShift, Int.bitWidth - (needed - 1).leadingZeroBitCount)
        let byteCount = shift <= Self.largestShift ? 1 << shift : needed
        lentByteCount += byteCount
        let list = shift - Self.smallestShift
        if shift <= Self.largestShift, let buffer = unsafe lists[list] {
            unsafe lists[list] = unsafe buffer.load(as: UnsafeMutableRawPointer?.self)
            retainedByteCount -= byteCount
            counts[list] &-= 1
            unusedCounts[list] = min(unusedCounts[list], counts[list])
            return unsafe PooledBuffer(base: buffer, capacity: byteCount - Self.slack)
        }
        return unsafe PooledBuffer(base: allocate(byteCount), capacity: byteCount - Self.slack)
    }

    /// Takes a buffer back and empties `buffer`; an empty one may be given too.
    mutating func give(_ buffer: inout PooledBuffer) {
        guard let base = unsafe buffer.base else { return }
        let byteCount = buffer.capacity + Self.slack
        buffer = .empty
        lentByteCount -= byteCount
        let shift = byteCount.trailingZeroBitCount
        let isPooled = byteCount == 1 << shift && shift <= Self.largestShift
        guard isPooled, retainedByteCount + byteCount <= retainedByteCountMax else {
            unsafe free(base, byteCount)
            return
        }
        let list = shift - Self.smallestShift
        unsafe base.storeBytes(of: lists[list], as: UnsafeMutableRawPointer?.self)
        unsafe lists[list] = unsafe base
        retainedByteCount += byteCount
        counts[list] &+= 1
    }

    /// Makes sure that `additional` bytes can be appended, moving to a larger buffer if needed.
    mutating func reserve(_ additional: Int, in buffer: inout PooledBuffer) {
        guard buffer.capacity - buffer.count < additional else { return }
        var larger = take(capacity: max(buffer.count + additional, buffer.capacity * 2))
        unsafe larger.append(UnsafeRawBufferPointer(buffer.bytes))
        give(&buffer)
        buffer = larger
    }

    /// Frees what nobody needed since this was last called, so that the memory of a busy moment is
    /// given back.
    mutating func trim() {
        guard retainedByteCount > 0 else { return }
        for list in counts.indices {
            for _ in 0..<unusedCounts[list] { removeFirst(of: list) }
            unusedCounts[list] = counts[list]
        }
    }

    /// Frees everything that is not lent.
    mutating func removeAll() {
        for list in counts.indices {
            while counts[list] > 0 { removeFirst(of: list) }
            unusedCounts[list] = 0
        }
    }

    private mutating func removeFirst(of list: Int) {
        guard let buffer = unsafe lists[list] else { return }
        unsafe lists[list] = unsafe buffer.load(as: UnsafeMutableRawPointer?.self)
        let byteCount = 1 << (list + Self.smallestShift)
        unsafe free(buffer, byteCount)
        counts[list] &-= 1
        retainedByteCount -= byteCount
    }
}

// MARK: Memory

extension BufferPool {
    /// Keeps no more than so much for later. If that is little, because the server may not hold
    /// much, large buffers are mappings of their own: the allocator keeps what is freed in pieces
    /// that fit nobody, and the process would grow past its budget. Before anything is lent.
    mutating func limitRetention(to byteCount: Int) {
        guard byteCount < Self.retainedByteCountMax, lentByteCount == 0, retainedByteCount == 0
        else { return }
        retainedByteCountMax = byteCount
        mappedByteCountMin = 256 << 10
    }

    private func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= mappedByteCountMin else {
            return .allocate(byteCount: byteCount, alignment: 16)
        }
        let mapping = unsafe mmap(
            nil,
            byteCount,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0
        )
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            fatalError("out of memory")
        }
        return unsafe mapping
    }

    private func free(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        guard byteCount >= mappedByteCountMin else { return unsafe base.deallocate() }
        unsafe munmap(base, byteCount)
    }
}
