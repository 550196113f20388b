/// What the recipients of one published message saw of it.
struct FanoutRecord: Sendable, Equatable {
    /// The time from publishing to the first and to the last of them, in nanoseconds.
    var first: UInt64
    var last: UInt64
    var recipients: UInt64

    /// The records of several threads, by message: the earliest first, the latest last.
    static func merged(_ lists: [[FanoutRecord]]) -> [FanoutRecord] {
        var merged: [FanoutRecord] = []
        for list in lists {
            for (index, record) in list.enumerated() {
                guard index < merged.count else {
                    merged.append(record)
                    continue
                }
                guard record.recipients > 0 else { continue }
                if merged[index].recipients == 0 {
                    merged[index] = record
                } else {
                    merged[index].first = min(merged[index].first, record.first)
                    merged[index].last = max(merged[index].last, record.last)
                    merged[index].recipients += record.recipients
                }
            }
        }
        return merged
    }
}
