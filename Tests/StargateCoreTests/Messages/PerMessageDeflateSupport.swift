import Testing

@testable import StargateCore

/// What came of one message.
struct Inflated: Equatable {
    var outcome: Inflater.Outcome
    var bytes: [UInt8]
}

/// Gives `inflater` the pieces of one message, each from memory of its own, so that a sanitizer
/// sees a read beyond its end.
func inflate(
    _ inflater: inout Inflater,
    _ pieces: [[UInt8]],
    limit: Int = 1 << 20
) -> Inflated {
    var buffer = MessageBuffer(limit: limit)
    var outcome = Inflater.Outcome.done
    for (index, piece) in pieces.enumerated() {
        outcome = feed(&inflater, piece, index == pieces.count - 1, limit, &buffer)
        if outcome != .done { break }
    }
    #expect(buffer.capacity <= limit)
    return Inflated(outcome: outcome, bytes: Array(buffer.bytes))
}

func feed(
    _ inflater: inout Inflater,
    _ piece: [UInt8],
    _ isFinal: Bool,
    _ limit: Int,
    _ buffer: inout MessageBuffer
) -> Inflater.Outcome {
    piece.withUnsafeBytes {
        inflater.inflate($0, isFinal: isFinal, limit: limit, into: &buffer)
    }
}

func compress(
    _ deflater: inout Deflater,
    _ message: [UInt8]
) -> (outcome: Deflater.Outcome, payload: [UInt8]) {
    var buffer = MessageBuffer(limit: 1 << 24)
    let outcome = message.withUnsafeBytes { deflater.compress($0, into: &buffer) }
    return (outcome, Array(buffer.bytes))
}

/// The bytes that pairs of hexadecimal digits stand for; blanks are for the eye.
func hex(_ digits: String) -> [UInt8] {
    let digits = digits.filter { $0 != " " }
    var result: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex,
        let next = digits.index(index, offsetBy: 2, limitedBy: digits.endIndex)
    {
        result.append(UInt8(digits[index..<next], radix: 16) ?? 0)
        index = next
    }
    return result
}
