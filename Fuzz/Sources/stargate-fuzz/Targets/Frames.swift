@testable import StargateCore

/// The scanner of frame headers, of every masked draft and of both ends, against the reference; and
/// what the encoder writes, read again.
func fuzzFrames(_ input: consuming FuzzInput) {
    let flags = input.byte()
    let decoder = ReferenceFrameDecoder(
        isServer: flags & 1 == 0,
        mayCompress: flags & 2 != 0,
        payloadByteCountMax: input.element(of: [
            0, 1, 5, 125, 126, 127, 255, 1 << 16, 1 << 20, .max,
        ])
    )
    let rules = FrameRules(
        expectsMask: decoder.isServer,
        allowedReservedBits: decoder.mayCompress ? 0x40 : 0,
        payloadByteCountMax: decoder.payloadByteCountMax
    )
    let bytes = input.rest()
    guard let start = bytes.baseAddress else { return }
    var place = 0
    while place < bytes.count {
        let slice = Array(bytes[place...])
        // Every prefix of a header, so that no violation is seen later than it could be.
        for available in 0...min(slice.count, FrameEncoder.headerByteCountMax + 1) {
            let expected = decoder.decode(slice[..<available])
            let found = FrameScanner.scan(start + place, available: available, rules: rules)
            compare(found, expected, slice, rules)
        }
        let scan = FrameScanner.scan(start + place, available: slice.count, rules: rules)
        compare(scan, decoder.decode(slice[...]), slice, rules)
        compareWhole(scan, slice, rules)
        guard case .complete(let header) = scan else { return }
        place += header.headerByteCount
        guard header.payloadByteCount <= bytes.count - place else { return }
        place += header.payloadByteCount
    }
}

private func compare(
    _ found: FrameHeaderScan,
    _ expected: ReferenceFrame,
    _ bytes: [UInt8],
    _ rules: FrameRules
) {
    switch (found, expected) {
    case (.incomplete, .incomplete): break
    case (.violation(let found), .violation(let expected)):
        requireEqual(found, expected, "the violation")
    case (.complete(let header), .header(let first, let headerByteCount, let payloadByteCount)):
        requireEqual(header.firstByte, first, "the first byte")
        requireEqual(header.headerByteCount, headerByteCount, "the length of the header")
        requireEqual(header.payloadByteCount, payloadByteCount, "the length of the payload")
        rewrite(header, bytes, rules)
    case (.complete(let header), .frame(let first, let payload, let byteCount)):
        requireEqual(header.firstByte, first, "the first byte")
        requireEqual(header.payloadByteCount, payload.count, "the length of the payload")
        requireEqual(header.headerByteCount, byteCount - payload.count, "the length of the header")
        rewrite(header, bytes, rules)
        var unmasked = Array(bytes[header.headerByteCount..<byteCount])
        unmasked.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            Masking.apply(base, count: buffer.count, key: header.maskingKey)
        }
        requireEqual(unmasked, payload, "the payload")
    default: fatalError("\(found), and not \(expected)")
    }
}

/// The short way finds the same message as the long one, or leaves it to that; and it leaves none of
/// those it is for.
private func compareWhole(_ scan: FrameHeaderScan, _ bytes: [UInt8], _ rules: FrameRules) {
    let count = bytes.count
    // What lies behind the end may be read, and must not count: there it looks like a whole message.
    var bytes = bytes + [0x81, 0x80, 0, 0, 0, 0, 0x80, 0]
    bytes.withUnsafeMutableBytes { buffer in
        guard let start = buffer.baseAddress else { return }
        let whole = FrameScanner.scanWhole(
            start,
            start + count,
            payloadByteCountMax: rules.expectsMask
                ? Int32(clamping: rules.payloadByteCountMax) : -1
        )
        var expected: FrameHeader?
        if case .complete(let header) = scan, header.isWholeMessage, rules.expectsMask,
            header.payloadByteCount <= min(0xFFFF, count - header.headerByteCount)
        {
            expected = header
        }
        requireEqual(whole == nil, expected == nil, "whether it is whole")
        guard let whole, let expected else { return }
        requireEqual(whole.payload - start, expected.headerByteCount, "where the payload is")
        requireEqual(whole.payloadByteCount, expected.payloadByteCount, "how long it is")
        requireEqual(whole.maskingKey, expected.maskingKey, "the masking key")
        requireEqual(whole.isText, expected.opcode == .text, "whether it is text")
    }
}

/// A header that was read is written again, in the same bytes: there is only one way to write it.
private func rewrite(_ header: FrameHeader, _ bytes: [UInt8], _ rules: FrameRules) {
    var written = [UInt8](repeating: 0, count: FrameEncoder.headerByteCountMax)
    let count = written.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map {
            FrameEncoder.writeHeader(
                to: $0,
                firstByte: header.firstByte,
                payloadByteCount: header.payloadByteCount,
                maskingKey: rules.expectsMask ? header.maskingKey : nil
            )
        }
    }
    requireEqual(count, header.headerByteCount, "the length of the header that was written")
    requireEqual(
        Array(written[..<header.headerByteCount]),
        Array(bytes[..<header.headerByteCount]),
        "the header that was written"
    )
    requireEqual(
        FrameEncoder.headerByteCount(
            payloadByteCount: header.payloadByteCount,
            isMasked: rules.expectsMask
        ),
        header.headerByteCount,
        "the length of the header that was foretold"
    )
}
