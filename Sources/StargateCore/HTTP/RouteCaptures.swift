/// Where the captures of a route lie in a head. The first few take no allocation: hardly a pattern
/// has more.
struct RouteCaptures: RandomAccessCollection {
    private static let inlineCountMax = 4

    private var first = InlineArray<4, HeadRange>(repeating: .empty)
    private var rest: [HeadRange] = []
    private(set) var count = 0

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> HeadRange {
        index < Self.inlineCountMax ? first[index] : rest[index &- Self.inlineCountMax]
    }

    mutating func append(_ range: HeadRange) {
        if count < Self.inlineCountMax { first[count] = range } else { rest.append(range) }
        count &+= 1
    }

    mutating func removeLast() {
        count &-= 1
        if count >= Self.inlineCountMax { rest.removeLast() }
    }
}
