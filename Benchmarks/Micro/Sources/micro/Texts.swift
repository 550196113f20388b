@testable import StargateCore

/// UTF-8 and compression.
let textBenchmarks: [Benchmark] = [
    Benchmark("utf8-ascii-20") { validate(text(20)) },
    Benchmark("utf8-ascii-1k") { validate(text(1024)) },
    Benchmark("utf8-mixed-20") { validate(text(20, isASCII: false)) },
    Benchmark("utf8-mixed-1k") { validate(text(1024, isASCII: false)) },
    Benchmark("utf8-pieces-1k") { validateInPieces(text(1024, isASCII: false)) },
    Benchmark("deflate-whole-1k") { deflateWhole() },
    Benchmark("deflate-1k") { deflate(.shared) },
    Benchmark("deflate-dedicated-1k") { deflate(.dedicated) },
    Benchmark("inflate-1k") { inflate() },
]

private func validate(_ bytes: [UInt8]) -> (Int) -> Int {
    let bytes = UnsafeRawBufferPointer(memory(bytes))
    return { times in
        var sum = 0
        for _ in 0..<times where UTF8Validator.isValid(bytes) { sum &+= 1 }
        return sum
    }
}

/// As the parts of a long message arrive: in the middle of characters too.
private func validateInPieces(_ bytes: [UInt8]) -> (Int) -> Int {
    let bytes = UnsafeRawBufferPointer(memory(bytes))
    let half = UnsafeRawBufferPointer(rebasing: bytes[..<501])
    let rest = UnsafeRawBufferPointer(rebasing: bytes[501...])
    return { times in
        var sum = 0
        for _ in 0..<times {
            var validator = UTF8Validator()
            if validator.validate(half), validator.validate(rest), validator.isComplete {
                sum &+= 1
            }
        }
        return sum
    }
}

private func deflater(_ settings: PerMessageDeflate) -> Deflater {
    Deflater(
        windowBits: settings.serverMaxWindowBits,
        memoryLevel: settings.memoryLevel,
        level: settings.level,
        hasContextTakeover: !settings.serverNoContextTakeover
    )
}

/// The same message again and again: with a context that lasts, one like the one before.
private func deflate(_ settings: PerMessageDeflate) -> (Int) -> Int {
    let message = UnsafeRawBufferPointer(memory(json))
    return { times in
        var deflater = deflater(settings)
        var buffer = MessageBuffer(limit: 1 << 20)
        var sum = 0
        for _ in 0..<times {
            buffer.removeAll(keepingAtMost: 1 << 16)
            _ = deflater.compress(message, into: &buffer)
            sum &+= buffer.count
        }
        return sum
    }
}

private func deflateWhole() -> (Int) -> Int {
    let message = UnsafeRawBufferPointer(memory(json))
    return { times in
        let shared = SharedCompression(.shared)
        var buffer = MessageBuffer(limit: 1 << 20)
        var sum = 0
        for _ in 0..<times {
            buffer.removeAll(keepingAtMost: 1 << 16)
            _ = shared.compress(message, windowBits: 15, into: &buffer)
            sum &+= buffer.count
        }
        return sum
    }
}

private func inflate() -> (Int) -> Int {
    var deflater = deflater(.shared)
    var compressed = MessageBuffer(limit: 1 << 20)
    _ = deflater.compress(UnsafeRawBufferPointer(memory(json)), into: &compressed)
    let message = UnsafeRawBufferPointer(memory(Array(compressed.bytes)))
    return { times in
        var inflater = Inflater(windowBits: 15, hasContextTakeover: false)
        var buffer = MessageBuffer(limit: 1 << 20)
        var sum = 0
        for _ in 0..<times {
            buffer.removeAll(keepingAtMost: 1 << 16)
            _ = inflater.inflate(message, isFinal: true, limit: 1 << 20, into: &buffer)
            sum &+= buffer.count
        }
        return sum
    }
}
