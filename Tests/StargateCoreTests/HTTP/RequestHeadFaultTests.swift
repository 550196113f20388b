import Testing

@testable import StargateCore

@Suite("Request heads that are refused")
struct RequestHeadFaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var fault: HeadFault

        init(_ text: String, _ fault: HeadFault) {
            bytes = Array(text.utf8)
            self.fault = fault
        }

        var testDescription: String {
            "\(fault): \(String(decoding: bytes.prefix(48), as: UTF8.self).debugDescription)"
        }
    }

    static func field(_ line: String, _ fault: HeadFault) -> Case {
        Case("GET / HTTP/1.1\r\nHost: h\r\n\(line)\r\n\r\n", fault)
    }

    static let lines = [
        // Line ends that are none.
        Case("GET / HTTP/1.1\nHost: h\n\n", .bareLineFeed),
        Case("GET / HTTP/1.1\r\nHost: h\n\r\n", .bareLineFeed),
        Case("GET / HTTP/1.1\r\nHost: h\r\n\n", .bareLineFeed),
        Case("GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", .bareCarriageReturn),
        Case("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", .bareCarriageReturn),
        Case("GET / HTTP/1.1\r\nHost: h\r\n\rX", .bareCarriageReturn),
        field("X: a\rb", .bareCarriageReturn),
        // Folded lines, in a key too.
        field("X: a\r\n b", .foldedLine),
        field("Sec-WebSocket-Key: dGhlIHNhbXBs\r\n\tZSBub25jZQ==", .foldedLine),
        Case("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .foldedLine),
    ]

    static let fields = [
        field("X: a\0b", .badValue),
        field("X: a\u{0B}b", .badValue),
        field("X: a\u{7F}b", .badValue),
        field("X: \u{07}", .badValue),
        field("X: a\tb\u{1F}", .badValue),
        field("X : a", .blankBeforeColon),
        field("X\t: a", .blankBeforeColon),
        field(": a", .emptyName),
        field("X", .missingColon),
        field("X(y): a", .badName),
        field("X@: a", .badName),
        field("X\0: a", .badName),
        field("\u{E9}: a", .badName),
        field("X\u{7F}: a", .badName),
    ]

    static let startLines = [
        Case("GET / HTTP/1.0\r\n\r\n", .oldVersion),
        Case("GET / HTTP/0.9\r\n\r\n", .unknownVersion),
        Case("GET / HTTP/2.0\r\n\r\n", .unknownVersion),
        Case("GET / HTTP/9.9\r\n\r\n", .unknownVersion),
        Case("GET / HTTP/1.1junk\r\n\r\n", .badVersion),
        Case("GET / HTTP/1.10\r\n\r\n", .badVersion),
        Case("GET / HTTP/11\r\n\r\n", .badVersion),
        Case("GET / http/1.1\r\n\r\n", .badVersion),
        Case("GET /\r\n\r\n", .badVersion),
        Case("GET / \r\n\r\n", .badVersion),
        Case("GET /  HTTP/1.1\r\n\r\n", .badVersion),
        Case("GET / HTTP/1.1 \r\n\r\n", .badVersion),
        Case("GET  / HTTP/1.1\r\n\r\n", .badTarget),
        Case("GET\t/ HTTP/1.1\r\n\r\n", .badMethod),
        Case(" GET / HTTP/1.1\r\n\r\n", .badMethod),
        // One empty line is read over, and nothing else.
        Case("\r\n\r\nGET / HTTP/1.1\r\n\r\n", .badMethod),
        Case("\r\n GET / HTTP/1.1\r\n\r\n", .badMethod),
        Case("\r\n / HTTP/1.1\r\n\r\n", .badMethod),
        Case("\r\n\nGET / HTTP/1.1\r\n\r\n", .badMethod),
        Case("\nGET / HTTP/1.1\r\n\r\n", .badMethod),
        Case("\rGET / HTTP/1.1\r\n\r\n", .bareCarriageReturn),
        Case("\r\r\nGET / HTTP/1.1\r\n\r\n", .bareCarriageReturn),
        Case("G@T / HTTP/1.1\r\n\r\n", .badMethod),
        Case("GET /a\0b HTTP/1.1\r\n\r\n", .badTarget),
        Case("GET /a\u{7F} HTTP/1.1\r\n\r\n", .badTarget),
        Case("GET /a\nb HTTP/1.1\r\n\r\n", .badTarget),
        Case("OPTIONS * HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET h:80 HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET h/p HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET ?q HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET ftp://h/ HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET http:/// HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("GET http:// HTTP/1.1\r\n\r\n", .authorityTarget),
        Case("CONNECT h:443 HTTP/1.1\r\n\r\n", .connectTarget),
    ]

    static let otherProtocols = [
        Case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unknownVersion),
        Case("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", .badVersion),
        Case("\r\n\r\n\0\r\nQUIT\n", .badMethod),
        Case("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", .badMethod),
        Case("\u{16}\u{03}\u{01}\u{02}\0\u{01}\0\u{01}\u{FC}\u{03}\u{03}", .badMethod),
        Case("\0\0\0\0", .badMethod),
    ]

    static let all = lines + fields + startLines + otherProtocols

    @Test("each fault is found in the whole head", arguments: all)
    func whole(one: Case) {
        #expect(scanRequest(one.bytes) == .refused(one.fault))
    }

    @Test("each fault is found wherever the head is split", arguments: all)
    func everySplit(one: Case) {
        for split in 0...one.bytes.count {
            let (outcome, _) = scanRequest(one.bytes, arrivingAt: [split, one.bytes.count])
            #expect(outcome == .refused(one.fault), "split after \(split) bytes")
        }
        let (outcome, _) = scanRequest(one.bytes, arrivingAt: 1...one.bytes.count)
        #expect(outcome == .refused(one.fault), "byte by byte")
    }

    @Test("no byte can follow a fault that would make a request of it", arguments: all)
    func refusedForGood(one: Case) {
        let longer = one.bytes + Array("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        #expect(scanRequest(longer) == .refused(one.fault))
    }

    @Test(
        "what is no HTTP ends at its first impossible byte",
        arguments: zip(otherProtocols.dropFirst(2), [3, 5, 1, 1])
    )
    func firstImpossibleByte(one: Case, byteCount: Int) {
        let (outcome, seen) = scanRequest(one.bytes, arrivingAt: 1...one.bytes.count)
        #expect(outcome == .refused(one.fault))
        #expect(seen == byteCount)
    }

    @Test("a method that never ends is refused after 25 bytes", arguments: ["", "\r\n"])
    func endlessMethod(before: String) {
        let bytes = Array(before.utf8) + Array(repeating: UInt8(ascii: "A"), count: 100)
        let (outcome, seen) = scanRequest(bytes, arrivingAt: 1...100)
        #expect(outcome == .refused(.badMethod))
        #expect(seen == before.utf8.count + 25)
    }

    @Test("statuses are those a client understands")
    func statuses() {
        #expect(HeadFault.oldVersion.status == .versionNotSupported)
        #expect(HeadFault.startLineTooLong.status == .uriTooLong)
        #expect(HeadFault.tooManyFields.status == .headerFieldsTooLarge)
        #expect(HeadFault.connectTarget.status == .methodNotAllowed)
        #expect(HeadFault.connectTarget.refusal.headers.map(\.name) == ["Allow"])
        #expect(HeadFault.bareLineFeed.status == .badRequest)
        for fault in HeadFault.allCases {
            #expect(fault.reason.hasSuffix("."), "\(fault)")
            #expect((400...505).contains(fault.status.code), "\(fault)")
        }
    }
}
