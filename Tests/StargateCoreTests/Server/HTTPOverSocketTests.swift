import Testing

@testable import StargateCore

@Suite("Requests, over a socket", .serialized)
struct HTTPOverSocketTests {
    private func server(_ configuration: Server.Configuration = .quiet) throws -> TestServer {
        try TestServer(configuration) { server in
            server.get("/page") { _ in .text("a page") }
        }
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var request: String
        var status: Int
        var testDescription: String {
            "\(status): \(request.prefix(60).replacing("\r\n", with: " | "))"
        }
    }

    private static let host = "Host: a\r\n"

    static let refusals: [Refusal] = [
        Refusal(request: "GET /nothing HTTP/1.1\r\n\(host)\r\n", status: 426),
        Refusal(request: "POST /page HTTP/1.1\r\n\(host)\r\n", status: 405),
        Refusal(request: "GET /page HTTP/1.1\r\n\r\n", status: 400),
        Refusal(request: "GET /page HTTP/1.1\r\n\(host)\(host)\r\n", status: 400),
        Refusal(request: "GET /page HTTP/2.0\r\n\(host)\r\n", status: 505),
        Refusal(request: "GET /page\r\n", status: 400),
        Refusal(request: "GET /page HTTP/1.1\nHost: a\n\n", status: 400),
        Refusal(request: "GET /page HTTP/1.1\r\n\(host) folded\r\n\r\n", status: 400),
        Refusal(request: "GET /page HTTP/1.1\r\n\(host)A : b\r\n\r\n", status: 400),
        Refusal(request: "GET /page HTTP/1.1\r\n\(host)A: b\u{0}c\r\n\r\n", status: 400),
        Refusal(request: "SSH-2.0-OpenSSH_9.2\r\n", status: 400),
        Refusal(request: "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", status: 400),
        Refusal(
            request: "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\(host)\r\n",
            status: 414
        ),
        Refusal(
            request: "GET / HTTP/1.1\r\n\(host)A: \(String(repeating: "a", count: 9000))\r\n\r\n",
            status: 431
        ),
        Refusal(
            request: "GET / HTTP/1.1\r\n\(host)\(String(repeating: "A: b\r\n", count: 200))\r\n",
            status: 431
        ),
        Refusal(
            request: upgradeRequest().replacing("Version: 13", with: "Version: 99"),
            status: 426
        ),
        Refusal(request: upgradeRequest().replacing("dGhlIHN", with: "!!!"), status: 400),
        Refusal(
            request: upgradeRequest().replacing("Sec-WebSocket-Key", with: "X-Key"),
            status: 400
        ),
        Refusal(request: upgradeRequest().replacing("GET", with: "POST"), status: 405),
        Refusal(request: upgradeRequest(extra: "Content-Length: 5\r\n"), status: 400),
        Refusal(request: upgradeRequest(extra: "Transfer-Encoding: chunked\r\n"), status: 400),
        Refusal(
            request: upgradeRequest(extra: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            status: 400
        ),
    ]

    @Test("is refused, and the connection ends behind it", arguments: refusals)
    func refused(_ refusal: Refusal) async throws {
        let server = try server()
        let peer = try RawPeer(server.address)
        // A second request that a proxy may believe to be tunnelled is not answered.
        try peer.send(
            refusal.request + (refusal.request.hasSuffix("\r\n\r\n") ? upgradeRequest() : "")
        )
        let response = String(decoding: try peer.receiveRest(), as: UTF8.self)
        #expect(response.hasPrefix("HTTP/1.1 \(refusal.status) "))
        #expect(response.ranges(of: "HTTP/1.1 ").count == 1)
        let connection = response.split(separator: "\r\n").first {
            $0.lowercased().hasPrefix("connection:")
        }
        #expect(connection?.lowercased().contains("close") == true)
        await server.stop()
        #expect(server.journal.events.isEmpty)
    }

    @Test("a GET, a HEAD, another GET, and then an upgrade, on one connection")
    func keepAlive() async throws {
        let server = try server()
        let peer = try RawPeer(server.address)
        for _ in 0..<2 {
            try peer.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try peer.receiveStatus() == "HTTP/1.1 200 OK")
            #expect(try peer.receive(exactly: 6) == Array("a page".utf8))
            try peer.send("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try peer.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK"))
            #expect(head.lowercased().contains("content-length: 6"))
        }
        try peer.send(upgradeRequest("/page"))
        #expect(try peer.receiveStatus().contains(" 101 "))
        try peer.send(textFrame("x"))
        #expect(try peer.receiveFrame().text == "x")
        await server.stop()
    }

    @Test("a request that asks to close is answered, and the connection ends")
    func closes() async throws {
        let server = try server()
        let peer = try RawPeer(server.address)
        try peer.send("GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(try peer.receiveStatus() == "HTTP/1.1 200 OK")
        #expect(String(decoding: try peer.receiveRest(), as: UTF8.self) == "a page")
        await server.stop()
    }

    @Test("a client that half-closes behind its request still gets the answer")
    func halfClose() async throws {
        let server = try server()
        let peer = try RawPeer(server.address)
        try peer.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.shutDown()
        #expect(String(decoding: try peer.receiveRest(), as: UTF8.self).hasSuffix("a page"))
        await server.stop()
    }

    @Test("requests that are sent ahead are answered a few in a turn: all of them, in order")
    func sentAhead() async throws {
        let (server, address) = try startServer { server in
            server.get("/page/:number") { .text($0.parameters["number"] ?? "-") }
        }
        let requests = (100..<200).map { "GET /page/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }
        let peer = try RawPeer(address)
        try peer.send(requests.joined())
        peer.shutDown()
        for number in 100..<200 { #expect(try peer.receiveResponse().body == "\(number)") }
        #expect(try peer.receiveRest().isEmpty)
        // The requests of a read, four a turn.
        #expect(server.metrics.yields > 0)
        await server.stop()
    }

    @Test("a TLS client that says goodbye behind its requests gets all of its answers")
    func goodbyeBehindRequests() async throws {
        let authority = try TestAuthority()
        var configuration = Server.Configuration.quiet
        configuration.tls = TLSConfiguration(certificate: try authority.issue("localhost"))
        let (server, address) = try startServer(configuration) { server in
            server.get("/page") { _ in .text("a page") }
        }
        let requests = String(repeating: "GET /page HTTP/1.1\r\nHost: a\r\n\r\n", count: 50)
        let peer = try TLSPeer(address, authority)
        let records = peer.end.write(Array(requests.utf8))
        peer.end.session.sayGoodbye()
        try peer.send(records: records + peer.end.take())
        let answer = try peer.receiveRest()
        let text = String(decoding: answer.bytes, as: UTF8.self)
        #expect(text.ranges(of: "a page").count == 50)
        #expect(answer.isClean)
        await server.stop()
    }

    @Test("a path that nothing listens on is 404")
    func notFound() async throws {
        let server = Server(configuration: .quiet)
        server.webSocket("/chat") { _ in .accept { ScriptedHandler(Journal(), .echo) } }
        try server.start()
        let address = try #require(server.addresses.first)
        for request in ["GET /other HTTP/1.1\r\nHost: a\r\n\r\n", upgradeRequest("/other")] {
            let peer = try RawPeer(address)
            try peer.send(request)
            #expect(try peer.receiveStatus() == "HTTP/1.1 404 Not Found")
        }
        let peer = try RawPeer(address)
        try peer.send("DELETE /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.receiveStatus().hasPrefix("HTTP/1.1 405"))
        await server.stop()
    }

    @Test("the application and the origin may refuse; the handler is not made")
    func applicationRefuses() async throws {
        let server = Server(configuration: .quiet)
        let journal = Journal()
        server.webSocket("/no", origin: .any) { _ in .reject(.forbidden, body: "not you") }
        server.webSocket("/same") { _ in .accept { ScriptedHandler(journal, .echo) } }
        try server.start()
        let address = try #require(server.addresses.first)
        let first = try RawPeer(address)
        try first.send(upgradeRequest("/no"))
        let response = String(decoding: try first.receiveRest(), as: UTF8.self)
        #expect(response.hasPrefix("HTTP/1.1 403 ") && response.hasSuffix("not you"))
        let second = try RawPeer(address)
        try second.send(upgradeRequest("/same", extra: "Origin: https://evil.example\r\n"))
        #expect(try second.receiveStatus().hasPrefix("HTTP/1.1 403"))
        #expect(journal.events.isEmpty)
        await server.stop()
    }

    @Test("a request that is not finished in time is answered with 408")
    func tooSlow() async throws {
        let server = try server(.quiet { $0.handshakeTimeout = .milliseconds(100) })
        let silent = try RawPeer(server.address)
        let slow = try RawPeer(server.address)
        try slow.send("GET / HTTP/1.1\r\nHo")
        #expect(try slow.receiveStatus().hasPrefix("HTTP/1.1 408"))
        _ = try slow.receiveRest()
        #expect(try silent.receiveRest().isEmpty)
        await server.stop()
    }

    @Test("a timer of the application does not keep deadlines from being met")
    func deadlinesBesideATimer() async throws {
        let server = try server(.quiet { $0.handshakeTimeout = .seconds(2) })
        _ = await server.inspect { loop in
            loop.schedule(every: .milliseconds(50)) { _ in }
            return true
        }
        let silent = try RawPeer(server.address)
        #expect(try silent.receiveRest().isEmpty)
        await server.stop()
    }

    @Test("pipelined requests whose answers are not read do not pile up in memory")
    func pipelinedUnread() async throws {
        let page = [UInt8](repeating: 0x61, count: 100_000)
        let server = try TestServer { server in
            server.get("/big") { _ in .bytes(page, contentType: "text/plain") }
        }
        let peer = try RawPeer(server.address, receiveBuffer: 4096)
        let request = Array("GET /big HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        _ = peer.sendWhatFits(Array(repeating: request, count: 2000).flatMap { $0 })
        // Answered behind what was read before: by then the requests have been looked at.
        let other = try RawPeer.open(server.address)
        try other.send(frame(0x89))
        #expect(try other.receiveFrame().opcode == 0x0A)
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        #expect((lent.first ?? .max) < 16 << 20)
        await server.stop()
    }
}
