// JSON without Foundation: the order of the keys is ours, and a long list of numbers is one line.

/// A JSON value (RFC 8259).
indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable, Sendable {
        let key: String
        let value: JSONValue
    }

    /// An object whose keys stay in the order given.
    static func members(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(pairs.map { Member(key: $0.key, value: $0.value) })
    }

    /// The text, indented by two spaces a level.
    func rendered(indent: Int = 0) -> String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): Self.render(value)
        case .string(let value): Self.quote(value)
        case .array(let values) where values.allSatisfy(\.isNumber):
            "[\(values.map { $0.rendered() }.joined(separator: ", "))]"
        case .array(let values):
            Self.enclose(values.map { $0.rendered(indent: indent + 2) }, "[", "]", indent)
        case .object(let members):
            Self.enclose(
                members.map { "\(Self.quote($0.key)): \($0.value.rendered(indent: indent + 2))" },
                "{",
                "}",
                indent
            )
        }
    }

    /// The text on one line.
    func line() -> String {
        switch self {
        case .array(let values): "[\(values.map { $0.line() }.joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { Self.quote($0.key) + ":" + $0.value.line() }.joined(separator: ","))}"
        default: rendered()
        }
    }

    private var isNumber: Bool {
        switch self {
        case .integer, .number: true
        default: false
        }
    }

    private static func enclose(
        _ items: [String],
        _ opening: String,
        _ closing: String,
        _ indent: Int
    ) -> String {
        guard !items.isEmpty else { return opening + closing }
        let outer = String(repeating: " ", count: indent)
        let inner = outer + "  "
        let body = items.map { inner + $0 }.joined(separator: ",\n")
        return "\(opening)\n\(body)\n\(outer)\(closing)"
    }

    /// Six decimals are more than any of our figures is worth; JSON has no infinity.
    private static func render(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        guard value.magnitude < 1e12 else { return "\(value)" }
        var text = Figure.fixed(value, 6)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{00}"..."\u{1F}":
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
