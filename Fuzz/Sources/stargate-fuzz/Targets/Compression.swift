@testable import StargateCore

/// Any bytes as compressed messages: never more than the limit comes out, however they are cut, and
/// a limit changes nothing below it.
func fuzzInflate(_ input: consuming FuzzInput) {
    let flags = input.byte()
    let windowBits = input.number(in: 8...15)
    let limit = input.element(of: [0, 1, 2, 100, 255, 1000, 16_384, 16_385])
    let hasContextTakeover = flags & 1 != 0
    let cuts = input.cuts()
    var messages: [UnsafeRawBufferPointer] = []
    let messageCount = input.number(in: 1...3)
    for _ in 1..<messageCount { messages.append(input.take(Int(input.byte()))) }
    messages.append(input.rest())

    // As much as deflate can make of an input this short.
    let unlimited = inflate(messages, Cuts(lengths: []), windowBits, hasContextTakeover, 1 << 20)
    let pieces = inflate(messages, cuts, windowBits, hasContextTakeover, 1 << 20)
    compare(pieces, unlimited, windowBits, "in pieces")
    let limited = inflate(messages, cuts, windowBits, hasContextTakeover, limit)
    for (bounded, free) in zip(limited, unlimited) {
        if free.outcome == .done, free.bytes.count <= limit {
            compare([bounded], [free], windowBits, "a message within the limit")
        } else if bounded.outcome == .done {
            // Only where a reference beyond the window went unnoticed, see below.
            require(
                free.outcome == .invalid && windowBits < 15,
                "a message that is too long, or invalid, was taken"
            )
            return
        }
    }
}

/// The same outcome, or, with a window that is not the largest, an invalid one on either side: zlib
/// notices a reference beyond the window only where the referred bytes lie in an earlier step of
/// the output. A peer that makes one breaks what it agreed to, and is refused late rather than early.
private func compare(
    _ found: [Inflated],
    _ expected: [Inflated],
    _ windowBits: Int,
    _ subject: String
) {
    for (one, other) in zip(found, expected) where one != other {
        let isInvalid = one.outcome == .invalid || other.outcome == .invalid
        require(isInvalid && windowBits < 15, "\(subject): \(one.outcome), not \(other.outcome)")
        return
    }
    requireEqual(found.count, expected.count, subject)
}

private struct Inflated: Equatable {
    var outcome: Inflater.Outcome
    var bytes: [UInt8]
}

/// Inflates messages until one fails.
private func inflate(
    _ messages: [UnsafeRawBufferPointer],
    _ cuts: Cuts,
    _ windowBits: Int,
    _ hasContextTakeover: Bool,
    _ limit: Int
) -> [Inflated] {
    var inflater = Inflater(windowBits: windowBits, hasContextTakeover: hasContextTakeover)
    var found: [Inflated] = []
    for message in messages {
        var buffer = MessageBuffer(limit: limit)
        var outcome = Inflater.Outcome.done
        var start = 0
        let ends = message.count == 0 ? [0] : cuts.ends(of: message.count)
        for end in ends {
            outcome = inflater.inflate(
                UnsafeRawBufferPointer(rebasing: message[start..<end]),
                isFinal: end == message.count,
                limit: limit,
                into: &buffer
            )
            require(buffer.count <= limit, "\(buffer.count) bytes, and \(limit) the limit")
            if outcome != .done { break }
            start = end
        }
        found.append(Inflated(outcome: outcome, bytes: outcome == .done ? Array(buffer.bytes) : []))
        if outcome != .done {
            require(!inflater.holdsMemory, "memory is kept after a failure")
            break
        }
    }
    return found
}

/// Messages compressed one after the other and inflated in pieces: the same messages.
func fuzzDeflate(_ input: consuming FuzzInput) {
    let flags = input.byte()
    let hasContextTakeover = flags & 1 != 0
    let windowBits = input.number(in: 9...15)
    var deflater = Deflater(
        windowBits: windowBits,
        memoryLevel: input.number(in: 1...9),
        level: input.number(in: 1...9),
        hasContextTakeover: hasContextTakeover
    )
    var inflater = Inflater(windowBits: windowBits, hasContextTakeover: hasContextTakeover)
    let cuts = input.cuts()
    while input.remaining > 0 {
        let control = input.byte()
        // Some messages repeat their bytes, to be longer than an input can be.
        let piece = Array(input.take(Int(input.byte())))
        let message = control & 2 == 0 ? piece : Array(repeatElement(piece, count: 40).joined())
        if control & 4 != 0 { deflater.releaseMemory() }
        var compressed = MessageBuffer(limit: 1 << 20)
        let outcome = message.withUnsafeBytes { deflater.compress($0, into: &compressed) }
        switch outcome {
        case .failed: return require(false, "a message of \(message.count) bytes failed")
        case .notSmaller:
            require(!hasContextTakeover, "a message that later ones refer to was left out")
            requireEqual(compressed.count, 0, "what is left of a message that did not shrink")
        case .compressed:
            let result = inflate(Array(compressed.bytes), cuts, &inflater, limit: message.count)
            requireEqual(result, message, "after the way there and back")
        }
    }
}

private func inflate(
    _ compressed: [UInt8],
    _ cuts: Cuts,
    _ inflater: inout Inflater,
    limit: Int
) -> [UInt8]? {
    var buffer = MessageBuffer(limit: limit)
    var start = 0
    for end in cuts.ends(of: compressed.count) {
        let outcome = compressed[start..<end].withUnsafeBytes {
            inflater.inflate(
                $0,
                isFinal: end == compressed.count,
                limit: limit,
                into: &buffer
            )
        }
        guard outcome == .done else { return nil }
        start = end
    }
    return Array(buffer.bytes)
}
