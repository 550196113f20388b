@testable import StargateCore

/// Frames of every generation, and masking.
let frameBenchmarks: [Benchmark] =
    [(20, "20"), (1024, "1k"), (70_000, "70k")].map { size, name in
        Benchmark("frame-header-\(name)") { scanFrame(payloadByteCount: size) }
    }
    + [(20, "20"), (1024, "1k"), (65_536, "64k")].map { size, name in
        Benchmark("unmask-\(name)") { unmask(byteCount: size) }
    }
    + [
        Benchmark("unmask-read-20") { unmaskRead(byteCount: 20) },
        Benchmark("unmask-read-1k") { unmaskRead(byteCount: 1024) },
        Benchmark("unmask-into-1k") { unmaskInto(byteCount: 1024) },
        Benchmark("hixie76-frame-20") { scanHixie(.hixie76, byteCount: 20) },
        Benchmark("hixie76-frame-1k") { scanHixie(.hixie76, byteCount: 1024) },
        Benchmark("hixie75-frame-20") { scanHixie(.hixie75, byteCount: 20) },
        Benchmark("encode-header-20") { encodeHeader(payloadByteCount: 20) },
        Benchmark("encode-header-1k") { encodeHeader(payloadByteCount: 1024) },
    ]

/// The header of RFC 6455 is that of hybi-07 to -12 too.
private func scanFrame(payloadByteCount: Int) -> (Int) -> Int {
    var header = [UInt8](repeating: 0, count: FrameEncoder.headerByteCountMax)
    let count = header.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map {
            FrameEncoder.writeHeader(
                to: $0,
                firstByte: 0x82,
                payloadByteCount: payloadByteCount,
                maskingKey: 0x1234_5678
            )
        } ?? 0
    }
    let frame = memory(Array(header.prefix(count)))
    let rules = FrameRules(
        expectsMask: true,
        allowedReservedBits: 0,
        payloadByteCountMax: 1 << 20
    )
    return { times in
        guard let start = frame.baseAddress else { return 0 }
        var sum = 0
        for _ in 0..<times {
            if case .complete(let header) = FrameScanner.scan(
                start,
                available: frame.count,
                rules: rules
            ) {
                sum &+= header.payloadByteCount
            }
        }
        return sum
    }
}

private func unmask(byteCount: Int) -> (Int) -> Int {
    let bytes = memory(text(byteCount))
    return { times in
        guard let start = bytes.baseAddress else { return 0 }
        for _ in 0..<times { Masking.apply(start, count: bytes.count, key: 0x1234_5678) }
        return Int(bytes[0])
    }
}

/// As the server does it in its receive buffer.
private func unmaskRead(byteCount: Int) -> (Int) -> Int {
    let bytes = memory(text(byteCount + BufferPool.slack))
    return { times in
        guard let start = bytes.baseAddress else { return 0 }
        var sum = 0
        for _ in 0..<times
        where Masking.applyWithSlack(
            start,
            count: byteCount,
            key: 0x1234_5678,
            notesASCII: true
        ) { sum &+= 1 }
        return sum
    }
}

private func unmaskInto(byteCount: Int) -> (Int) -> Int {
    let source = memory(text(byteCount))
    let target = memory(text(byteCount))
    return { times in
        guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
        for _ in 0..<times {
            Masking.apply(from: from, to: to, count: source.count, key: 0x1234_5678)
        }
        return Int(target[0])
    }
}

/// A frame of the drafts before hybi: text between 0x00 and 0xFF.
private func scanHixie(_ version: ProtocolVersion, byteCount: Int) -> (Int) -> Int {
    let frame = UnsafeRawBufferPointer(memory([0] + text(byteCount) + [0xFF]))
    return { times in
        var scanner = HixieScanner(version: version, maxMessageSize: 1 << 20)
        var sum = 0
        for _ in 0..<times {
            var cursor = 0
            while case .text(let range, _) = scanner.next(frame, from: &cursor) {
                sum &+= range.count
            }
        }
        return sum
    }
}

private func encodeHeader(payloadByteCount: Int) -> (Int) -> Int {
    let target = memory([UInt8](repeating: 0, count: FrameEncoder.headerByteCountMax))
    return { times in
        guard let start = target.baseAddress else { return 0 }
        var sum = 0
        for turn in 0..<times {
            sum &+= FrameEncoder.writeHeader(
                to: start,
                firstByte: 0x82,
                payloadByteCount: payloadByteCount &- turn & 1,
                maskingKey: nil
            )
        }
        return sum
    }
}
