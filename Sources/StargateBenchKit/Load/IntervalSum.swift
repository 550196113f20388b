/// What was completed in a short stretch of a run, for the line over time.
struct IntervalSum: Sendable, Equatable {
    var count: UInt64 = 0
    var sum: UInt64 = 0
    var longest: UInt64 = 0

    @inline(__always)
    mutating func add(_ nanoseconds: UInt64, count added: UInt64 = 1) {
        count &+= added
        sum &+= nanoseconds &* added
        if nanoseconds > longest { longest = nanoseconds }
    }

    mutating func merge(_ other: IntervalSum) {
        count &+= other.count
        sum &+= other.sum
        longest = max(longest, other.longest)
    }
}
