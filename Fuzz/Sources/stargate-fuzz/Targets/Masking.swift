@testable import StargateCore

/// Masking in wide steps against a loop over bytes, at every alignment of both runs, in place and
/// copied, and in pieces with a rotated key.
func fuzzMasking(_ input: consuming FuzzInput) {
    let key = Array(input.take(4)) + [UInt8](repeating: 0, count: 4)
    let word = key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    let sourceOffset = Int(input.byte() & 15)
    let targetOffset = Int(input.byte() & 15)
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = bytes.indices.map { bytes[$0] ^ key[$0 % 4] }

    let source = UnsafeMutableRawBufferPointer.allocate(
        byteCount: sourceOffset + bytes.count,
        alignment: 16
    )
    let target = UnsafeMutableRawBufferPointer.allocate(
        byteCount: targetOffset + bytes.count + 1,
        alignment: 16
    )
    defer {
        source.deallocate()
        target.deallocate()
    }
    guard let sourceStart = source.baseAddress, let targetStart = target.baseAddress else { return }
    UnsafeMutableRawBufferPointer(rebasing: source[sourceOffset...]).copyMemory(from: bytes)
    target[target.count - 1] = 0x5A
    Masking.apply(
        from: sourceStart + sourceOffset,
        to: targetStart + targetOffset,
        count: bytes.count,
        key: word
    )
    require(target[targetOffset..<target.count - 1].elementsEqual(expected), "copied")
    requireEqual(target[target.count - 1], 0x5A, "the byte behind")

    Masking.apply(sourceStart + sourceOffset, count: bytes.count, key: word)
    require(source[sourceOffset...].elementsEqual(expected), "in place")

    // Masked once more, in pieces: what was there before.
    var place = sourceOffset
    var turned = word
    for end in cuts.ends(of: bytes.count) {
        let count = sourceOffset + end - place
        Masking.apply(sourceStart + place, count: count, key: turned)
        turned = Masking.rotate(turned, by: count)
        place += count
    }
    require(source[sourceOffset...].elementsEqual(bytes), "in pieces")
}
