// What waits for a handler, in memory of its own: a message goes in and out with a copy of a few
// words, without reference counting.

/// What can wait for a handler: it counts against the credit.
protocol WaitingPayload {
    var byteCount: Int { get }
}

extension OwnedMessage: WaitingPayload {}

/// What waits for one handler, in the order it came: messages, or parts of them.
@safe
struct WaitingRing<Element: WaitingPayload>: ~Copyable {
    /// More places than this are not kept for a handler that has caught up.
    private static var keptCount: Int { 64 }
    /// A place in the ring, and the head of an array with what the allocator adds to it.
    static var elementByteCount: Int { MemoryLayout<Element>.stride &+ 48 }

    /// As many as a power of two, or none. Initialized are the `count` places from `first` on.
    private var places: UnsafeMutableBufferPointer<Element>
    private var first = 0
    private(set) var count = 0
    /// The payloads of all of them.
    private(set) var byteCount = 0

    /// What they take in memory: a payload is an array of its own.
    var heldByteCount: Int { byteCount &+ count &* Self.elementByteCount }

    init() {
        unsafe places = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        for offset in 0..<count { unsafe places.deinitializeElement(at: place(offset)) }
        unsafe places.deallocate()
    }

    @inline(__always)
    private func place(_ offset: Int) -> Int { unsafe (first &+ offset) & (places.count &- 1) }

    @inline(__always)
    mutating func append(_ element: consuming Element, _ elementByteCount: Int) {
        if unsafe count == places.count { grow() }
        byteCount &+= elementByteCount
        // checked: there are more places than elements.
        unsafe places.initializeElement(at: place(count), to: element)
        count &+= 1
    }

    /// Changes the newest in place; nil if there is none.
    mutating func updateLast<Result>(_ body: (inout Element) -> Result) -> Result? {
        guard count > 0 else { return nil }
        let last = place(count &- 1)
        byteCount &-= unsafe places[last].byteCount
        let result = unsafe body(&places[last])
        byteCount &+= unsafe places[last].byteCount
        return result
    }

    @inline(__always)
    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        // checked: the first is initialized, and is not looked at again.
        let element = unsafe places.moveElement(from: first)
        first = place(1)
        count &-= 1
        byteCount &-= element.byteCount
        if unsafe count == 0 && places.count > Self.keptCount { removeAll() }
        return element
    }

    mutating func removeAll() {
        self = WaitingRing()
    }

    /// Doubles the places.
    @inline(never)
    private mutating func grow() {
        let capacity = unsafe max(4, places.count * 2)
        let larger = UnsafeMutableBufferPointer<Element>.allocate(capacity: capacity)
        for offset in 0..<count {
            let element = unsafe places.moveElement(from: place(offset))
            unsafe larger.initializeElement(at: offset, to: element)
        }
        unsafe places.deallocate()
        unsafe places = larger
        first = 0
    }
}
