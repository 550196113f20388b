@testable import StargateCore

/// A head made of a text, for tests: the scanner has tests of its own.
struct TestHead {
    let bytes: [UInt8]
    private(set) var fields: [HeadField] = []
    private(set) var target = HeadRange.empty
    private(set) var firstLine: [Substring] = []

    /// - Parameter text: a complete head with CR LF line ends and its blank line.
    init(_ text: String) {
        self.init(bytes: Array(text.utf8))
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0D), end > start {
            if start == 0 {
                readFirstLine(bytes[..<end])
            } else {
                readField(bytes[start..<end])
            }
            start = end + 2
        }
    }

    private mutating func readFirstLine(_ line: ArraySlice<UInt8>) {
        firstLine = String(decoding: line, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        let blanks = line.indices.filter { line[$0] == 0x20 }
        if blanks.count == 2 { target = range(blanks[0] + 1, blanks[1]) }
    }

    private mutating func readField(_ line: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: 0x3A) else { return }
        var first = colon + 1
        var last = line.endIndex
        while first < last, line[first] == 0x20 || line[first] == 0x09 { first += 1 }
        while last > first, line[last - 1] == 0x20 || line[last - 1] == 0x09 { last -= 1 }
        fields.append(HeadField(name: range(line.startIndex, colon), value: range(first, last)))
    }

    private func range(_ start: Int, _ end: Int) -> HeadRange {
        HeadRange(start: UInt16(start), count: UInt16(end - start))
    }

    /// The digits of a response's status line.
    var status: Int { firstLine.count > 1 ? Int(firstLine[1]) ?? 0 : 0 }

    func withView<Result>(_ body: (HeadView) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes { bytes in
            try fields.withUnsafeBufferPointer { fields in
                try body(HeadView(bytes: bytes, fields: fields))
            }
        }
    }

    /// Decides about the head, read as a request, and hands the decision on while it is valid.
    func decide<Result>(
        _ protocols: ProtocolSet = .all,
        isSecure: Bool = false,
        _ body: (HandshakeDecision) throws -> Result
    ) rethrows -> Result {
        try withView { head in
            try body(
                HandshakeDecision(
                    head,
                    target: target,
                    isGet: firstLine.first == "GET",
                    isHTTP11: firstLine.last == "HTTP/1.1",
                    isSecure: isSecure,
                    protocols: protocols
                )
            )
        }
    }
}

/// What a decision came to, in a form that can be compared.
enum Outcome: Equatable, CustomStringConvertible {
    case plain
    case accepted(ProtocolVersion)
    case refused(UInt16)
    /// Refused, with the list of versions that are spoken.
    case listing(UInt16, String)

    init(_ decision: HandshakeDecision) {
        switch decision {
        case .notAnUpgrade: self = .plain
        case .accept(let handshake): self = .accepted(handshake.version)
        case .refuse(let refusal):
            let list = refusal.extraFields.first { $0.name == "Sec-WebSocket-Version" }
            self =
                list.map { .listing(refusal.status.code, $0.value) }
                ?? .refused(refusal.status.code)
        }
    }

    var description: String {
        switch self {
        case .plain: "plain HTTP"
        case .accepted(let version): "\(version)"
        case .refused(let status): "\(status)"
        case .listing(let status, let list): "\(status) listing \(list)"
        }
    }
}

/// A request that passes the common gate, and further lines.
func upgrade(
    _ lines: [String],
    target: String = "/demo",
    upgrade: String = "websocket",
    host: String = "example.com"
) -> TestHead {
    let head = [
        "GET \(target) HTTP/1.1", "Upgrade: \(upgrade)", "Connection: Upgrade", "Host: \(host)",
    ]
    return TestHead((head + lines).joined(separator: "\r\n") + "\r\n\r\n")
}

let sampleKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
let sampleKey1 = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5"
let sampleKey2 = "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00"

/// Lends a writer with room for `size` bytes and returns what was written, or nil on overflow.
func written(size: Int = 16_384, _ body: (inout HandshakeWriter) -> Void) -> [UInt8]? {
    withUnsafeTemporaryAllocation(byteCount: max(size, 1), alignment: 1) { memory in
        var writer = HandshakeWriter(UnsafeMutableRawBufferPointer(rebasing: memory[..<size]))
        body(&writer)
        return writer.hasOverflowed ? nil : writer.bytes
    }
}

func writtenText(_ body: (inout HandshakeWriter) -> Void) -> String {
    String(decoding: written(body) ?? [], as: UTF8.self)
}

/// Lends the bytes of a text.
func withBytes<Result>(_ text: String, _ body: (ByteView) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes { try body(ByteView($0)) }
}
