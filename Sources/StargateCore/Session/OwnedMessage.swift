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
        case .binary(let bytes):
            self = .binary(
                unsafe [UInt8](unsafeUninitializedCapacity: bytes.byteCount) { target, count in
                    unsafe bytes.withUnsafeBytes { source in
                        unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
                    }
                    count = bytes.byteCount
                }
            )
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

/// The messages that wait for one handler, in the order they came.
struct MessageRing {
    /// More places than this are not kept for a handler that has caught up.
    private static let keptCount = 64

    private var places: [OwnedMessage?] = []
    private var first = 0
    private(set) var count = 0
    /// The payloads of all of them.
    private(set) var byteCount = 0

    mutating func append(_ message: OwnedMessage) {
        if count == places.count { grow() }
        places[(first + count) & (places.count - 1)] = message
        count += 1
        byteCount += message.byteCount
    }

    mutating func popFirst() -> OwnedMessage? {
        guard count > 0 else { return nil }
        let message = places[first].take()
        first = (first + 1) & (places.count - 1)
        count -= 1
        byteCount -= message?.byteCount ?? 0
        if count == 0, places.count > Self.keptCount { self = MessageRing() }
        return message
    }

    mutating func removeAll() {
        self = MessageRing()
    }

    /// Doubles the places, which are always a power of two.
    private mutating func grow() {
        var larger: [OwnedMessage?] = []
        larger.reserveCapacity(max(4, places.count * 2))
        for index in 0..<count { larger.append(places[(first + index) & (places.count - 1)]) }
        while larger.count < max(4, places.count * 2) { larger.append(nil) }
        places = larger
        first = 0
    }
}
