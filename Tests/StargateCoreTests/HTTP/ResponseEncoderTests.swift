import Testing

@testable import StargateCore

@Suite("Responses")
struct ResponseEncoderTests {
    static func encode(
        _ response: Response,
        omittingBody: Bool = false,
        keepAlive: Bool = true
    ) -> String {
        let bytes = ResponseEncoder.encode(
            response,
            omittingBody: omittingBody,
            keepAlive: keepAlive
        )
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("the bytes of a plain answer")
    func plain() {
        #expect(
            Self.encode(.text("ok"))
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: 2\r\n\r\nok"
        )
        #expect(
            Self.encode(.text("ok"), omittingBody: true, keepAlive: false)
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: 2\r\nConnection: close\r\n\r\n"
        )
    }

    @Test("each kind of answer says what it is")
    func kinds() {
        #expect(Self.encode(.html("<p>")).contains("Content-Type: text/html; charset=utf-8\r\n"))
        #expect(Self.encode(.json("{}")).contains("Content-Type: application/json\r\n"))
        #expect(Self.encode(.notFound).hasPrefix("HTTP/1.1 404 Not Found\r\n"))
        let moved = Self.encode(.redirect(to: "/x?y", status: .movedPermanently))
        #expect(
            moved == "HTTP/1.1 301 Moved Permanently\r\nLocation: /x?y\r\nContent-Length: 0\r\n\r\n"
        )
        let bytes = ResponseEncoder.encode(
            .bytes([0, 13, 10, 255], contentType: "a/b"),
            omittingBody: false,
            keepAlive: true
        )
        #expect(Array(bytes.suffix(4)) == [0, 13, 10, 255])
    }

    @Test("204 and 304 have no body, and 204 no length")
    func bodiless() {
        let none = Self.encode(Response(status: .noContent, body: [1]))
        #expect(none == "HTTP/1.1 204 No Content\r\n\r\n")
        let same = Self.encode(Response(status: .notModified, body: [1]))
        #expect(same == "HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\n")
        #expect(
            Self.encode(Response(status: .notModified)) == "HTTP/1.1 304 Not Modified\r\n\r\n"
        )
    }

    static let plain = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    @Test(
        "a value that would end its line is left out, and so is its name",
        arguments: [
            "a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "a\u{7F}", "\u{1B}[0m", "a\r\n\r\n<html>",
            "a\u{B}b",
        ]
    )
    func splitting(value: String) {
        #expect(Self.encode(Response(headers: [(name: "X", value: value)])) == Self.plain)
        #expect(
            Self.encode(.redirect(to: value))
                == "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"
        )
        let refusal = HTTPRefusal(.forbidden, "No.", headers: [(name: "X", value: value)])
        let text = String(decoding: ResponseEncoder.encode(refusal), as: UTF8.self)
        #expect(!text.contains("X"))
        var bytes: [UInt8] = [1]
        #expect(!ResponseEncoder.appendField("X", value, to: &bytes))
        #expect(bytes == [1])
    }

    @Test("a name that is no token is left out", arguments: ["", "a b", "a:", "a\r\nb", "\u{E9}"])
    func names(name: String) {
        #expect(Self.encode(Response(headers: [(name: name, value: "v")])) == Self.plain)
    }

    @Test(
        "what the connection writes cannot be overruled",
        arguments: ["content-length", "Connection", "Transfer-Encoding"]
    )
    func reserved(name: String) {
        #expect(Self.encode(Response(headers: [(name: name, value: "5")])) == Self.plain)
    }

    @Test("tabs, blanks and bytes above ASCII are allowed in values")
    func values() {
        let response = Response(headers: [(name: "X", value: "a\tb caf\u{E9}")])
        #expect(Self.encode(response).contains("X: a\tb caf\u{E9}\r\n"))
    }

    @Test("a reason phrase cannot end the status line")
    func reasonPhrase() {
        let status = HTTPStatus(code: 299, reasonPhrase: "a\r\nX: b\u{E9}\t")
        #expect(Self.encode(Response(status: status)).hasPrefix("HTTP/1.1 299 aX: b\r\n"))
    }

    @Test("a refusal says why, and that the connection ends")
    func refusal() {
        let text = String(
            decoding: ResponseEncoder.encode(HeadFault.oldVersion.refusal),
            as: UTF8.self
        )
        #expect(
            text == "HTTP/1.1 505 HTTP Version Not Supported\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 40\r\n"
                + "Connection: close\r\n\r\nThe WebSocket handshake needs HTTP/1.1.\n"
        )
    }

    @Test("the fields of a refusal go with it")
    func refusalFields() {
        let allow = ResponseEncoder.encode(.methodNotAllowed(allowing: [.get, .head]))
        #expect(String(decoding: allow, as: UTF8.self).contains("\r\nAllow: GET, HEAD\r\n"))
        let upgrade = HTTPRefusal(
            .upgradeRequired,
            "This resource is a WebSocket.",
            headers: [(name: "Upgrade", value: "websocket")]
        )
        let text = String(
            decoding: ResponseEncoder.encode(upgrade, omittingBody: true),
            as: UTF8.self
        )
        #expect(text.contains("\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    @Test("our own scanner reads what our encoder writes")
    func roundTrip() {
        for response in [Response.text("x"), .notFound, .redirect(to: "/"), .json("{}")] {
            let bytes = ResponseEncoder.encode(response, omittingBody: false, keepAlive: false)
            guard case .complete(let head) = ResponseHeadScannerTests.scan(bytes) else {
                Issue.record("\(response.status) is not complete")
                continue
            }
            #expect(head.statusCode == response.status.code)
            #expect(bytes.count - head.byteCount == response.body.count)
        }
    }
}
