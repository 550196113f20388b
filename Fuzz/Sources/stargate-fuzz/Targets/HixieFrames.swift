@testable import StargateCore

/// The scanner of the two oldest drafts, in pieces, against the reference; and text that was
/// written, read again.
func fuzzHixieFrames(_ input: consuming FuzzInput) {
    let flags = input.byte()
    let version = flags & 1 == 0 ? ProtocolVersion.hixie76 : .hixie75
    let limit = input.element(of: [0, 1, 10, 127, 128, 300, 16_384, 1 << 20, 1 << 34, .max])
    let cuts = input.cuts()
    let bytes = input.rest()

    let expected = ReferenceHixie(
        Array(bytes),
        hasClosingHandshake: version == .hixie76,
        frameByteCountMax: limit
    )
    requireEqual(scan(bytes, cuts, version, limit), expected, "in pieces")
    requireEqual(scan(bytes, Cuts(lengths: []), version, limit), expected, "at once")
    roundTrip(bytes, version)
}

private func scan(
    _ bytes: UnsafeRawBufferPointer,
    _ cuts: Cuts,
    _ version: ProtocolVersion,
    _ limit: Int
) -> ReferenceHixie {
    var scanner = HixieScanner(version: version, maxMessageSize: limit)
    var found = ReferenceHixie()
    cuts.forEachPiece(of: bytes) { piece in
        var cursor = 0
        while true {
            let before = cursor
            switch scanner.next(piece, from: &cursor) {
            case .needMore:
                requireEqual(cursor, piece.count, "what is used up when more is needed")
                return true
            case .text(let range, let isEnd):
                require(cursor > before, "no progress")
                found.open += piece[range]
                requireEqual(scanner.textByteCount, found.open.count, "the length of the text")
                guard isEnd else { continue }
                found.messages.append(found.open)
                found.open = []
            case .closeFrame: found.isClosed = true
            case .violation(let violation):
                found.violation = violation
                requireEqual(
                    scanner.next(piece, from: &cursor),
                    .violation(violation),
                    "what comes after a violation"
                )
                return false
            }
        }
    }
    return found
}

/// Valid text, written and read.
private func roundTrip(_ bytes: UnsafeRawBufferPointer, _ version: ProtocolVersion) {
    let text = String(decoding: bytes, as: UTF8.self)
    let payload = Array(text.utf8)
    var frame = [UInt8](repeating: 0xAA, count: payload.count + HixieEncoder.overhead)
    let count = frame.withUnsafeMutableBytes { HixieEncoder.writeText(text.utf8Span, to: $0) }
    requireEqual(count, frame.count, "the length of the frame")
    let read = frame.withUnsafeBytes { scan($0, Cuts(lengths: [3]), version, payload.count) }
    requireEqual(read.messages, [payload], "what was written")
}
