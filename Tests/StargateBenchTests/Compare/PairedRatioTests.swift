import Testing

@testable import StargateBenchKit

/// Whether the verdict says something exactly when there is something to say.
struct PairedRatioTests {
    /// Ratios of two servers whose true ratio is known, with noise of so many percent on each.
    private func ratios(_ truth: Double, pairs: Int, noise: Double, seed: UInt64) -> [Double] {
        var random = SplitMix(state: seed)
        func wobble() -> Double {
            // The sum of four uniform numbers is close to the bell of real measurements.
            let sum = (0..<4).reduce(0.0) { sum, _ in sum + Double(random.next(below: 2001) - 1000)
            }
            return 1 + sum / 4000 * 2 * noise
        }
        return (0..<pairs).map { _ in truth * wobble() / wobble() }
    }

    /// On a quiet machine, on a busy one, and on one whose figures are hardly worth anything.
    @Test(arguments: [3, 4, 6, 12], [0.01, 0.05, 0.2])
    func `Two runs of one server do not differ`(pairs: Int, noise: Double) throws {
        var told = 0
        for seed in UInt64(1)...40 {
            let ratio = try #require(
                PairedRatio(ratios(1, pairs: pairs, noise: noise, seed: seed))
            )
            if ratio.verdict != .noDifference { told += 1 }
        }
        #expect(told <= 3, "of 40 comparisons of equals")
    }

    /// What happens to one measurement in twenty, say while another program wakes up.
    @Test func `A measurement that went wrong decides nothing`() throws {
        for pairs in [6, 12] {
            var numbers = ratios(1, pairs: pairs, noise: 0.01, seed: 5)
            numbers[2] *= 3
            let ratio = try #require(PairedRatio(numbers))
            #expect(ratio.verdict == .noDifference)
            #expect(abs(ratio.median - 1) < 0.03)
        }
    }

    @Test(arguments: [(12, 1.05), (12, 0.95), (3, 1.2), (3, 0.8)])
    func `A difference beyond the noise is told`(pairs: Int, truth: Double) throws {
        var told = 0
        for seed in UInt64(1)...20 {
            let ratio = try #require(
                PairedRatio(ratios(truth, pairs: pairs, noise: 0.02, seed: seed))
            )
            switch ratio.verdict {
            case .less: told += truth < 1 ? 1 : 0
            case .more: told += truth > 1 ? 1 : 0
            case .noDifference: break
            }
        }
        #expect(told >= 18, "of 20")
    }

    @Test func `The resolution is that of the documentation`() {
        #expect(PairedRatio.resolution(pairs: 3) == 0.10)
        #expect(PairedRatio.resolution(pairs: 12) == 0.03)
        let resolutions = (1...40).map { PairedRatio.resolution(pairs: $0) }
        #expect(resolutions == resolutions.sorted(by: >))
    }

    @Test func `The interval holds the median, and is the same from the same numbers`() throws {
        let numbers = ratios(1.3, pairs: 12, noise: 0.05, seed: 7)
        let ratio = try #require(PairedRatio(numbers))
        #expect(ratio.low <= ratio.median && ratio.median <= ratio.high)
        #expect(ratio.low < ratio.high)
        #expect(PairedRatio(numbers) == ratio)
        #expect(PairedRatio([]) == nil)
    }

    @Test func `One pair or two, as an interrupted run leaves them, tell nothing`() throws {
        for numbers in [[1.15], [3.0], [0.2, 0.2]] {
            let ratio = try #require(PairedRatio(numbers))
            #expect((ratio.low, ratio.high) == (numbers[0], numbers[0]))
            #expect(ratio.verdict == .noDifference)
        }
    }

    @Test func `Words`() {
        #expect(PairedRatio.Verdict.noDifference.words("CPU") == "no difference")
        #expect(PairedRatio.Verdict.less(0.12).words("CPU") == "12 % less CPU")
        #expect(PairedRatio.Verdict.more(0.12).words("CPU") == "12 % more CPU")
        #expect(PairedRatio.Verdict.more(1.5).words("memory") == "2.50 times the memory")
    }
}
