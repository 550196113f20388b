// A JSON reader, for reports that were saved and for what child processes answer. RFC 8259, with a
// limit on nesting; no Foundation is loaded for it.

/// What is wrong with a JSON text or with a value in it.
struct JSONProblem: Error, Equatable, CustomStringConvertible {
    let description: String
}

extension JSONValue {
    /// Reads a text.
    ///
    /// - Throws: ``JSONProblem`` with the place in bytes.
    init(parsing text: String) throws(JSONProblem) {
        var parser = JSONParser(bytes: Array(text.utf8))
        self = try parser.document()
    }

    /// The value under a key of an object; nil for anything else.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    private var offset = 0
    private var depth = 0

    private static let depthLimit = 64

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONProblem) -> JSONValue {
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw problem("something behind the end") }
        return value
    }

    private mutating func value() throws(JSONProblem) -> JSONValue {
        skipSpace()
        guard offset < bytes.count else { throw problem("the end of the text") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object() throws(JSONProblem) -> JSONValue {
        try descend()
        var members: [Member] = []
        if try !isClosed(by: "}") {
            repeat {
                skipSpace()
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                    throw problem("no key")
                }
                let key = try string()
                skipSpace()
                guard take(":") else { throw problem("no colon behind a key") }
                members.append(Member(key: key, value: try value()))
            } while try continues(before: "}")
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(JSONProblem) -> JSONValue {
        try descend()
        var values: [JSONValue] = []
        if try !isClosed(by: "]") {
            repeat {
                values.append(try value())
            } while try continues(before: "]")
        }
        depth -= 1
        return .array(values)
    }

    private typealias Member = JSONValue.Member

    private mutating func descend() throws(JSONProblem) {
        offset += 1
        depth += 1
        guard depth <= Self.depthLimit else { throw problem("nested too deeply") }
    }

    private mutating func isClosed(by end: Unicode.Scalar) throws(JSONProblem) -> Bool {
        skipSpace()
        return take(end)
    }

    private mutating func continues(before end: Unicode.Scalar) throws(JSONProblem) -> Bool {
        skipSpace()
        if take(",") { return true }
        guard take(end) else { throw problem("neither a comma nor the end") }
        return false
    }

    private mutating func string() throws(JSONProblem) -> String {
        offset += 1
        var text: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw problem("a string that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
            case 0..<0x20: throw problem("a control character in a string")
            default: text.append(byte)
            }
        }
        throw problem("a string without an end")
    }

    private mutating func escape() throws(JSONProblem) -> [UInt8] {
        guard offset < bytes.count else { throw problem("a string without an end") }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicode()
        default: throw problem("an unknown escape")
        }
    }

    private mutating func unicode() throws(JSONProblem) -> [UInt8] {
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { throw problem("half a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw problem("half a surrogate pair") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(JSONProblem) -> UInt32 {
        guard offset + 4 <= bytes.count else { throw problem("a short escape") }
        let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
        guard let code = UInt32(digits, radix: 16) else { throw problem("a wrong escape") }
        offset += 4
        return code
    }

    private mutating func number() throws(JSONProblem) -> JSONValue {
        let start = offset
        while offset < bytes.count, "+-.eE0123456789".utf8.contains(bytes[offset]) { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if let integer = UInt64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw problem("no value")
        }
        return .number(number)
    }

    private mutating func word(
        _ word: StaticString,
        _ value: JSONValue
    ) throws(JSONProblem) -> JSONValue {
        let letters = Array("\(word)".utf8)
        guard bytes[offset...].starts(with: letters) else { throw problem("an unknown word") }
        offset += letters.count
        return value
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private func problem(_ text: String) -> JSONProblem {
        JSONProblem(description: "no valid JSON: \(text) at byte \(offset)")
    }
}
