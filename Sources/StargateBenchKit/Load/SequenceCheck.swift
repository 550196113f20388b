/// Whether numbered messages come once each and in order.
///
/// In steady state it is one number; what was skipped is kept only as far as it takes to tell a
/// message that comes late from one that comes twice.
struct SequenceCheck {
    /// What a message turned out to be.
    enum Verdict: Equatable, Sendable {
        case next
        /// It is right, but so many before it have not come.
        case ahead(skipped: UInt64)
        /// One that was skipped has come after all.
        case late
        case again
    }

    private(set) var expected: UInt64 = 0
    private var gaps: [Range<UInt64>] = []
    private static let gapCountMax = 64

    mutating func take(_ number: UInt64) -> Verdict {
        if number == expected {
            expected &+= 1
            return .next
        }
        if number > expected {
            let gap = expected..<number
            gaps.append(gap)
            if gaps.count > Self.gapCountMax { gaps.removeFirst() }
            expected = number &+ 1
            return .ahead(skipped: number - gap.lowerBound)
        }
        guard let index = gaps.firstIndex(where: { $0.contains(number) }) else { return .again }
        let gap = gaps.remove(at: index)
        let rest = [gap.lowerBound..<number, (number + 1)..<gap.upperBound]
        gaps.insert(contentsOf: rest.filter { !$0.isEmpty }, at: index)
        return .late
    }
}
