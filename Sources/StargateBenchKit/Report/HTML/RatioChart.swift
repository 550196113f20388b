// A chart of ratios: each row is a line from 1 to its ratio, on a logarithmic scale, because half and
// twice are as far from 1. A bar would need a zero, which such a scale does not have.

internal import Glibc

/// Ratios with their intervals, one below the other.
struct RatioChart {
    struct Row {
        /// How a row stands out.
        enum Kind: String {
            /// What the others are compared with.
            case base
            /// The one that the chart is about.
            case subject
            case other
        }

        let name: String
        let kind: Kind
        let median: Double
        let low: Double
        let high: Double
        let figure: String
    }

    /// Where things stand, in pixels.
    struct Layout {
        var width: Double
        /// Room for the names at the left and the figures at the right.
        var left: Double
        var right: Double
        var row: Double
    }

    let rows: [Row]
    let scale: ChartScale
    let layout: Layout

    /// - Parameters:
    ///   - rows: from the top to the bottom.
    ///   - bounds: ratios that the scale has to reach, besides those of the rows.
    ///   - layout: the room there is.
    init(rows: [Row], bounds: [Double] = [], layout: Layout) {
        self.rows = rows
        self.layout = layout
        let reach = rows.flatMap { [$0.low, $0.high] } + bounds + [0.7, 1.5]
        scale = ChartScale(reach.map { max($0, 1e-3) }, isLogarithmic: true)
    }

    var height: Double { Double(rows.count) * layout.row + 24 }

    /// The words of the page's style that a picture of its own has to bring along.
    static let style = """
        text { font: 12px system-ui, sans-serif; fill: #5b6875 }
        .title { font-weight: 600; fill: #16202b } .subject-name { fill: #16202b; font-weight: 600 }
        .axis { stroke: #d9dfe5 } .one { stroke: #5b6875 } .whisker { stroke: #5b6875 }
        .base { fill: #16202b; stroke: #16202b } .subject { fill: #1f6feb; stroke: #1f6feb }
        .other { fill: #93a1ae; stroke: #93a1ae } .stem { stroke-width: 3 }
        @media (prefers-color-scheme: dark) {
        text { fill: #93a1ae } .title, .subject-name { fill: #e6edf3 } .axis { stroke: #2e3842 }
        .one, .whisker { stroke: #93a1ae } .base { fill: #e6edf3; stroke: #e6edf3 }
        .subject { fill: #58a6ff; stroke: #58a6ff } .other { fill: #5b6875; stroke: #5b6875 } }
        """

    /// The chart alone, for a page that has the style.
    func rendered(title: String) -> String {
        """
        <svg viewBox="0 0 \(Int(layout.width)) \(Int(height))" role="img" \
        aria-label="\(HTMLText.escaped(title))">\(marks(x: 0, y: 0))</svg>
        """
    }

    /// Everything that is drawn, moved to a place.
    func marks(x: Double, y: Double) -> String {
        var parts: [String] = []
        let bottom = y + Double(rows.count) * layout.row
        for tick in visibleTicks {
            let place = x + self.place(tick)
            parts.append(
                """
                <line class="\(tick == 1 ? "one" : "axis")" x1="\(place)" x2="\(place)" \
                y1="\(y)" y2="\(bottom)"/>\
                <text x="\(place)" y="\(bottom + 16)" text-anchor="middle">\
                \(Figure.significant(tick))</text>
                """
            )
        }
        for (index, row) in rows.enumerated() {
            parts.append(marks(of: row, x: x, y: y + (Double(index) + 0.5) * layout.row))
        }
        return parts.joined(separator: "\n")
    }

    private func marks(of row: Row, x: Double, y: Double) -> String {
        let (median, low) = (x + place(row.median), x + place(row.low))
        let high = x + place(row.high)
        let name = row.kind == .other ? "" : " class=\"subject-name\""
        let kind = row.kind.rawValue
        return """
            <text\(name) x="\(x + layout.left - 10)" y="\(y + 4)" text-anchor="end">\
            \(HTMLText.escaped(row.name))</text>\
            <line class="stem \(kind)" x1="\(x + place(1))" x2="\(median)" y1="\(y)" y2="\(y)"/>\
            <line class="whisker" x1="\(low)" x2="\(high)" y1="\(y)" y2="\(y)"/>\
            <circle class="\(kind)" cx="\(median)" cy="\(y)" r="4.5"/>\
            <text x="\(x + layout.width - layout.right + 10)" y="\(y + 4)">\
            \(HTMLText.escaped(row.figure))</text>
            """
    }

    private func place(_ ratio: Double) -> Double {
        let share = min(1, max(0, scale.place(max(ratio, 1e-3))))
        let room = layout.width - layout.left - layout.right
        return ((layout.left + share * room) * 10).rounded() / 10
    }

    /// The ticks on the scale, without those whose labels would cover those of more important ones.
    private var visibleTicks: [Double] {
        var ticks: [Double] = []
        for tick in Self.ticks where (scale.low...scale.high).contains(tick) {
            if ticks.allSatisfy({ abs(place($0) - place(tick)) >= 28 }) { ticks.append(tick) }
        }
        return ticks.sorted()
    }

    /// The most important ones first.
    private static let ticks = [
        1, 10, 100, 0.1, 0.01, 2, 0.5, 5, 50, 20, 200, 500, 0.2, 1.5, 0.7,
    ]
}
