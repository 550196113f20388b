import Testing

@testable import StargateCore

@Suite("Request heads that are complete")
struct RequestHeadScannerTests {
    @Test("a browser's request comes out whole")
    func browserRequest() throws {
        let request = try #require(scanRequest(chromeUpgrade.utf8).request)
        #expect(request.head.byteCount == chromeUpgrade.utf8.count)
        #expect(request.head.method == .get)
        #expect(request.head.minorVersion == 1)
        #expect(request.path == "/chat/lobby")
        #expect(request.query == "user=ann")
        #expect(request.authority == nil)
        #expect(request.fields.count == 12)
        #expect(request.fields.first == "Host|localhost:9001")
        #expect(request.fields[8] == "Accept-Encoding|gzip, deflate, br, zstd")
        #expect(
            request.fields.last
                == "Sec-WebSocket-Extensions|permessage-deflate; client_max_window_bits"
        )
    }

    static let requests = [
        chromeUpgrade,
        "GET / HTTP/1.1\r\n\r\n",
        "OPTIONS /a?b?c HTTP/1.1\r\nA:b\r\nEmpty:\r\nBlank: \t \r\nTab: a\tb \t\r\n\r\n",
        "GET ws://example.com:81?x HTTP/1.9\r\nhOST: other\r\n\r\n",
        "GET / HTTP/1.1\r\nX: caf\u{E9} \u{1F680}\r\nHost: h\r\n\r\n",
        "get / HTTP/1.1\r\n!#$%&'*+-.^_`|~09AZaz: v\r\n\r\n",
        "\r\nGET /a?b HTTP/1.1\r\nHost: h\r\n\r\n",
    ]

    // RFC 9112 section 2.2.
    @Test("an empty line before the request is read over")
    func emptyLine() throws {
        let plain = try #require(scanRequest(chromeUpgrade.utf8).request)
        let bytes = [13, 10] + Array(chromeUpgrade.utf8)
        let behind = try #require(scanRequest(bytes).request)
        #expect(behind.head.byteCount == bytes.count)
        #expect(behind.head.method == .get)
        #expect(behind.method == "GET")
        #expect(behind.path == plain.path && behind.query == plain.query)
        #expect(behind.fields == plain.fields)
    }

    @Test("one split anywhere changes nothing", arguments: requests)
    func everySplit(request: String) {
        let bytes = Array(request.utf8)
        let whole = scanRequest(bytes)
        #expect(whole.request != nil)
        for split in 0...bytes.count {
            let (outcome, _) = scanRequest(bytes, arrivingAt: [split, bytes.count])
            #expect(outcome == whole, "split after \(split) bytes")
        }
    }

    @Test("pieces of any one size change nothing", arguments: requests)
    func everyPieceSize(request: String) {
        let bytes = Array(request.utf8)
        let whole = scanRequest(bytes)
        for size in 1...64 {
            let ends = Array(stride(from: size, to: bytes.count, by: size)) + [bytes.count]
            let (outcome, byteCount) = scanRequest(bytes, arrivingAt: ends)
            #expect(outcome == whole, "pieces of \(size) bytes")
            #expect(byteCount == bytes.count)
        }
    }

    @Test("what follows the blank line is left alone", arguments: requests)
    func followingBytes(request: String) {
        let bytes = Array(request.utf8)
        let glued = bytes + [0x81, 0x85, 0, 13, 10, 13, 10]
        #expect(scanRequest(glued) == scanRequest(bytes))
        // And also when the last byte of the head comes together with it.
        let split = bytes.count - 1
        let (outcome, _) = scanRequest(glued, arrivingAt: [split, glued.count])
        #expect(outcome == scanRequest(bytes))
    }

    @Test("every proper prefix is incomplete", arguments: requests)
    func everyPrefix(request: String) {
        let bytes = Array(request.utf8)
        for count in 0..<bytes.count {
            #expect(scanRequest(bytes[..<count]) == .incomplete, "\(count) bytes")
        }
    }

    @Test(
        "methods are told apart, with their case",
        arguments: [
            ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put),
            ("PATCH", .patch), ("DELETE", .delete), ("OPTIONS", .options), ("TRACE", .trace),
            ("CONNECT", .connect), ("get", .other), ("GETS", .other), ("G", .other),
            ("M-SEARCH", .other), ("UPDATEREDIRECTREF", .other),
        ]
    )
    func methods(name: String, method: HTTPMethod) throws {
        let request = try #require(scanRequest("\(name) / HTTP/1.1\r\n\r\n".utf8).request)
        #expect(request.head.method == method)
        #expect(request.method == name)
    }

    struct Target: Sendable {
        var raw: String
        var path: String
        var query: String?
        var authority: String?
    }

    @Test(
        "targets are taken apart",
        arguments: [
            Target(raw: "/", path: "/"),
            Target(raw: "/?", path: "/", query: ""),
            Target(raw: "/a/../b%00%2f", path: "/a/../b%00%2f"),
            Target(raw: "//evil/x?y=http://z", path: "//evil/x", query: "y=http://z"),
            Target(raw: "/caf\u{E9}", path: "/caf\u{E9}"),
            Target(raw: "http://h", path: "/", authority: "h"),
            Target(raw: "HTTPS://h:1/p/?q", path: "/p/", query: "q", authority: "h:1"),
            Target(raw: "ws://[::1]:9?q/r", path: "/", query: "q/r", authority: "[::1]:9"),
            Target(raw: "wss://h/", path: "/", authority: "h"),
        ]
    )
    func targets(target: Target) throws {
        let request = try #require(scanRequest("GET \(target.raw) HTTP/1.1\r\n\r\n".utf8).request)
        #expect(request.path == target.path)
        #expect(request.query == target.query)
        #expect(request.authority == target.authority)
    }

    @Test("bytes that are not UTF-8 stay opaque")
    func opaqueBytes() throws {
        let bytes =
            Array("GET /".utf8) + [0xFF, 0x80] + Array(" HTTP/1.1\r\nX: ".utf8)
            + Array(0x80...0xFF) + Array("\r\n\r\n".utf8)
        let request = try #require(scanRequest(bytes).request)
        #expect(request.path == "/\u{FFFD}\u{FFFD}")
        #expect(request.fields.count == 1)
    }
}
