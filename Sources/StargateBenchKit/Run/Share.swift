/// Dividing connections over loops.
enum Share {
    /// Consecutive ranges whose lengths differ by one at most, the longer first.
    static func split(_ count: Int, over parts: Int) -> [Range<Int>] {
        var start = 0
        return (0..<parts).map { part in
            let length = count / parts + (part < count % parts ? 1 : 0)
            defer { start += length }
            return start..<start + length
        }
    }
}
