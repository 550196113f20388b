// A server to be compared, as the command line or a file names it.

/// What a workload may ask of a server beyond an echo.
enum ServerFeature: String, CaseIterable, Sendable {
    /// permessage-deflate, each message by itself.
    case deflate
    /// permessage-deflate with a context that lasts as long as the connection.
    case dedicated
    /// Every message goes to everybody on the path /broadcast.
    case broadcast
    case tls

    var path: String { self == .broadcast ? "/broadcast" : "/" }
}

/// A name and a shell command, or a name and why there is no command.
struct ServerSpec: Equatable, Sendable {
    enum Source: Equatable, Sendable {
        case command(String)
        case missing(String)
    }

    let name: String
    let source: Source

    /// `name=command {port}`; nil when a part is empty or the command takes no port.
    init?(argument: String) {
        guard let sign = argument.firstIndex(of: "=") else { return nil }
        let name = Self.trimmed(argument[..<sign])
        let command = Self.trimmed(argument[argument.index(after: sign)...])
        guard !name.isEmpty, command.contains("{port}") else { return nil }
        self.name = name
        source = .command(command)
    }

    /// The same server under another name.
    var again: ServerSpec { ServerSpec(name: name + " again", source: source) }

    private init(name: String, source: Source) {
        self.name = name
        self.source = source
    }

    private init(name: String, missing reason: String) {
        self.name = name
        source = .missing(reason)
    }

    /// The lines of a file: `name = command {port}`, `name ! why it is missing`, `# remark`.
    ///
    /// - Throws: ``Problem`` with the line that is none of these.
    static func list(_ text: String) throws(Problem) -> [ServerSpec] {
        var specs: [ServerSpec] = []
        for line in text.split(separator: "\n") {
            let line = trimmed(line[...])
            if line.isEmpty || line.hasPrefix("#") { continue }
            let mark = line.firstIndex { $0 == "=" || $0 == "!" }
            if let mark, line[mark] == "!" {
                let reason = trimmed(line[line.index(after: mark)...])
                specs.append(ServerSpec(name: trimmed(line[..<mark]), missing: reason))
            } else if let spec = ServerSpec(argument: line) {
                specs.append(spec)
            } else {
                throw Problem(description: "not `name = command {port}`: \(line)")
            }
        }
        return specs
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// The command for a port and a feature; nil when the command does not say how to turn the
    /// feature on: text in `{deflate: ...}` is kept where it is wanted and left out elsewhere.
    func command(port: Int, feature: ServerFeature?) -> String? {
        guard case .command(var text) = source else { return nil }
        var isAvailable = feature == nil
        for one in ServerFeature.allCases {
            let opening = "{\(one.rawValue):"
            while let (start, end) = Self.range(of: opening, in: text),
                let close = text[end...].firstIndex(of: "}")
            {
                let inside = one == feature ? Self.trimmed(text[end..<close]) : ""
                if one == feature { isAvailable = true }
                text.replaceSubrange(start...close, with: inside)
            }
        }
        guard isAvailable else { return nil }
        while let (start, end) = Self.range(of: "{port}", in: text) {
            text.replaceSubrange(start..<end, with: String(port))
        }
        return text
    }

    private static func range(of part: String, in text: String) -> (String.Index, String.Index)? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(part) {
                return (start, text.index(start, offsetBy: part.count))
            }
            start = text.index(after: start)
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }
}
