@testable import StargateCore

/// The validator, whole, in pieces, with and without vector instructions, against the standard
/// library; and that it says no at the first byte that makes the text invalid.
func fuzzUTF8(_ input: consuming FuzzInput) {
    let offset = Int(input.byte() & 15)
    let isThorough = input.remaining < 24
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = String(validating: bytes, as: UTF8.self) != nil

    // At another alignment, in memory of its own size: a read beyond the end would be seen.
    let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: offset + bytes.count,
        alignment: 16
    )
    defer { copy.deallocate() }
    let moved = UnsafeMutableRawBufferPointer(rebasing: copy[offset...])
    moved.copyMemory(from: bytes)
    requireEqual(UTF8Validator.isValid(UnsafeRawBufferPointer(moved)), expected, "whole")
    if let base = bytes.baseAddress {
        requireEqual(
            UTF8Validator.isValidScalar(base, from: 0, to: bytes.count),
            expected,
            "without vectors"
        )
    }

    var validator = UTF8Validator()
    var isValid = true
    cuts.forEachPiece(of: bytes) { piece in
        isValid = validator.validate(piece)
        return isValid
    }
    requireEqual(isValid && validator.isComplete, expected, "in pieces")
    if isThorough { checkPrefixes(bytes) }
}

/// One byte at a time: the answer after each is what the bytes so far can still become.
private func checkPrefixes(_ bytes: UnsafeRawBufferPointer) {
    var validator = UTF8Validator()
    for end in 0..<bytes.count {
        let mayGoOn = validator.validate(UnsafeRawBufferPointer(rebasing: bytes[end...end]))
        let prefix = Array(bytes[...end])
        requireEqual(mayGoOn, ReferenceUTF8.mayGoOn(prefix), "after \(prefix)")
        guard mayGoOn else { return }
        requireEqual(validator.isComplete, ReferenceUTF8.isValid(prefix), "\(prefix), complete")
    }
}
