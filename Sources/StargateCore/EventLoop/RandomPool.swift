internal import CUV

/// Random words from the system's generator, fetched a page at a time.
///
/// A client's masking keys must be unpredictable (RFC 6455 section 10.3), and one system call per
/// frame would cost more than the frame.
@safe
struct RandomPool {
    private var words: [UInt32] = []
    private var next = 0

    private static let wordCount = 1024

    /// Four unpredictable bytes.
    @inline(__always)
    mutating func nextWord() -> UInt32 {
        if next >= words.count { refill() }
        let word = words[next]
        next &+= 1
        return word
    }

    private mutating func refill() {
        var system = SystemRandomNumberGenerator()
        var fresh = [UInt32](repeating: 0, count: Self.wordCount)
        let status = unsafe fresh.withUnsafeMutableBytes {
            unsafe uv_random(nil, nil, $0.baseAddress, $0.count, 0, nil)
        }
        if status != 0 {
            // Without libuv's source, the standard library's: slower, as good.
            for index in fresh.indices { fresh[index] = system.next() }
        }
        words = fresh
        next = 0
    }
}

/// The loop's random words as the standard library wants them.
struct LoopRandomness: RandomNumberGenerator {
    private let loop: Loop

    init(_ loop: Loop) {
        self.loop = loop
    }

    mutating func next() -> UInt64 {
        UInt64(loop.state.randomness.nextWord()) << 32 | UInt64(loop.state.randomness.nextWord())
    }
}
