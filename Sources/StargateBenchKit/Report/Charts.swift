// What the terminal and the page have in common when they draw: rows of a histogram, and long
// series brought down to the room there is.

/// A distribution in few rows whose bounds are round numbers.
struct HistogramRows {
    struct Row: Equatable {
        /// The values below this one, down to the row above.
        let upper: UInt64
        var count: UInt64
    }

    let rows: [Row]

    /// - Parameters:
    ///   - latency: the distribution.
    ///   - limit: the number of rows at most.
    init(_ latency: LatencyReport, limit: Int) {
        let finest = Self.rows(of: latency, steps: [1, 1.5, 2, 3, 5, 7])
        if finest.count <= limit {
            rows = finest
            return
        }
        let medium = Self.rows(of: latency, steps: [1, 2, 5])
        rows = medium.count <= limit ? medium : Self.folded(medium, limit: limit)
    }

    private static func rows(of latency: LatencyReport, steps: [Double]) -> [Row] {
        var bounds: [UInt64] = []
        var decade = 1.0
        while decade < 1e12 {
            bounds += steps.map { UInt64($0 * decade) }
            decade *= 10
        }
        var rows: [Row] = []
        var bound = 0
        for index in stride(from: 0, to: latency.counts.count - 1, by: 2) {
            let (value, count) = (latency.counts[index], latency.counts[index + 1])
            while bound + 1 < bounds.count, value >= bounds[bound] {
                bound += 1
                if !rows.isEmpty { rows.append(Row(upper: bounds[bound], count: 0)) }
            }
            if rows.isEmpty { rows.append(Row(upper: bounds[bound], count: 0)) }
            rows[rows.count - 1].count += count
        }
        return rows
    }

    /// The first rows as they are, and the thin tail in one.
    private static func folded(_ rows: [Row], limit: Int) -> [Row] {
        var kept = Array(rows.prefix(limit - 1))
        let rest = rows.dropFirst(limit - 1)
        if let last = rest.last {
            kept.append(Row(upper: last.upper, count: rest.reduce(0) { $0 + $1.count }))
        }
        return kept
    }
}

/// Series brought to a length.
enum Sampled {
    /// Means of consecutive stretches.
    static func of(_ values: [Double], count: Int) -> [Double] {
        stretches(values, count: count).map { $0.reduce(0, +) / Double(max(1, $0.count)) }
    }

    /// The largest of consecutive stretches.
    static func peaks(_ values: [Double], count: Int) -> [Double] {
        stretches(values, count: count).map { $0.max() ?? 0 }
    }

    private static func stretches(_ values: [Double], count: Int) -> [ArraySlice<Double>] {
        guard values.count > count, count > 0 else {
            return values.indices.map { values[$0...$0] }
        }
        return (0..<count).map { part in
            values[(part * values.count / count)..<((part + 1) * values.count / count)]
        }
    }
}

extension Style {
    /// A series as one line of blocks; the highest value fills its block.
    func spark(_ values: [Double]) -> String {
        let levels: [Character] = hasUnicode ? Array("▁▂▃▄▅▆▇█") : Array("_.:-=+*#")
        let highest = values.max() ?? 0
        guard highest > 0 else { return String(repeating: levels[0], count: values.count) }
        return String(
            values.map { value in
                let level = Int((max(0, value) / highest * Double(levels.count - 1)).rounded())
                return levels[min(levels.count - 1, level)]
            }
        )
    }

    /// A bar without a background.
    func plainBar(_ share: Double, width: Int) -> String {
        let filled = Int((min(1, max(0, share)) * Double(width)).rounded())
        if filled == 0, share > 0 { return hasUnicode ? "\u{258F}" : "." }
        return String(repeating: hasUnicode ? "\u{2588}" : "#", count: filled)
    }
}
