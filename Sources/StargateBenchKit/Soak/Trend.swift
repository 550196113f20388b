// Whether something grows: a straight line through samples, with how sure it is.

internal import Glibc

/// The slope of samples over time, by least squares.
struct Trend: Equatable {
    /// The growth per hour.
    let perHour: Double
    /// Half of the interval in which the slope lies with 95 percent.
    let uncertainty: Double

    /// - Parameter samples: seconds and values; nil is made of fewer than four.
    init?(_ samples: [(seconds: Double, value: Double)]) {
        let count = Double(samples.count)
        guard samples.count >= 4 else { return nil }
        let meanX = samples.reduce(0) { $0 + $1.seconds } / count
        let meanY = samples.reduce(0) { $0 + $1.value } / count
        var squares = 0.0
        var products = 0.0
        for sample in samples {
            squares += (sample.seconds - meanX) * (sample.seconds - meanX)
            products += (sample.seconds - meanX) * (sample.value - meanY)
        }
        guard squares > 0 else { return nil }
        let slope = products / squares
        let residuals = samples.reduce(0) { sum, sample in
            let expected = meanY + slope * (sample.seconds - meanX)
            return sum + (sample.value - expected) * (sample.value - expected)
        }
        perHour = slope * 3600
        uncertainty = 1.96 * sqrt(residuals / (count - 2) / squares) * 3600
    }

    /// Whether it grows by more than `limit` per hour, beyond doubt.
    func exceeds(_ limit: Double) -> Bool { perHour - uncertainty > limit }
}
