import Testing

@testable import StargateCore

@Suite("Masking")
struct MaskingTests {
    /// As RFC 6455 section 5.3 says it, one byte at a time.
    private func reference(_ bytes: [UInt8], _ key: [UInt8]) -> [UInt8] {
        bytes.enumerated().map { $0.element ^ key[$0.offset % 4] }
    }

    private func word(_ key: [UInt8]) -> UInt32 {
        key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    }

    static let keys: [[UInt8]] = [
        [0, 0, 0, 0], [1, 2, 3, 4], [0xFF, 0, 0, 0], [0, 0, 0, 0xFF], [0x80, 0x7F, 0xAA, 0x55],
    ]

    /// On both sides of every length at which another way is taken.
    private static let counts = [Int](0...200) + [511, 512, 513, 576, 583, 1_023, 1_031, 2_055]

    @Test("every count at every alignment, in place", arguments: keys, 0..<16)
    func inPlace(key: [UInt8], offset: Int) {
        for count in Self.counts {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
            var bytes = [UInt8](repeating: 0xEE, count: offset) + payload + [0xEE, 0xEE]
            bytes.withUnsafeMutableBytes { buffer in
                guard let start = buffer.baseAddress else { return }
                Masking.apply(start + offset, count: count, key: word(key))
            }
            #expect(Array(bytes[offset..<offset + count]) == reference(payload, key))
            #expect(bytes[..<offset].allSatisfy { $0 == 0xEE })
            #expect(bytes[(offset + count)...].allSatisfy { $0 == 0xEE })
        }
    }

    @Test("in a buffer with slack it leaves what follows, and tells ASCII", arguments: keys)
    func withSlack(key: [UInt8]) {
        for count in Self.counts where count <= 583 {
            let ascii = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) & 0x7F }
            // No byte is not ASCII, or one, in every place.
            for odd in -1..<count where count <= 200 || odd % 29 == 0 || odd < 1 {
                var payload = ascii
                if odd >= 0 { payload[odd] |= 0x80 }
                for notes in [true, false] {
                    var bytes = reference(payload, key) + [UInt8](repeating: 0xEE, count: 8)
                    let isASCII = bytes.withUnsafeMutableBytes { buffer in
                        buffer.baseAddress.map {
                            Masking.applyWithSlack(
                                $0,
                                count: count,
                                key: word(key),
                                notesASCII: notes
                            )
                        }
                    }
                    #expect(isASCII == (notes && odd < 0))
                    #expect(bytes == payload + [UInt8](repeating: 0xEE, count: 8))
                }
            }
        }
    }

    @Test("copied from one place to another", arguments: keys)
    func copying(key: [UInt8]) {
        for count in Self.counts {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            var target = [UInt8](repeating: 0xEE, count: count + 3)
            payload.withUnsafeBytes { source in
                target.withUnsafeMutableBytes { target in
                    guard let from = source.baseAddress, let to = target.baseAddress else { return }
                    Masking.apply(from: from, to: to + 1, count: count, key: word(key))
                }
            }
            #expect(target == [0xEE] + reference(payload, key) + [0xEE, 0xEE])
        }
    }

    @Test("in two pieces, the second with the key rotated, it is the same", arguments: keys)
    func rotated(key: [UInt8]) {
        let payload = (0..<150).map { UInt8(truncatingIfNeeded: $0 &* 5) }
        let expected = reference(payload, key)
        for cut in 0...payload.count {
            var bytes = payload
            bytes.withUnsafeMutableBytes { buffer in
                guard let start = buffer.baseAddress else { return }
                Masking.apply(start, count: cut, key: word(key))
                Masking.apply(
                    start + cut,
                    count: payload.count - cut,
                    key: Masking.rotate(word(key), by: cut)
                )
            }
            #expect(bytes == expected)
        }
    }

    @Test("rotating adds up, and four bytes are no rotation", arguments: keys)
    func rotationAddsUp(key: [UInt8]) {
        for first in 0...9 {
            for second in 0...9 {
                #expect(
                    Masking.rotate(Masking.rotate(word(key), by: first), by: second)
                        == Masking.rotate(word(key), by: first + second)
                )
            }
        }
        #expect(Masking.rotate(word(key), by: 4) == word(key))
        #expect(Masking.rotate(word(key), by: .max) == Masking.rotate(word(key), by: 3))
    }
}
