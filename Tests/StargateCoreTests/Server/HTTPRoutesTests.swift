import Glibc
import Testing

@testable import StargateCore

@Suite("Plain HTTP beside the WebSockets, over a socket", .serialized)
struct HTTPRoutesTests {
    /// Sends a request in two parts and reads the response.
    private func exchange(
        _ address: SocketAddress,
        _ request: String,
        cutAt cut: Int? = nil,
        hasBody: Bool = true
    ) throws -> RawResponse {
        let peer = try RawPeer(address)
        let bytes = Array(request.utf8)
        if let cut {
            try peer.send(Array(bytes[..<cut]))
            // A segment of its own, as far as that can be had.
            sched_yield()
            try peer.send(Array(bytes[cut...]))
        } else {
            try peer.send(bytes)
        }
        return try peer.receiveResponse(hasBody: hasBody)
    }

    /// Repeats what it is sent.
    private static func describe(_ request: Request) -> Response {
        .text("\(request.methodName) \(request.parameters["id"] ?? "-") \(request.text ?? "?")")
    }

    private func jobServer(
        _ configuration: Server.Configuration = .quiet
    ) throws -> (server: Server, address: SocketAddress) {
        try startServer(configuration) { server in
            server.get("/jobs/:id", respond: Self.describe)
            server.post("/jobs/:id", respond: Self.describe)
            server.put("/jobs/:id", respond: Self.describe)
            server.delete("/jobs/:id", respond: Self.describe)
            server.post("/only", respond: Self.describe)
            server.post("/both", respond: Self.describe)
            server.webSocket("/both", origin: .any) { _ in
                .accept { ScriptedHandler(Journal(), .echo) }
            }
            server.route(.patch, "/patched", respond: Self.describe)
            server.route(.head, "/headed") { _ in .text("not sent") }
        }
    }

    @Test("each method goes to its own closure", arguments: ["GET", "POST", "PUT", "DELETE"])
    func methods(_ method: String) async throws {
        let (server, address) = try jobServer()
        let bare = try exchange(address, "\(method) /jobs/7 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(bare.status == 200 && bare.body == "\(method) 7 ")
        let empty = try exchange(
            address,
            "\(method) /jobs/7 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(empty.body == "\(method) 7 ")
        let full = try exchange(
            address,
            "\(method) /jobs/7 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nstart"
        )
        #expect(full.body == "\(method) 7 start")
        await server.stop()
    }

    @Test("a HEAD is a GET without its body, unless it has a route of its own")
    func head() async throws {
        let (server, address) = try jobServer()
        let peer = try RawPeer(address)
        try peer.send("HEAD /jobs/7 HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try peer.receiveResponse(hasBody: false)
        #expect(response.status == 200 && response["content-length"] == "7")
        try peer.send("HEAD /headed HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.receiveResponse(hasBody: false).status == 200)
        try peer.send("HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.receiveResponse(hasBody: false).status == 404)
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
    }

    static let refused: [(String, String, String)] = [
        ("PATCH", "/jobs/7", "GET, HEAD, POST, PUT, DELETE"),
        ("OPTIONS", "/jobs/7", "GET, HEAD, POST, PUT, DELETE"),
        ("BREW", "/jobs/7", "GET, HEAD, POST, PUT, DELETE"),
        ("GET", "/only", "POST"),
        ("HEAD", "/only", "POST"),
        ("DELETE", "/both", "GET, POST"),
        ("POST", "/patched", "PATCH"),
        ("GET", "/headed", "HEAD"),
    ]

    @Test("a method that the path has not is 405 with those it has", arguments: refused)
    func notAllowed(_ method: String, _ path: String, _ allowed: String) async throws {
        let (server, address) = try jobServer()
        let request = "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
        let response = try exchange(address, request, hasBody: method != "HEAD")
        #expect(response.status == 405 && response["allow"] == allowed)
        await server.stop()
    }

    @Test("a path for posts and sockets asks a plain GET to upgrade, and does both")
    func both() async throws {
        let (server, address) = try jobServer()
        let get = try exchange(address, "GET /both HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(get.status == 426 && get["upgrade"] == "websocket")
        let post = "POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
        let peer = try RawPeer(address)
        try peer.send(post)
        #expect(try peer.receiveResponse().body == "POST - x")
        try peer.send(Array((post + upgradeRequest("/both")).utf8) + textFrame("y"))
        #expect(try peer.receiveResponse().body == "POST - x")
        #expect(try peer.receiveResponse().status == 101)
        #expect(try peer.receiveFrame().text == "y")
        await server.stop()
    }

    static let bodies = [
        "POST /only HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nstate=start",
        "POST /only HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nstate\r\n6;x=y\r\n=start\r\n0\r\nA: b\r\n\r\n",
    ]

    @Test("bodies arrive whole wherever they are cut", arguments: bodies)
    func everySplit(_ request: String) async throws {
        let (server, address) = try jobServer()
        for cut in 1..<request.utf8.count {
            let response = try exchange(address, request, cutAt: cut)
            #expect(response.status == 200 && response.body == "POST - state=start", "at \(cut)")
        }
        await server.stop()
    }

    @Test("bodies arrive whole byte by byte, and the next request is not part of them")
    func byteByByte() async throws {
        let (server, address) = try jobServer()
        let peer = try RawPeer(address)
        for byte in Self.bodies.joined().utf8 { try peer.send([byte]) }
        #expect(try peer.receiveResponse().body == "POST - state=start")
        #expect(try peer.receiveResponse().body == "POST - state=start")
        try peer.send(Self.bodies.joined() + Self.bodies.joined())
        for _ in 0..<4 { #expect(try peer.receiveResponse().body == "POST - state=start") }
        await server.stop()
    }

    @Test("a body is bytes; text only when it is UTF-8")
    func bytes() async throws {
        let (server, address) = try startServer { server in
            server.post("/") { request in
                .text("\(request.body) \(request.text ?? "not text")")
            }
        }
        let peer = try RawPeer(address)
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
        try peer.send(Array(head.utf8) + [0xC3, 0x28])
        #expect(try peer.receiveResponse().body == "[195, 40] not text")
        try peer.send(Array(head.utf8) + [0xC3, 0xA4])
        #expect(try peer.receiveResponse().body == "[195, 164] ä")
        await server.stop()
    }

    static let broken: [(String, Int)] = [
        ("Content-Length: 17\r\n\r\n", 413),
        ("Content-Length: 99999999999999999999\r\n\r\n", 400),
        ("Content-Length: -1\r\n\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
        ("Transfer-Encoding: identity\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n11\r\n", 413),
        ("Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhelloGET /", 400),
        ("Expect: 200-ok\r\nContent-Length: 5\r\n\r\n", 417),
        ("Expect: 100-continue\r\nContent-Length: 17\r\n\r\n", 413),
    ]

    @Test("what cannot be read is refused, and nothing behind it is answered", arguments: broken)
    func unreadable(_ rest: String, _ status: Int) async throws {
        let (server, address) = try jobServer(.quiet { $0.maxBodySize = 16 })
        let peer = try RawPeer(address)
        try peer.send("POST /only HTTP/1.1\r\nHost: a\r\n\(rest)")
        #expect(try peer.receiveResponse().status == status)
        try? peer.send("GET /jobs/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
    }

    @Test("a body of exactly the limit is taken")
    func limit() async throws {
        let (server, address) = try jobServer(.quiet { $0.maxBodySize = 100_000 })
        let body = String(repeating: "b", count: 100_000)
        let start = "POST /only HTTP/1.1\r\nHost: a\r\n"
        let length = try exchange(address, start + "Content-Length: 100000\r\n\r\n" + body)
        #expect(length.body == "POST - " + body)
        let chunks = "Transfer-Encoding: chunked\r\n\r\n186a0\r\n\(body)\r\n0\r\n\r\n"
        #expect(try exchange(address, start + chunks).body == "POST - " + body)
        await server.stop()
    }

    @Test("a client that asks first is told to go on")
    func expectContinue() async throws {
        let (server, address) = try jobServer()
        let peer = try RawPeer(address)
        let head =
            "POST /only HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
        try peer.send(head)
        #expect(try peer.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try peer.send("start")
        #expect(try peer.receiveResponse().body == "POST - start")
        // One that does not wait is not told.
        try peer.send(head + "again")
        #expect(try peer.receiveResponse().body == "POST - again")
        await server.stop()
    }

    @Test("a body that does not come is 408")
    func bodyTimeout() async throws {
        let (server, address) = try jobServer(.quiet { $0.bodyTimeout = .milliseconds(50) })
        let peer = try RawPeer(address)
        try peer.send("POST /only HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nstar")
        #expect(try peer.receiveResponse().status == 408)
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
    }

    @Test("a route for a method that the path has already is a mistake")
    func duplicate() {
        let server = Server(configuration: .quiet)
        server.get("/a") { _ in .text("1") }
        server.post("/a") { _ in .text("2") }
        server.get("/a") { _ in .text("3") }
        let error = #expect(throws: ServerError.self) { try server.start() }
        #expect(error?.description.contains("\"/a\"") == true)
    }

    @Test("a file is sent once, and then only its tag")
    func file() async throws {
        let file = Response.file(Array("let a = 1".utf8), contentType: "text/javascript")
        let other = Response.file(Array("let a = 2".utf8), contentType: "text/javascript")
        let (server, address) = try startServer { server in
            server.get("/a.js") { _ in file }
            server.post("/a.js") { _ in file }
        }
        let start = "GET /a.js HTTP/1.1\r\nHost: a\r\n"
        let first = try exchange(address, start + "\r\n")
        let tag = try #require(first["etag"])
        #expect(first.status == 200 && first.body == "let a = 1")
        #expect(first["cache-control"] == "no-cache" && first["content-type"] == "text/javascript")
        #expect(other.headers.contains { $0.name == "ETag" && $0.value != tag })
        for known in [tag, "W/\(tag)", "\"x\", \(tag)", "\"x\" , W/\(tag) ", "*"] {
            let peer = try RawPeer(address)
            try peer.send(start + "If-None-Match: \(known)\r\n\r\n")
            let again = try peer.receiveResponse(hasBody: false)
            #expect(again.status == 304 && again["etag"] == tag, "\(known)")
            #expect(again["content-type"] == nil)
            // No body follows: the next response is read as one.
            try peer.send(start + "\r\n")
            #expect(try peer.receiveResponse().body == "let a = 1")
        }
        for unknown in ["\"x\"", "", tag.dropLast().description] {
            let response = try exchange(address, start + "If-None-Match: \(unknown)\r\n\r\n")
            #expect(response.status == 200, "\(unknown)")
        }
        let post = start.replacing("GET", with: "POST") + "If-None-Match: \(tag)\r\n\r\n"
        #expect(try exchange(address, post).status == 200)
        await server.stop()
    }

    @Test("a server is ready while it runs and wants clients")
    func ready() async throws {
        let server = Server(configuration: .quiet)
        server.get("/ready") { [unowned server] _ in
            server.isReady ? .text("ready") : .text("not now", status: .serviceUnavailable)
        }
        #expect(!server.isReady)
        try server.start()
        let address = try #require(server.addresses.first)
        let request = "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(server.isReady)
        #expect(try exchange(address, request).status == 200)
        server.isReady = false
        #expect(try exchange(address, request).status == 503)
        server.isReady = true
        #expect(try exchange(address, request).status == 200)
        await server.stop()
        #expect(!server.isReady)
    }
}
