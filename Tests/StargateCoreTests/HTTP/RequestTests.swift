import Testing

@testable import StargateCore

@Suite("Requests as handlers see them")
struct RequestTests {
    static func request(_ target: String = "/", _ lines: [String] = []) throws -> Request {
        let head = "GET \(target) HTTP/1.1\r\nHost: example.com\r\n"
        return try #require(
            withRequest(head + lines.map { $0 + "\r\n" }.joined() + "\r\n") { view, head in
                Request(copying: view, head: head)
            }
        )
    }

    @Test("a request outlives the bytes it was read from")
    func copy() throws {
        let address = try #require(SocketAddress(host: "192.0.2.1", port: 4711))
        let tls = TLSInfo(
            version: "TLSv1.3",
            cipher: "TLS_AES_256_GCM_SHA384",
            serverName: "localhost",
            isResumed: false,
            peerCertificate: nil
        )
        let request = try #require(
            withRequest(chromeUpgrade) { view, head in
                let request = Request(copying: view, head: head)
                request.storage.remoteAddress = address
                request.storage.tls = tls
                return request
            }
        )
        #expect(request.method == .get)
        #expect(request.methodName == "GET")
        #expect(request.target == "/chat/lobby?user=ann")
        #expect(request.path == "/chat/lobby")
        #expect(request.query["user"] == "ann")
        #expect(request.host == "localhost:9001")
        #expect(request.headers.count == 12)
        #expect(request.headers["sec-websocket-key"] == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(request.headers["Sec-WebSocket-Protocol"] == nil)
        #expect(Array(request.headers).map(\.name).last == "Sec-WebSocket-Extensions")
        #expect(request.remoteAddress == address)
        #expect(request.isSecure)
        #expect(request.tls == tls)
        #expect(request.parameters["room"] == nil)
    }

    @Test(
        "paths are decoded, and what cannot be stays",
        arguments: [
            ("/a%20b", "/a b"), ("/caf%C3%A9", "/caf\u{E9}"), ("/caf\u{E9}", "/caf\u{E9}"),
            ("/100%", "/100%"), ("/%4", "/%4"), ("/%zz%41", "/%zzA"), ("/a+b", "/a+b"),
            ("/%2e%2E%2f", "/../"), ("/%ff", "/\u{FFFD}"), ("/%00", "/\0"), ("/%25%32", "/%2"),
            ("/%%41", "/%A"),
        ]
    )
    func decoding(target: String, path: String) throws {
        let request = try Self.request(target)
        #expect(request.path == path)
        #expect(request.target == target)
    }

    @Test("queries are pairs, decoded as browsers encode them")
    func query() throws {
        let query = try Self.request("/?a=1&b=x+y%26&a=2&&flag&=empty&c%3D=d=e").query
        #expect(query["a"] == "1")
        #expect(query.values(of: "a") == ["1", "2"])
        #expect(query["b"] == "x y&")
        #expect(query["flag"] == "")
        #expect(query[""] == "empty")
        #expect(query["c="] == "d=e")
        #expect(query["A"] == nil)
        #expect(query.map(\.name) == ["a", "b", "a", "flag", "", "c="])
        #expect(try Self.request("/").query.raw == nil)
        #expect(try Self.request("/?").query.raw == "")
        #expect(try Self.request("/?").query["a"] == nil)
    }

    @Test("fields with one name keep their order")
    func headers() throws {
        let request = try Self.request("/", ["X: 1", "x:2 ", "Y: \t", "x: caf\u{E9}"])
        #expect(request.headers["X"] == "1")
        #expect(request.headers.values(of: "x") == ["1", "2", "caf\u{E9}"])
        #expect(request.headers["y"] == "")
        #expect(request.headers.values(of: "z") == [])
    }

    @Test("cookies, in one field or several")
    func cookies() throws {
        let cookies = try Self.request(
            "/",
            ["Cookie: a=1; b=\"q\";c=x=y; bare; a=2", "Cookie: d=; e=%20"]
        ).cookies
        #expect(cookies["a"] == "1")
        #expect(cookies["b"] == "\"q\"")
        #expect(cookies["c"] == "x=y")
        #expect(cookies["d"] == "")
        #expect(cookies["e"] == "%20")
        #expect(cookies["bare"] == nil)
        #expect(cookies["A"] == nil)
        #expect(try Self.request().cookies["a"] == nil)
    }

    @Test("a URL as target replaces the Host field")
    func absoluteForm() throws {
        let request = try Self.request("http://other:81/p?q")
        #expect(request.host == "other:81")
        #expect(request.path == "/p")
        #expect(request.query.raw == "q")
        #expect(request.target == "http://other:81/p?q")
    }

    @Test("captures are decoded when they are asked for")
    func parameters() throws {
        var router = Router<Int>()
        try router.add("/chat/:room/*", 1)
        let text = "GET /chat/a%2Fb%20c/x/%79 HTTP/1.1\r\nHost: h\r\n\r\n"
        let copied = try withRequest(text) { view, head in
            let match = try #require(router.match(head.target.path, in: view))
            return Request(
                copying: view,
                head: head,
                names: match.names,
                captures: match.captures
            )
        }
        let request = try #require(copied)
        #expect(request.parameters["room"] == "a/b c")
        #expect(request.parameters["*"] == "x/y")
        #expect(request.parameters["Room"] == nil)
        #expect(request.parameters.allNames == ["room", "*"])
    }
}
