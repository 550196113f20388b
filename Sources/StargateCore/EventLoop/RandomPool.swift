internal import CUV

/// Random words from the system's generator, fetched a page at a time.
///
/// A client's masking keys must be unpredictable (RFC 6455 section 10.3), and one system call per
/// frame would cost more than the frame.
@safe
struct RandomPool {
    private var words: [UInt32] = []
    private var next = 0

    /// The state of a generator that stands for the system's, in tests only.
    private var seed: UInt64?

    private static let wordCount = 1024

    /// Words from the system's generator.
    init() {}

    /// The same words each time, for tests: anybody can predict them.
    init(seed: UInt64) {
        self.seed = seed
    }

    /// Four unpredictable bytes.
    @inline(__always)
    mutating func nextWord() -> UInt32 {
        if next >= words.count { refill() }
        let word = words[next]
        next &+= 1
        return word
    }

    private mutating func refill() {
        if let seed { return refill(from: seed) }
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

    private mutating func refill(from seed: UInt64) {
        var generator = SplitMix64(state: seed)
        words = (0..<64).map { _ in UInt32(truncatingIfNeeded: generator.next() >> 32) }
        self.seed = generator.state
        next = 0
    }
}

/// A small generator whose words depend on its seed alone: what it gives is not unpredictable.
///
/// It is the finalizer of MurmurHash3 over a Weyl sequence (Steele, Lea and Flood, OOPSLA 2014).
package struct SplitMix64: RandomNumberGenerator {
    /// What the next words depend on.
    package private(set) var state: UInt64

    /// The words of a seed, or those that follow an earlier state.
    package init(state: UInt64) {
        self.state = state
    }

    /// The next word.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
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
