import Testing

@testable import StargateCore

@Suite("Response heads")
struct ResponseHeadScannerTests {
    static func scan(_ bytes: some Collection<UInt8>, previously: Int = 0) -> ResponseHeadScan {
        withHead(bytes, capacity: 100) { bytes, fields in
            ResponseHeadScanner.scan(
                bytes,
                previouslyScanned: previously,
                limits: .default,
                into: fields
            )
        }
    }

    static let accepted = """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        \r\n
        """

    @Test("an answer comes out whole")
    func whole() throws {
        guard case .complete(let head) = Self.scan(Self.accepted.utf8) else {
            Issue.record("not complete")
            return
        }
        #expect(head.byteCount == Self.accepted.utf8.count)
        #expect(head.statusCode == 101)
        #expect(head.minorVersion == 1)
        #expect(head.fieldCount == 3)
        #expect(head.reasonPhrase == HeadRange(from: 13, to: 32))
    }

    @Test(
        "start lines",
        arguments: [
            ("HTTP/1.1 101 Web Socket Protocol Handshake", 101, 29),
            ("HTTP/1.0 200 OK", 200, 2), ("HTTP/1.1 404 ", 404, 0), ("HTTP/1.1 999", 999, 0),
            ("HTTP/1.1 100 a\tb", 100, 3), ("HTTP/1.1 500 caf\u{E9}", 500, 5),
        ]
    )
    func startLines(line: String, code: UInt16, phraseCount: UInt16) {
        guard case .complete(let head) = Self.scan("\(line)\r\n\r\n".utf8) else {
            Issue.record("not complete")
            return
        }
        #expect(head.statusCode == code)
        #expect(head.reasonPhrase.count == phraseCount)
    }

    @Test(
        "what is no response",
        arguments: [
            ("HTTP/2.0 200 OK\r\n\r\n", HeadFault.unknownVersion),
            ("HTTP/1.1  200 OK\r\n\r\n", .badStatus), ("HTTP/1.1 20 OK\r\n\r\n", .badStatus),
            ("HTTP/1.1 099 OK\r\n\r\n", .badStatus), ("HTTP/1.1 2000 OK\r\n\r\n", .badStatus),
            ("HTTP/1.1 +20 OK\r\n\r\n", .badStatus), ("HTTP/1.1\r\n\r\n", .badVersion),
            ("HTTP/1.1 200 a\0\r\n\r\n", .badStatus), ("HTTP/1.1 200\n\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\n\r\n", .badVersion), ("HTTP/1.1 200 OK\r\n x\r\n\r\n", .foldedLine),
            ("HTTP/1.1 200 OK\r\nx\r\n\r\n", .missingColon),
        ]
    )
    func malformed(text: String, fault: HeadFault) {
        #expect(Self.scan(text.utf8) == .malformed(fault))
        let bytes = Array(text.utf8)
        for split in 1..<bytes.count where Self.scan(bytes[..<split]) == .incomplete {
            #expect(Self.scan(bytes, previously: split) == .malformed(fault))
        }
    }

    @Test("every split point, with frames behind the head")
    func everySplit() {
        let bytes = Array(Self.accepted.utf8) + [0x81, 0x01, 0x61]
        let whole = Self.scan(bytes)
        for split in 0..<Self.accepted.utf8.count {
            #expect(Self.scan(bytes[..<split]) == .incomplete)
            #expect(Self.scan(bytes, previously: split) == whole)
        }
    }
}
