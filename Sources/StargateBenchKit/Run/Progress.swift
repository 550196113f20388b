// What the user sees while a run goes on: on a terminal one line that is written over and over,
// elsewhere a plain line every ten seconds. Always on standard error, so that the report alone
// reaches a pipe.

internal import Glibc

/// The live line.
final class Progress {
    enum Phase: Equatable {
        case connecting(Int)
        case settling
        case warmingUp(TimeSpan)
        case measuring(TimeSpan)
        case counting(UInt64)
        case finishing
    }

    private let isTerminal: Bool
    private let isQuiet: Bool
    private let style: Style
    /// What is counted: `msg` or `handshakes`.
    private let unit: String
    private var phase = Phase.finishing
    private var phaseStart: UInt64 = 0
    private var lastShown: UInt64 = 0
    private var lastCompleted: UInt64 = 0
    private var isLineOpen = false

    init(unit: String, isTerminal: Bool, isQuiet: Bool, style: Style) {
        self.unit = unit
        self.isTerminal = isTerminal
        self.isQuiet = isQuiet
        self.style = style
    }

    func begin(_ phase: Phase) {
        self.phase = phase
        phaseStart = MonotonicClock.now()
        if !isTerminal { lastShown = phaseStart }
    }

    func show(_ snapshot: WorkerSnapshot) {
        guard !isQuiet else { return }
        let now = MonotonicClock.now()
        let interval: UInt64 = isTerminal ? 200_000_000 : 10_000_000_000
        let sinceShown = now.minus(lastShown)
        guard sinceShown >= interval else { return }
        let rate =
            Double(snapshot.completed.minus(lastCompleted)) / (Double(sinceShown) / 1e9)
        lastShown = now
        lastCompleted = snapshot.completed
        let line = Self.line(
            phase: phase,
            elapsed: now.minus(phaseStart),
            snapshot: snapshot,
            rate: rate,
            unit: unit,
            style: style
        )
        if isTerminal {
            isLineOpen = true
            write("\r\(line)\u{1B}[K")
        } else {
            write("\(line)\n")
        }
    }

    /// Clears the line, so that the report starts on an empty one.
    func end() {
        if isLineOpen { write("\r\u{1B}[K") }
        isLineOpen = false
    }

    /// The text of the line.
    static func line(
        phase: Phase,
        elapsed: UInt64,
        snapshot: WorkerSnapshot,
        rate: Double,
        unit: String,
        style: Style
    ) -> String {
        let seconds = Figure.fixed(Double(elapsed) / 1e9, 1)
        let speed = "\(Figure.rate(rate)) \(unit)/s"
        var parts: [String]
        switch phase {
        case .connecting(let wanted):
            parts = ["connecting", "\(Figure.grouped(UInt64(snapshot.opened))) of \(wanted)"]
        case .settling:
            parts = ["settling", Figure.counted(snapshot.openNow, "connection")]
        case .warmingUp(let length):
            parts = ["warming up \(seconds) of \(Figure.fixed(length.seconds, 1)) s", speed]
        case .measuring(let length):
            let share = min(1, Double(elapsed) / Double(max(1, length.nanoseconds)))
            parts = [
                style.bar(share, width: 20),
                "\(seconds) of \(Figure.fixed(length.seconds, 1)) s", speed,
                "\(snapshot.openNow) open",
            ]
        case .counting(let count):
            let share = min(1, Double(snapshot.completed) / Double(max(1, count)))
            parts = [
                style.bar(share, width: 20),
                "\(Figure.grouped(snapshot.completed)) of \(Figure.grouped(count))", speed,
            ]
        case .finishing:
            parts = ["finishing", "\(snapshot.openNow) open"]
        }
        if snapshot.errors > 0 {
            parts.append(style.bad(Figure.counted(Int(clamping: snapshot.errors), "error")))
        }
        return "  " + parts.joined(separator: "   ")
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
