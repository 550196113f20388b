// Values that JSON can hold, both ways, and the schema of each. A record lists its fields once;
// writing, reading and the published schema follow from that list and cannot differ.

/// Something with a form in JSON.
protocol JSONCodable {
    init(json: JSONValue) throws(JSONProblem)
    var json: JSONValue { get }
    /// What JSON Schema (draft 2020-12) says about it.
    static var schema: JSONValue { get }
    /// What a record holds when the key is not there; nil where it must be.
    static var missing: Self? { get }
}

extension JSONCodable {
    static var missing: Self? { nil }
}

/// One key of a record.
struct JSONField<Record> {
    let key: String
    let isRequired: Bool
    let write: (Record) -> JSONValue
    let read: (inout Record, JSONValue?) throws(JSONProblem) -> Void
    let schema: JSONValue

    /// - Parameters:
    ///   - key: the name in JSON.
    ///   - path: where the value lies.
    ///   - note: what it means, with its unit; it becomes the schema's description.
    init<Value: JSONCodable>(
        _ key: String,
        _ path: WritableKeyPath<Record, Value>,
        _ note: String
    ) {
        self.key = key
        isRequired = Value.missing == nil
        write = { $0[keyPath: path].json }
        read = { (record, value) throws(JSONProblem) in
            if let value {
                do throws(JSONProblem) {
                    record[keyPath: path] = try Value(json: value)
                } catch {
                    throw JSONProblem(description: "\(key): \(error.description)")
                }
            } else if let missing = Value.missing {
                record[keyPath: path] = missing
            } else {
                throw JSONProblem(description: "the key \(key) is missing")
            }
        }
        schema = Value.schema.adding("description", .string(note))
    }
}

/// A JSON object with fixed keys. Keys that a reader does not know are passed over, so that files
/// of newer versions can be read.
protocol JSONRecord: JSONCodable {
    init()
    static var fields: [JSONField<Self>] { get }
}

extension JSONRecord {
    init(json: JSONValue) throws(JSONProblem) {
        guard case .object = json else { throw JSONProblem(description: "not an object") }
        self.init()
        for field in Self.fields { try field.read(&self, json[field.key]) }
    }

    var json: JSONValue {
        .object(Self.fields.map { .init(key: $0.key, value: $0.write(self)) })
    }

    static var schema: JSONValue {
        .members([
            "type": .string("object"),
            "required": .array(fields.filter(\.isRequired).map { .string($0.key) }),
            "properties": .object(fields.map { .init(key: $0.key, value: $0.schema) }),
        ])
    }
}

extension JSONValue {
    /// An object with one more member; other values as they are.
    func adding(_ key: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members + [Member(key: key, value: value)])
    }
}

// MARK: Plain values

extension Bool: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        guard case .bool(let value) = json else { throw JSONProblem(description: "not a Boolean") }
        self = value
    }

    var json: JSONValue { .bool(self) }
    static var schema: JSONValue { .members(["type": .string("boolean")]) }
}

extension String: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        guard case .string(let value) = json else { throw JSONProblem(description: "not a string") }
        self = value
    }

    var json: JSONValue { .string(self) }
    static var schema: JSONValue { .members(["type": .string("string")]) }
}

extension UInt64: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        switch json {
        case .integer(let value): self = value
        case .number(let value):
            guard let whole = UInt64(exactly: value) else {
                throw JSONProblem(description: "not a whole number")
            }
            self = whole
        default: throw JSONProblem(description: "not a number")
        }
    }

    var json: JSONValue { .integer(self) }
    static var schema: JSONValue {
        .members(["type": .string("integer"), "minimum": .integer(0)])
    }
}

extension Int: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        guard let value = Int(exactly: try UInt64(json: json)) else {
            throw JSONProblem(description: "too large a number")
        }
        self = value
    }

    /// Counts are never negative here.
    var json: JSONValue { .integer(UInt64(Swift.max(0, self))) }
    static var schema: JSONValue { UInt64.schema }
}

extension Double: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        switch json {
        case .integer(let value): self = Double(value)
        case .number(let value): self = value
        default: throw JSONProblem(description: "not a number")
        }
    }

    var json: JSONValue { .number(self) }
    static var schema: JSONValue { .members(["type": .string("number")]) }
}

extension Optional: JSONCodable where Wrapped: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        if case .null = json { self = nil } else { self = try Wrapped(json: json) }
    }

    var json: JSONValue { self?.json ?? .null }
    static var schema: JSONValue {
        .members(["anyOf": .array([Wrapped.schema, .members(["type": .string("null")])])])
    }
    static var missing: Self? { .some(nil) }
}

extension Array: JSONCodable where Element: JSONCodable {
    init(json: JSONValue) throws(JSONProblem) {
        guard case .array(let values) = json else { throw JSONProblem(description: "not an array") }
        var elements: [Element] = []
        elements.reserveCapacity(values.count)
        for value in values { elements.append(try Element(json: value)) }
        self = elements
    }

    var json: JSONValue { .array(map(\.json)) }
    static var schema: JSONValue {
        .members(["type": .string("array"), "items": Element.schema])
    }
    static var missing: Self? { [] }
}

extension JSONCodable where Self: RawRepresentable, RawValue == String, Self: CaseIterable {
    init(json: JSONValue) throws(JSONProblem) {
        let text = try String(json: json)
        guard let value = Self(rawValue: text) else {
            throw JSONProblem(description: "'\(text)' is not known")
        }
        self = value
    }

    var json: JSONValue { .string(rawValue) }
    static var schema: JSONValue {
        .members(["enum": .array(allCases.map { .string($0.rawValue) })])
    }
}
