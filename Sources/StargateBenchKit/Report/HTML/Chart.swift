// Charts as inline SVG: lines over an axis that is linear or logarithmic, and bars. Colours come
// from the page, so that light, dark and paper all work.

internal import Glibc

/// How a number finds its place on an axis.
struct ChartScale {
    let low: Double
    let high: Double
    let isLogarithmic: Bool

    init(_ values: [Double], isLogarithmic: Bool = false) {
        self.isLogarithmic = isLogarithmic
        let top = values.max() ?? 1
        if isLogarithmic {
            let bottom = max(1e-9, values.filter { $0 > 0 }.min() ?? 1)
            low = bottom
            high = max(top, bottom * 1.01)
        } else {
            low = 0
            high = top > 0 ? top * 1.05 : 1
        }
    }

    init(low: Double, high: Double) {
        (self.low, self.high, isLogarithmic) = (low, high, false)
    }

    /// From 0 to 1.
    func place(_ value: Double) -> Double {
        if isLogarithmic {
            return log10(max(value, low) / low) / log10(high / low)
        }
        return high > low ? (value - low) / (high - low) : 0
    }

    /// Round numbers within the scale, few enough to read.
    var ticks: [Double] {
        if isLogarithmic {
            var ticks: [Double] = []
            var decade = 1e-9
            while decade <= high {
                for step in [1.0, 2, 5] where (low...high).contains(decade * step) {
                    ticks.append(decade * step)
                }
                decade *= 10
            }
            return ticks.count > 7
                ? ticks.enumerated().filter { $0.offset % 3 == 0 }.map(\.element) : ticks
        }
        var step = 1e-9
        let steps = [1.0, 2, 5]
        var turn = 0
        while (high - low) / (step * steps[turn]) > 6 {
            turn += 1
            if turn == steps.count { (turn, step) = (0, step * 10) }
        }
        let width = step * steps[turn]
        var ticks: [Double] = []
        var tick = (low / width).rounded(.up) * width
        while tick <= high, ticks.count < 12 {
            ticks.append(tick)
            tick += width
        }
        return ticks
    }
}

/// One line of a chart.
struct ChartLine {
    let points: [(x: Double, y: Double)]
    /// The page's class for its colour: `first` or `second`.
    let style: String
}

/// A chart with lines.
struct LineChart {
    let lines: [ChartLine]
    let x: ChartScale
    let y: ChartScale
    /// Labels along the x axis, where they stand.
    let xLabels: [(place: Double, text: String)]
    let yLabel: (Double) -> String
    /// What a reader is told who does not see it.
    let title: String

    private static let (width, height) = (920.0, 260.0)
    private static let (left, right, top, bottom) = (76.0, 16.0, 12.0, 30.0)

    func rendered() -> String {
        var parts: [String] = []
        for tick in y.ticks {
            let place = Self.y(y.place(tick))
            parts.append(
                """
                <line class="axis" x1="\(Self.left)" x2="\(Self.width - Self.right)" \
                y1="\(place)" y2="\(place)"/>\
                <text x="\(Self.left - 8)" y="\(Self.round(place + 4))" text-anchor="end">\
                \(HTMLText.escaped(tick == 0 ? "0" : yLabel(tick)))</text>
                """
            )
        }
        for label in xLabels {
            let place = Self.x(x.place(label.place))
            parts.append(
                """
                <text x="\(place)" y="\(Self.height - 8)" text-anchor="middle">\
                \(HTMLText.escaped(label.text))</text>
                """
            )
        }
        for line in lines {
            let points = line.points.map {
                "\(Self.x(x.place($0.x))),\(Self.y(y.place($0.y)))"
            }
            parts.append(
                "<polyline class=\"curve \(line.style)\" points=\"\(points.joined(separator: " "))\"/>"
            )
        }
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" \
            aria-label="\(HTMLText.escaped(title))">\(parts.joined(separator: "\n"))</svg>
            """
    }

    private static func x(_ share: Double) -> Double {
        round(left + min(1, max(0, share)) * (width - left - right))
    }

    private static func y(_ share: Double) -> Double {
        round(height - bottom - min(1, max(0, share)) * (height - top - bottom))
    }

    private static func round(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}

/// A chart with bars that lie on their side, each with its name before and its figure behind it.
struct BarChart {
    struct Bar {
        let name: String
        let value: Double
        let figure: String
        /// Drawn in the other colour.
        var isOther = false
    }

    let bars: [Bar]
    let title: String

    private static let (width, row, left, right) = (920.0, 24.0, 210.0, 130.0)

    func rendered() -> String {
        let largest = max(1e-12, bars.map(\.value).max() ?? 1)
        let parts = bars.enumerated().map { index, bar in
            let top = Double(index) * Self.row
            let length = max(1, bar.value / largest * (Self.width - Self.left - Self.right))
            return """
                <text x="\(Self.left - 10)" y="\(top + 16)" text-anchor="end">\
                \(HTMLText.escaped(bar.name))</text>\
                <rect class="bar\(bar.isOther ? " other" : "")" x="\(Self.left)" y="\(top + 4)" \
                width="\((length * 10).rounded() / 10)" height="16" rx="2"/>\
                <text x="\((Self.left + length + 8).rounded())" y="\(top + 16)">\
                \(HTMLText.escaped(bar.figure))</text>
                """
        }
        let height = Int(Double(bars.count) * Self.row + 6)
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(height)" role="img" \
            aria-label="\(HTMLText.escaped(title))">\(parts.joined(separator: "\n"))</svg>
            """
    }
}
