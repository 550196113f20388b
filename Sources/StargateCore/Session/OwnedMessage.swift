/// A message that may be kept and sent anywhere: what the structured tier hands out.
///
/// A task may be suspended between receiving a message and using it, so the message cannot lie in
/// the loop's buffer meanwhile: it is copied once.
public enum OwnedMessage: Sendable, Hashable {
    /// A text message.
    case text(String)
    /// A binary message.
    case binary([UInt8])

    /// Copies a message that is lent.
    public init(copying message: Message) {
        switch message {
        case .text(let text): self = .text(String(copying: text))
        case .binary(let bytes): self = .binary(bytes.copied)
        }
    }

    /// The length of the payload in bytes; of text, that of its UTF-8.
    public var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

extension RawSpan {
    /// The bytes in an array of their own.
    var copied: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            unsafe withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            }
            count = byteCount
        }
    }
}

/// What can wait for a handler: it counts against the credit.
protocol WaitingPayload {
    var byteCount: Int { get }
}

extension OwnedMessage: WaitingPayload {}

/// What waits for one handler, in the order it came: messages, or parts of them.
struct WaitingRing<Element: WaitingPayload> {
    /// More places than this are not kept for a handler that has caught up.
    private static var keptCount: Int { 64 }
    /// A place in the ring, and the head of an array with what the allocator adds to it.
    private static var elementByteCount: Int { MemoryLayout<Element>.stride &+ 48 }

    private var places: [Element?] = []
    private var first = 0
    private(set) var count = 0
    /// The payloads of all of them.
    private(set) var byteCount = 0

    /// What they take in memory: a payload is an array of its own.
    var heldByteCount: Int { byteCount &+ count &* Self.elementByteCount }

    mutating func append(_ message: Element) {
        if count == places.count { grow() }
        places[(first + count) & (places.count - 1)] = message
        count += 1
        byteCount += message.byteCount
    }

    /// Changes the newest in place; nil if there is none.
    mutating func updateLast<Result>(_ body: (inout Element) -> Result) -> Result? {
        guard count > 0 else { return nil }
        let place = (first + count - 1) & (places.count - 1)
        guard var last = places[place].take() else { return nil }
        byteCount -= last.byteCount
        defer {
            byteCount += last.byteCount
            places[place] = last
        }
        return body(&last)
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let message = places[first].take()
        first = (first + 1) & (places.count - 1)
        count -= 1
        byteCount -= message?.byteCount ?? 0
        if count == 0, places.count > Self.keptCount { self = WaitingRing() }
        return message
    }

    mutating func removeAll() {
        self = WaitingRing()
    }

    /// Doubles the places, which are always a power of two.
    private mutating func grow() {
        var larger: [Element?] = []
        larger.reserveCapacity(max(4, places.count * 2))
        for index in 0..<count { larger.append(places[(first + index) & (places.count - 1)]) }
        while larger.count < max(4, places.count * 2) { larger.append(nil) }
        places = larger
        first = 0
    }
}
