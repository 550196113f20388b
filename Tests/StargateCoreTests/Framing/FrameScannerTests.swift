import Testing

@testable import StargateCore

/// Scans bytes that lie in memory of exactly their size.
func scan(
    _ bytes: [UInt8],
    isServer: Bool = true,
    reserved: UInt8 = 0,
    limit: Int = 1 << 40
) -> FrameHeaderScan {
    let rules = FrameRules(
        expectsMask: isServer,
        allowedReservedBits: reserved,
        payloadByteCountMax: limit
    )
    return bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress else {
            var nothing: UInt8 = 0
            return FrameScanner.scan(&nothing, available: 0, rules: rules)
        }
        return FrameScanner.scan(start, available: buffer.count, rules: rules)
    }
}

extension FrameHeaderScan {
    var header: FrameHeader? { if case .complete(let header) = self { header } else { nil } }
    var violation: ProtocolViolation? {
        if case .violation(let violation) = self { violation } else { nil }
    }
    var isIncomplete: Bool { if case .incomplete = self { true } else { false } }
}

/// A header alone, without the payload.
private func header(
    _ first: UInt8,
    _ length: UInt64,
    lengthByteCount: Int,
    isMasked: Bool = true
) -> [UInt8] {
    frame(
        first,
        [],
        key: isMasked ? [9, 8, 7, 6] : nil,
        announced: length,
        lengthByteCount: lengthByteCount
    )
}

@Suite("Frame headers, scanned")
struct FrameScannerTests {
    static let lengths: [(UInt64, Int)] = [
        (0, 0), (1, 0), (125, 0), (126, 2), (127, 2), (65535, 2), (65536, 8), (65537, 8),
        (1 << 31, 8), (1 << 32, 8), ((1 << 40) - 1, 8), (1 << 40, 8),
    ]

    @Test(
        "every length comes out as it went in, and no prefix of its header is complete",
        arguments: lengths,
        [true, false]
    )
    func lengthForms(_ length: (UInt64, Int), isMasked: Bool) throws {
        let bytes = header(0x82, length.0, lengthByteCount: length.1, isMasked: isMasked)
        let found = try #require(scan(bytes, isServer: isMasked).header)
        #expect(found.payloadByteCount == Int(length.0))
        #expect(found.headerByteCount == bytes.count)
        #expect(found.firstByte == 0x82)
        #expect(
            withUnsafeBytes(of: found.maskingKey, Array.init)
                == (isMasked ? [9, 8, 7, 6] : [0, 0, 0, 0])
        )
        for count in 0..<bytes.count {
            #expect(scan(Array(bytes[..<count]), isServer: isMasked).isIncomplete)
        }
        // What lies behind the header does not matter.
        #expect(scan(bytes + [0xFF, 0xFF], isServer: isMasked).header == found)
    }

    @Test("a length above the limit is refused before the masking key is there")
    func tooBigAtOnce() {
        #expect(scan([0x82, 0x80 | 11], limit: 10).violation == .messageTooBig)
        #expect(scan([0x82, 0x80 | 10], limit: 10).isIncomplete)
        #expect(scan([0x82, 0xFE, 0x01, 0x00], limit: 200).violation == .messageTooBig)
        // Control frames have their own limit.
        #expect(scan([0x89, 0x80 | 11], limit: 10).isIncomplete)
    }

    @Test("every opcode with every combination of reserved bits", arguments: UInt8(0)...15)
    func firstBytes(opcode: UInt8) {
        let isKnown = [0, 1, 2, 8, 9, 10].contains(opcode)
        for reserved: UInt8 in stride(from: 0, through: 0x70, by: 0x10) {
            for allowed: UInt8 in [0, 0x40] {
                let bytes = header(0x80 | reserved | opcode, 5, lengthByteCount: 0)
                let mayBeMarked =
                    reserved == 0x40 && allowed == 0x40 && (opcode == 1 || opcode == 2)
                let expected: ProtocolViolation? =
                    reserved != 0 && !mayBeMarked ? .reservedBits : isKnown ? nil : .reservedOpcode
                #expect(scan(bytes, reserved: allowed).violation == expected)
                // The first byte alone is enough to tell.
                #expect(scan([bytes[0]], reserved: allowed).violation == expected)
            }
        }
    }

    @Test(
        "control frames are short and whole, whatever else is in the header",
        arguments: [UInt8(8), 9, 10]
    )
    func controlFrames(opcode: UInt8) {
        for length in UInt8(0)...125 {
            let bytes = header(0x80 | opcode, UInt64(length), lengthByteCount: 0)
            #expect(scan(bytes, limit: 0).header?.payloadByteCount == Int(length))
            #expect(
                scan(header(opcode, UInt64(length), lengthByteCount: 0)).violation
                    == .controlFrameFragmented
            )
        }
        // Two bytes are enough to know that it is too long.
        #expect(scan([0x80 | opcode, 0x80 | 126]).violation == .controlFrameTooLong)
        #expect(scan([0x80 | opcode, 0x80 | 127]).violation == .controlFrameTooLong)
    }

    @Test(
        "the mask is demanded by servers and refused by clients, at the second byte",
        arguments: [UInt8(0x81), 0x82, 0x02, 0x00, 0x88, 0x89, 0x8A],
        [UInt8(0), 5, 125]
    )
    func mask(first: UInt8, length: UInt8) {
        #expect(scan([first, length], isServer: true).violation == .unmaskedFrame)
        #expect(scan([first, length | 0x80], isServer: false).violation == .maskedFrame)
        #expect(scan([first, length | 0x80], isServer: true).isIncomplete)
        #expect(scan([first, length], isServer: false).header != nil)
    }

    @Test("a length in more bytes than it needs is refused", arguments: [true, false])
    func minimalLength(isMasked: Bool) {
        for length in UInt64(0)...125 {
            let bytes = header(0x82, length, lengthByteCount: 2, isMasked: isMasked)
            #expect(scan(bytes, isServer: isMasked).violation == .lengthNotMinimal)
            #expect(scan(Array(bytes[..<4]), isServer: isMasked).violation == .lengthNotMinimal)
        }
        for length: UInt64 in [0, 125, 126, 127, 65534, 65535] {
            let bytes = header(0x82, length, lengthByteCount: 8, isMasked: isMasked)
            #expect(scan(bytes, isServer: isMasked).violation == .lengthNotMinimal)
        }
    }

    @Test(
        "lengths that no message has",
        arguments: [
            (UInt64(1) << 63, ProtocolViolation.lengthTooLarge), (.max, .lengthTooLarge),
            ((1 << 63) - 1, .messageTooBig), (1 << 62, .messageTooBig),
            ((1 << 40) + 1, .messageTooBig),
        ]
    )
    func hugeLengths(length: UInt64, expected: ProtocolViolation) {
        let bytes = header(0x82, length, lengthByteCount: 8)
        #expect(scan(bytes).violation == expected)
        // Known before the masking key has arrived.
        #expect(scan(Array(bytes[..<10])).violation == expected)
    }

    @Test(
        "a frame as long as the limit passes, a longer one does not",
        arguments: [0, 1, 100, 125, 126, 127, 1000, 65535, 65536, 1 << 20]
    )
    func limits(limit: Int) {
        let atLimit = frame(0x82, [], announced: UInt64(limit))
        let beyond = frame(0x82, [], announced: UInt64(limit + 1))
        #expect(scan(atLimit, limit: limit).header?.payloadByteCount == limit)
        #expect(scan(beyond, limit: limit).violation == .messageTooBig)
    }

    @Test("the largest limit there is does no harm")
    func largestLimit() {
        let bytes = header(0x82, (1 << 63) - 1, lengthByteCount: 8)
        #expect(scan(bytes, limit: .max).header?.payloadByteCount == Int.max)
    }

    @Test("what the encoder writes, the scanner reads", arguments: lengths, [true, false])
    func roundTrip(_ length: (UInt64, Int), isMasked: Bool) {
        for first: UInt8 in [0x81, 0x82, 0x01, 0x02, 0x00, 0x80] {
            var bytes = [UInt8](repeating: 0xEE, count: FrameEncoder.headerByteCountMax)
            let key: UInt32? = isMasked ? 0x1234_5678 : nil
            let count = bytes.withUnsafeMutableBytes { buffer -> Int in
                guard let start = buffer.baseAddress else { return 0 }
                return FrameEncoder.writeHeader(
                    to: start,
                    firstByte: first,
                    payloadByteCount: Int(length.0),
                    maskingKey: key
                )
            }
            #expect(
                count
                    == FrameEncoder.headerByteCount(
                        payloadByteCount: Int(length.0),
                        isMasked: isMasked
                    )
            )
            #expect(bytes[count...].allSatisfy { $0 == 0xEE })
            let expected = FrameHeader(
                firstByte: first,
                headerByteCount: count,
                payloadByteCount: Int(length.0),
                maskingKey: key ?? 0
            )
            #expect(scan(Array(bytes[..<count]), isServer: isMasked).header == expected)
            // And it is what the tests' own writer writes.
            let keyBytes = key.map { withUnsafeBytes(of: $0, Array.init) }
            #expect(Array(bytes[..<count]) == frame(first, [], key: keyBytes, announced: length.0))
        }
    }

    @Test("any two bytes and any rest are judged without a trap")
    func anyBytes() {
        var generator = SeededGenerator(state: 42)
        var judged = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let rest = (0..<12).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                for isServer in [true, false] {
                    let found = scan([first, second] + rest, isServer: isServer, limit: 1000)
                    if let header = found.header { #expect(header.payloadByteCount <= 1000) }
                    #expect(!found.isIncomplete)
                    judged += 1
                }
            }
        }
        #expect(judged == 256 * 256 * 2)
    }

    /// Looks for a whole message in bytes behind which others lie: those of one that would be.
    private func scanWhole(_ bytes: [UInt8], limit: Int = 1 << 40) -> [UInt8]? {
        let misleading: [UInt8] = [0x81, 0x80, 0, 0, 0, 0, 0x80, 0]
        let places = (0..<8).map { scanWhole(bytes, then: misleading, from: $0, limit: limit) }
        #expect(Set(places).count == 1, "what lies behind the end counts")
        return places[0]
    }

    private func scanWhole(
        _ bytes: [UInt8],
        then others: [UInt8],
        from first: Int,
        limit: Int
    ) -> [UInt8]? {
        var all = bytes + others[first...] + others[..<first]
        return all.withUnsafeMutableBytes { buffer -> [UInt8]? in
            guard let start = buffer.baseAddress else { return nil }
            let found = FrameScanner.scanWhole(
                start,
                start + bytes.count,
                payloadByteCountMax: Int32(clamping: limit)
            )
            guard let found else { return nil }
            #expect(found.isText == (buffer[0] & 0x0F == 1))
            #expect(withUnsafeBytes(of: found.maskingKey, Array.init) == [9, 8, 7, 6])
            let count = found.payloadByteCount
            return Array(UnsafeRawBufferPointer(start: found.payload, count: count))
        }
    }

    @Test("a whole message is found at once", arguments: [0, 1, 20, 125, 126, 127, 1000, 65_535])
    func wholeMessages(count: Int) {
        let length = UInt64(count)
        let header = header(0x81, length, lengthByteCount: count > 125 ? 2 : 0)
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(scanWhole(header + payload) == payload)
        #expect(scanWhole(header + payload + [1, 2, 3]) == payload)
        #expect(scanWhole(header + payload, limit: count) == payload)
        #expect(scanWhole(header + payload, limit: count - 1) == nil)
        #expect(scanWhole(Array((header + payload).dropLast())) == nil)
        for available in 0..<header.count where count > 0 {
            #expect(scanWhole(Array(header[..<available])) == nil)
        }
    }

    @Test("all but whole messages are left to the other scanner")
    func notWholeMessages() {
        for first in UInt8.min...UInt8.max where first != 0x81 && first != 0x82 {
            #expect(scanWhole(header(first, 3, lengthByteCount: 0) + [1, 2, 3]) == nil)
        }
        for masked in [header(0x82, 5, lengthByteCount: 2), header(0x82, 5, lengthByteCount: 8)] {
            #expect(scanWhole(masked + [1, 2, 3, 4, 5]) == nil)
        }
        for count: UInt64 in [0, 3, 125, 126, 127] {
            let bare = header(0x82, count, lengthByteCount: 0, isMasked: false)
            #expect(scanWhole(bare + [UInt8](repeating: 0, count: 300)) == nil)
        }
    }
}
