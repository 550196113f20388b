// The walk of a message, step 5: frames become messages. A message that lies whole in the receive
// buffer never comes here; this is for those that are fragmented or span reads.

/// A message whose frames are still arriving.
///
/// One contiguous buffer per message, lent by the loop: a fragment costs its bytes and nothing
/// more, and the buffer grows with what has arrived, never with what was announced.
struct MessageAssembler {
    /// The data frame whose payload is not whole yet.
    struct PartialFrame: Equatable {
        var remainingByteCount: Int
        /// The key for the next byte to arrive.
        var maskingKey: UInt32
        var isFinal: Bool
    }

    /// So many bytes of text are unmasked and then checked.
    private static let checkedByteCount = 16 << 10

    /// The type of the message in progress; nil between messages.
    private(set) var opcode: Opcode?
    private(set) var isCompressed = false
    private(set) var partialFrame: PartialFrame?
    private(set) var fragmentCount = 0
    private var validator = UTF8Validator()
    /// What has been handed on in parts or inflated, and so is not in the payload as it came.
    private(set) var handedOnByteCount = 0
    /// Whether a part of the message has been handed on.
    private var hasHandedOn = false
    /// The payload so far.
    var payload = PooledBuffer.empty

    /// Whether a message has begun and not ended.
    var isInProgress: Bool { opcode != nil }

    /// Whether the message is whole.
    private(set) var isComplete = false

    /// Takes note of a data frame's header, and refuses what does not fit the sequence or the
    /// limits. RFC 6455 section 5.4.
    mutating func begin(
        _ header: FrameHeader,
        messageByteCountMax: Int,
        fragmentCountMax: Int
    ) -> ProtocolViolation? {
        if header.opcode == .continuation {
            guard opcode != nil else { return .continuationWithoutStart }
        } else {
            guard opcode == nil else { return .messageInsideMessage }
            opcode = header.opcode
            isCompressed = header.isCompressed
        }
        // What came is within the limit, so the difference cannot be negative. A compressed message
        // that arrives in pieces is kept as what it inflates to, which has a limit of its own.
        let earlier = isCompressed ? handedOnByteCount : payload.count &+ handedOnByteCount
        guard header.payloadByteCount <= messageByteCountMax &- earlier else {
            return .messageTooBig
        }
        fragmentCount &+= 1
        guard fragmentCount <= fragmentCountMax else { return .tooManyFragments }
        partialFrame = PartialFrame(
            remainingByteCount: header.payloadByteCount,
            maskingKey: header.maskingKey,
            isFinal: header.isFinal
        )
        if header.payloadByteCount == 0 { return endFrame() }
        return nil
    }

    /// Room to receive into: for the rest of the frame, but at most a few times what has arrived,
    /// unless the loop has kept memory for as much.
    mutating func reserve(pool: inout BufferPool) -> Int {
        guard let frame = partialFrame else { return 0 }
        let step = max(payload.count &* 3, 64 &<< 10)
        // Within the limit on messages, so the sum does not overflow.
        let all = payload.count &+ frame.remainingByteCount
        let wanted =
            pool.hasSpare(capacity: all)
            ? frame.remainingByteCount : min(frame.remainingByteCount, step)
        pool.reserve(wanted, in: &payload)
        return min(frame.remainingByteCount, payload.capacity &- payload.count)
    }

    /// Appends masked bytes of the current frame, copying them.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer,
        pool: inout BufferPool
    ) -> ProtocolViolation? {
        var left = unsafe bytes
        while unsafe !left.isEmpty {
            let room = reserve(pool: &pool)
            let count = min(room, left.count)
            guard count > 0 else { return nil }
            if let source = left.baseAddress, let violation = unsafe take(count, from: source) {
                return violation
            }
            unsafe left = unsafe UnsafeRawBufferPointer(rebasing: left[count...])
        }
        return nil
    }

    /// `count` masked bytes of the current frame were written behind the payload: unmasks them and
    /// checks them.
    mutating func commit(_ count: Int) -> ProtocolViolation? {
        unsafe take(count, from: unsafe UnsafeRawPointer(payload.free.baseAddress))
    }

    /// Takes in masked bytes of the current frame, which lie behind the payload, or are copied there
    /// and unmasked in one pass. What is checked is still in the processor's cache.
    private mutating func take(
        _ count: Int,
        from source: UnsafeRawPointer?
    ) -> ProtocolViolation? {
        guard var frame = partialFrame, let start = unsafe payload.free.baseAddress,
            let source = unsafe source, count <= frame.remainingByteCount
        else { return nil }
        let isChecked = opcode == .text && !isCompressed
        let step = isChecked ? Self.checkedByteCount : count
        var offset = 0
        while offset < count {
            let byteCount = min(step, count &- offset)
            // checked: both are followed by `count` bytes.
            let (from, to) = unsafe (source + offset, start + offset)
            // What a server sends has no mask, and may lie where it is to be.
            if unsafe frame.maskingKey != 0 || from != UnsafeRawPointer(to) {
                unsafe Masking.apply(from: from, to: to, count: byteCount, key: frame.maskingKey)
            }
            frame.maskingKey = Masking.rotate(frame.maskingKey, by: byteCount)
            if isChecked {
                let bytes = unsafe UnsafeRawBufferPointer(start: to, count: byteCount)
                guard unsafe validator.validate(bytes) else { return .invalidUTF8 }
            }
            offset &+= byteCount
        }
        payload.count &+= count
        frame.remainingByteCount &-= count
        partialFrame = frame
        return frame.remainingByteCount == 0 ? endFrame() : nil
    }

    // MARK: Parts

    /// Unmasks the next bytes of the current frame where they lie, without taking note of them.
    /// Done twice, it undoes itself.
    func unmask(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let key = partialFrame?.maskingKey, key != 0, let start = bytes.baseAddress else {
            return
        }
        unsafe Masking.apply(start, count: bytes.count, key: key)
    }

    /// Takes note that the next bytes of the current frame are handed on instead of kept.
    mutating func skip(_ count: Int) -> ProtocolViolation? {
        guard var frame = partialFrame, count <= frame.remainingByteCount else { return nil }
        // Within the limit, as the header's check has it, and no more than remains.
        handedOnByteCount &+= count
        frame.maskingKey = Masking.rotate(frame.maskingKey, by: count)
        frame.remainingByteCount &-= count
        partialFrame = frame
        return frame.remainingByteCount == 0 ? endFrame() : nil
    }

    /// Checks a part of a text message, inflated if it was compressed.
    mutating func validate(_ bytes: UnsafeRawBufferPointer, isLast: Bool = false) -> Bool {
        guard opcode == .text else { return true }
        return unsafe validator.validate(bytes) && (!isLast || validator.isComplete)
    }

    /// What the part is that is handed on next.
    mutating func nextPart(isLast: Bool) -> MessagePart {
        defer { hasHandedOn = true }
        return MessagePart(isText: opcode == .text, isFirst: !hasHandedOn, isLast: isLast)
    }

    private mutating func endFrame() -> ProtocolViolation? {
        guard let frame = partialFrame else { return nil }
        partialFrame = nil
        guard frame.isFinal else { return nil }
        if opcode == .text, !isCompressed, !validator.isComplete { return .invalidUTF8 }
        isComplete = true
        return nil
    }

    /// Forgets the message and gives its memory back.
    mutating func reset(pool: inout BufferPool) {
        pool.give(&payload)
        self = MessageAssembler()
    }
}
