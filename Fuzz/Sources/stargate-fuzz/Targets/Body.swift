@testable import StargateCore

/// The chunked coding, in pieces, against a reader of the grammar of RFC 9112 section 7.1; and
/// bodies of a length that is told.
func fuzzBody(_ input: consuming FuzzInput) {
    let limit = input.element(of: [0, 1, 5, 16, 200, 1 << 20])
    let length = input.number(in: 0...300)
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = ReferenceChunks.read(Array(bytes), limit: limit)
    requireEqual(readChunks(bytes, cuts, limit), expected, "in pieces")
    requireEqual(readChunks(bytes, Cuts(lengths: []), limit), expected, "at once")
    readLength(bytes, cuts, length, limit)
}

private func readChunks(
    _ bytes: UnsafeRawBufferPointer,
    _ cuts: Cuts,
    _ limit: Int
) -> ReferenceChunks {
    var body = ChunkedBody()
    var found = ReferenceChunks(body: [], end: .open)
    var start = 0
    cuts.forEachPiece(of: bytes) { piece in
        let progress = body.receive(piece, limit: limit, into: &found.body)
        require(found.body.count <= limit, "the body is longer than the limit")
        switch progress {
        case .incomplete:
            start += piece.count
            return true
        case .complete(let used): found.end = .complete(byteCount: start + used)
        case .failed(let fault):
            found.body = []
            found.end = .failed(fault)
        }
        return false
    }
    return found
}

private func readLength(
    _ bytes: UnsafeRawBufferPointer,
    _ cuts: Cuts,
    _ length: Int,
    _ limit: Int
) {
    guard var receiver = try? BodyReceiver(.length(length), limit: limit) else {
        return require(length > limit, "a body within the limit was refused")
    }
    require(length <= limit, "a body beyond the limit was taken")
    var used = 0
    cuts.forEachPiece(of: bytes) { piece in
        guard !receiver.isComplete, let count = try? receiver.receive(piece) else { return false }
        used += count
        return true
    }
    requireEqual(used, min(length, bytes.count), "the length of the body")
    requireEqual(receiver.bytes, Array(bytes[..<used]), "the body")
    requireEqual(receiver.isComplete, used == length, "whether the body is whole")
}
