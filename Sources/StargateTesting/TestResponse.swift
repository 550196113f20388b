/// An HTTP response that a scripted peer has received.
public struct TestResponse: Hashable, Sendable {
    /// One field of the head.
    public struct Field: Hashable, Sendable {
        /// The name, as it was sent.
        public let name: String
        /// The value, without the blanks around it.
        public let value: String
    }

    /// The status code.
    public let status: Int
    /// The words behind it.
    public let reasonPhrase: String
    /// The fields, in the order in which they came.
    public let fields: [Field]
    /// The body.
    public internal(set) var body: [UInt8] = []
    /// The head as it came, with the blank line.
    package let head: [UInt8]

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The first value of a field; the case of the name does not matter.
    public subscript(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Takes a head off the bytes; nil if it is not whole, or is none.
    package static func takeHead(from bytes: inout ArraySlice<UInt8>) -> TestResponse? {
        let end: [UInt8] = [13, 10, 13, 10]
        let starts = bytes.indices.dropLast(3)
        guard let endOfHead = starts.first(where: { bytes[$0..<$0 + 4].elementsEqual(end) }) else {
            return nil
        }
        let head = Array(bytes[..<(endOfHead + 4)])
        let lines = String(decoding: head.dropLast(4), as: UTF8.self).split(
            separator: "\r\n",
            omittingEmptySubsequences: false
        )
        let startLine = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard startLine.count >= 2, startLine[0].hasPrefix("HTTP/1."),
            let status = Int(startLine[1])
        else { return nil }
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return Field(name: String(parts.first ?? ""), value: String(value))
        }
        bytes = bytes[(endOfHead + 4)...]
        return TestResponse(
            status: status,
            reasonPhrase: startLine.count > 2 ? String(startLine[2]) : "",
            fields: fields,
            head: head
        )
    }

    /// Takes a whole response off the bytes; nil if it is not whole. The answer to HEAD has no body.
    package static func take(from bytes: inout ArraySlice<UInt8>, hasBody: Bool) -> TestResponse? {
        var rest = bytes
        guard var response = takeHead(from: &rest) else { return nil }
        let isEmpty =
            !hasBody || response.status == 101 || response.status == 204
            || response.status == 304
        let count = isEmpty ? 0 : response["Content-Length"].flatMap { Int($0) } ?? 0
        guard rest.count >= count else { return nil }
        response.body = Array(rest.prefix(count))
        bytes = rest.dropFirst(count)
        return response
    }
}
