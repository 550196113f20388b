import Testing

@testable import StargateCore

@Suite("Fields that the server itself reads")
struct HeadFieldsTests {
    static func head(_ lines: [String], target: String = "/") -> String {
        "GET \(target) HTTP/1.1\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    static func hostRefusal(_ lines: [String], target: String = "/") throws -> HTTPRefusal? {
        try #require(
            withRequest(head(lines, target: target)) { view, head in
                [HostHeader.validate(view, head)]
            }
        )[0]
    }

    @Test(
        "hosts that are well-formed",
        arguments: [
            "h", "example.com", "example.com:80", "EXAMPLE.com:", "127.0.0.1:65535", "[::1]",
            "[::1]:9001", "[::ffff:1.2.3.4]:0", "a_b~c-d", "%C3%A9.example", "xn--caf-dma.example",
        ]
    )
    func goodHosts(host: String) throws {
        #expect(try Self.hostRefusal(["Host: \(host)"]) == nil)
        #expect(try Self.hostRefusal(["hOsT:\t\(host) "], target: "http://\(host)/") == nil)
    }

    @Test(
        "hosts that are not",
        arguments: [
            "", ":80", "[::1", "[]", "[:]", "[::1]x", "[::1]80", "[::g]", "::1", "h:65536",
            "h:10000000000000000000", "h:-1", "h:8a", "h:80:80", "a b", "user@h", "h/p",
            "h?q", "h\\x", "\u{E9}.example", "http://h",
        ]
    )
    func badHosts(host: String) throws {
        let refusal = try Self.hostRefusal(["Host: \(host)"])
        #expect(refusal?.status == .badRequest)
        #expect(refusal?.reason == HeadFault.badHost.reason)
    }

    @Test("a host that is missing, or there twice")
    func hostCount() throws {
        #expect(try Self.hostRefusal([])?.reason == HeadFault.missingHost.reason)
        let twice = ["Host: h", "X: y", "host: h"]
        #expect(try Self.hostRefusal(twice)?.reason == HeadFault.duplicateHost.reason)
        // A target in absolute form does not make up for it.
        #expect(
            try Self.hostRefusal([], target: "http://h/")?.reason == HeadFault.missingHost.reason
        )
    }

    @Test("the host in the target is looked at, and goes before the field")
    func authority() throws {
        let refusal = try Self.hostRefusal(["Host: h"], target: "http://user@h/")
        #expect(refusal?.reason == HeadFault.badHost.reason)
        let text = Self.head(["Host: other"], target: "ws://example.com:81/x")
        let host = withRequest(text) { view, head in
            HostHeader.effectiveHost(view, head).map(view.string)
        }
        #expect(host == "example.com:81")
    }

    @Test(
        "where a body ends",
        arguments: [
            ([], BodyFraming.none),
            (["Content-Length: 0"], .length(0)),
            (["content-length: 0042"], .length(42)),
            (["Content-Length: 9223372036854775807"], .length(.max)),
            (["Content-Length: 9223372036854775808"], .invalid),
            (["Content-Length: 100000000000000000000000"], .invalid),
            (["Content-Length:"], .invalid),
            (["Content-Length: +5"], .invalid),
            (["Content-Length: -1"], .invalid),
            (["Content-Length: 5, 5"], .invalid),
            (["Content-Length: 5 5"], .invalid),
            (["Content-Length: 0x5"], .invalid),
            (["Content-Length: 5", "Content-Length: 5"], .invalid),
            (["Transfer-Encoding: Chunked"], .chunked),
            (["Transfer-Encoding: gzip, chunked"], .invalid),
            (["Transfer-Encoding: chunked, chunked"], .invalid),
            (["Transfer-Encoding: identity"], .invalid),
            (["Transfer-Encoding:"], .invalid),
            (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], .invalid),
            (["Content-Length: 5", "Transfer-Encoding: chunked"], .invalid),
            (["Transfer-Encoding: chunked", "Content-Length: x"], .invalid),
        ]
    )
    func bodyFraming(lines: [String], framing: BodyFraming) {
        #expect(withRequest(Self.head(lines)) { view, _ in view.bodyFraming } == framing)
    }

    @Test("fields are found by name, whatever its case")
    func lookUp() {
        let text = Self.head(["A: 1", "Upgrade: x", "UPGRADE: y", "upgrade2: z"])
        let found = withRequest(text) { view, _ in
            #expect(view.fieldCount == 4)
            #expect(view.soleField("upgrade") == .several)
            #expect(view.soleField("missing") == .none)
            #expect(view.firstValue(of: "UpGrade").map(view.string) == "x")
            #expect(view.firstValue(of: "missing") == nil)
            var values: [String] = []
            view.forEachValue(of: "upgrade") { range in
                values.append(view.string(range))
                return true
            }
            return values
        }
        #expect(found == ["x", "y"])
    }
}
