// Colour where it helps: on a terminal, and not when NO_COLOR says no (https://no-color.org).

internal import Glibc

/// How text is decorated. Without colour every method returns what it was given.
struct Style: Sendable, Equatable {
    let hasColor: Bool
    /// Whether the output understands more than ASCII.
    let hasUnicode: Bool

    static let plain = Style(hasColor: false, hasUnicode: false)

    init(hasColor: Bool, hasUnicode: Bool) {
        self.hasColor = hasColor
        self.hasUnicode = hasUnicode
    }

    /// The style that suits a descriptor of this process.
    init(for descriptor: Int32) {
        let isTerminal = isatty(descriptor) == 1
        let noColor = Self.environment("NO_COLOR").map { !$0.isEmpty } ?? false
        hasColor = isTerminal && !noColor && Self.environment("TERM") != "dumb"
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].compactMap(Self.environment).first { !$0.isEmpty } ?? ""
        let lowered = locale.lowercased()
        hasUnicode = isTerminal && (lowered.contains("utf-8") || lowered.contains("utf8"))
    }

    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func good(_ text: String) -> String { wrap(text, "1;32") }
    func bad(_ text: String) -> String { wrap(text, "1;31") }
    func warning(_ text: String) -> String { wrap(text, "33") }

    /// A bar that is filled to a share.
    func bar(_ share: Double, width: Int) -> String {
        let filled = Int((min(1, max(0, share)) * Double(width)).rounded())
        let (full, empty) = hasUnicode ? ("\u{2588}", "\u{2591}") : ("#", ".")
        return String(repeating: full, count: filled)
            + dim(String(repeating: empty, count: width - filled))
    }

    /// The columns of a terminal, from 80 to 120; 80 for anything else.
    static func columns(of descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return min(120, max(80, Int(size.ws_col)))
    }

    private func wrap(_ text: String, _ code: String) -> String {
        hasColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
