// How two servers compare, from pairs of measurements that were taken next to each other.

/// The ratio of a server's cost to that of the base.
struct PairedRatio: Equatable, Sendable {
    let median: Double
    /// The bounds of the bootstrap's interval of the median.
    let low: Double
    let high: Double
    let pairs: Int

    /// What may be said.
    enum Verdict: Equatable, Sendable {
        /// The difference is inside the noise.
        case noDifference
        /// The server costs this share less than the base.
        case less(Double)
        /// It costs this share more.
        case more(Double)
    }

    /// Nil without a ratio.
    ///
    /// - Parameters:
    ///   - ratios: one for each pair, none of them zero or less.
    ///   - seed: equal seeds give equal intervals.
    init?(_ ratios: [Double], seed: UInt64 = 1) {
        guard !ratios.isEmpty else { return nil }
        pairs = ratios.count
        median = Self.median(ratios)
        var random = SplitMix(state: seed)
        var medians: [Double] = []
        medians.reserveCapacity(Self.resampleCount)
        for _ in 0..<Self.resampleCount {
            let resample = ratios.map { _ in ratios[random.next(below: ratios.count)] }
            medians.append(Self.median(resample))
        }
        medians.sort()
        low = medians[Self.resampleCount * (100 - Self.confidence) / 200]
        high = medians[Self.resampleCount * (100 + Self.confidence) / 200 - 1]
    }

    private static let resampleCount = 1000

    /// The confidence of the interval in percent. A report of fifteen servers holds hundreds of
    /// verdicts: with the usual 95 % some of them would be wrong in every one.
    static let confidence = 99

    /// The smallest difference that so many pairs can tell: none with less than 3, 10 % with 3, 3 %
    /// with 12, and never less than 2 %. Two processes of one program differ by that much through
    /// the addresses they happen to get.
    static func resolution(pairs: Int) -> Double {
        switch pairs {
        case ..<3: .infinity
        case ..<4: 0.10
        case ..<6: 0.08
        case ..<9: 0.06
        case ..<12: 0.04
        case ..<24: 0.03
        default: 0.02
        }
    }

    /// How far from 1 the interval has to stay, in parts of its own width. Three ratios of a noisy
    /// machine fall on one side of 1 in every fourth case; from 6 on the interval tells by itself.
    static func margin(pairs: Int) -> Double {
        switch pairs {
        case ..<4: 0.75
        case ..<6: 0.25
        default: 0
        }
    }

    /// A difference counts when it is as large as so many pairs can tell, and the whole interval
    /// lies on one side of 1, with a margin when there are few pairs.
    var verdict: Verdict {
        let resolution = Self.resolution(pairs: pairs)
        let margin = Self.margin(pairs: pairs) * (high - low)
        if high < 1, 1 - high >= margin, 1 - median >= resolution { return .less(1 - median) }
        if low > 1, low - 1 >= margin, median - 1 >= resolution { return .more(median - 1) }
        return .noDifference
    }

    /// The middle value, or the mean of the two in the middle; 0 of nothing.
    static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1
            ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

extension PairedRatio.Verdict {
    /// In words, where the cost is one of `noun`.
    func words(_ noun: String) -> String {
        switch self {
        case .noDifference: "no difference"
        case .less(let share): "\(Figure.percent(share)) less \(noun)"
        case .more(let share) where share >= 1: "\(Figure.significant(share + 1)) times the \(noun)"
        case .more(let share): "\(Figure.percent(share)) more \(noun)"
        }
    }
}

/// A small generator: the same numbers from the same seed, everywhere.
struct SplitMix {
    private var state: UInt64

    init(state: UInt64) {
        self.state = state
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func next(below bound: Int) -> Int {
        Int(truncatingIfNeeded: next() % UInt64(max(1, bound)))
    }
}
