internal import StargateCore

/// Which faults a run has. Each seed leaves a random half of them out, because faults hide each
/// other: in a network that cuts everything nothing ever gets far.
struct Faults {
    /// Reads of a few bytes.
    var segments: Bool
    /// Buffers of a few hundred bytes between the two ends.
    var smallWindows: Bool
    /// Writes of which only a part is taken.
    var shortWrites: Bool
    /// Writes of which nothing is taken though there is room, and reads that find nothing.
    var spuriousBlocks: Bool
    /// The transport itself writes what it was offered.
    var writesOffered: Bool
    /// Connections that are cut at any byte.
    var resets: Bool
    /// Peers that end their half at any byte.
    var ends: Bool
    /// Peers that say nothing and read nothing any more.
    var silences: Bool
    /// Time that passes while the loop does not run.
    var jumps: Bool
    /// Handlers that close, pause, subscribe, publish and throw whenever they are called.
    var unruly: Bool
    /// Peers that do not keep to the protocol.
    var hostile: Bool

    init(_ random: inout SplitMix64) {
        segments = .random(using: &random)
        smallWindows = .random(using: &random)
        shortWrites = .random(using: &random)
        spuriousBlocks = .random(using: &random)
        writesOffered = .random(using: &random)
        resets = .random(using: &random)
        ends = .random(using: &random)
        silences = .random(using: &random)
        jumps = .random(using: &random)
        unruly = .random(using: &random)
        hostile = .random(using: &random)
    }

    /// Whether an honest peer may count on all of its echoes.
    var isCalm: Bool { !resets && !ends && !silences && !jumps && !unruly }
}

extension SplitMix64 {
    /// True once in so many times.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// A size from 0 to `limit`, small ones and those at the limits of the frame header more often.
    mutating func size(upTo limit: Int) -> Int {
        let size =
            switch Int.random(in: 0..<10, using: &self) {
            case 0...5: Int.random(in: 0...64, using: &self)
            case 6: 125 + Int.random(in: 0...2, using: &self)
            case 7: 65_534 + Int.random(in: 0...3, using: &self)
            case 8: Int.random(in: 0...4096, using: &self)
            default: Int.random(in: 0...limit, using: &self)
            }
        return min(size, limit)
    }
}
