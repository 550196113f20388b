import Testing

@testable import StargateCore

@Suite("Decisions about upgrades, over a socket", .serialized)
struct UpgradeDecisionTests {
    private func response(_ address: SocketAddress, _ request: String) throws -> RawResponse {
        let peer = try RawPeer(address)
        try peer.send(request)
        return try peer.receiveResponse()
    }

    @Test("the closure sees all that the request says")
    func request() async throws {
        let journal = Journal()
        let (server, address) = try startServer { server in
            server.webSocket("/chat/:room/*", origin: .allow(["https://a.example"])) { request in
                journal.note("path \(request.path)")
                journal.note("room \(request.parameters["room"] ?? "-")")
                journal.note("rest \(request.parameters["*"] ?? "-")")
                journal.note("token \(request.query["token"] ?? "-")")
                journal.note("session \(request.cookies["session"] ?? "-")")
                journal.note("origin \(request.origin ?? "-")")
                journal.note("host \(request.host ?? "-")")
                journal.note("header \(request.headers["x-trace"] ?? "-")")
                journal.note("secure \(request.isSecure)")
                journal.note("local \(request.localAddress?.description ?? "-")")
                journal.note("remote \(request.remoteAddress?.host ?? "-")")
                return .accept { ScriptedHandler(journal, .echo) }
            }
        }
        let extra = "Origin: https://a.example\r\nCookie: a=1; session=xyz\r\nX-Trace: 7\r\n"
        let peer = try RawPeer.open(address, path: "/chat/lob%20by/x/y?token=t%2B1", extra: extra)
        try peer.send(textFrame("x"))
        #expect(try peer.receiveFrame().text == "x")
        let expected = [
            "path /chat/lob by/x/y", "room lob by", "rest x/y", "token t+1", "session xyz",
            "origin https://a.example", "host localhost", "header 7", "secure false",
            "local \(address)", "remote 127.0.0.1",
        ]
        for line in expected { #expect(journal.events.contains(.note(line)), "\(line)") }
        await server.stop()
    }

    @Test("the local address is the connection's own on a server for every interface")
    func localAddress() async throws {
        let journal = Journal()
        let (server, address) = try startServer(.quiet { $0.host = "0.0.0.0" }) { server in
            server.webSocket("/") { request in
                journal.note(request.localAddress?.host ?? "-")
                return .reject(.forbidden)
            }
        }
        let local = try #require(SocketAddress(host: "127.0.0.1", port: address.port))
        #expect(try response(local, upgradeRequest()).status == 403)
        #expect(journal.events == [.note("127.0.0.1")])
        await server.stop()
    }

    @Test("the drafts name the origin in a field of their own")
    func draftOrigin() async throws {
        let journal = Journal()
        let (server, address) = try startServer { server in
            server.webSocket("/", origin: .any) { request in
                journal.note(request.origin ?? "-")
                return .reject(.forbidden)
            }
        }
        let request = upgradeRequest(extra: "Sec-WebSocket-Origin: http://old.example\r\n")
        _ = try response(address, request.replacing("Version: 13", with: "Version: 8"))
        _ = try response(address, request)
        #expect(journal.events == [.note("http://old.example"), .note("-")])
        await server.stop()
    }

    struct Teapot: ResponseError {
        var response: Response {
            Response(
                status: HTTPStatus(code: 418, reasonPhrase: "Teapot"),
                headers: [(name: "X-Pot", value: "short")],
                body: Array("stout".utf8)
            )
        }
    }

    struct Mishap: Error {}

    @Test("an error that knows its response becomes that; any other is 500 and logged")
    func thrown() async throws {
        let journal = Journal()
        let configuration = Server.Configuration.quiet { configuration in
            configuration.log = { journal.note($0.description) }
        }
        let (server, address) = try startServer(configuration) { server in
            server.webSocket("/teapot") { _ throws in throw Teapot() }
            server.webSocket("/rejection") { _ throws in
                throw Rejection(
                    .unauthorized,
                    headers: [("WWW-Authenticate", "Basic")],
                    body: "who?"
                )
            }
            server.webSocket("/mishap/:secret") { _ throws in throw Mishap() }
            server.webSocket("/odd") { _ throws in
                throw Rejection(Response(status: HTTPStatus(code: 101)))
            }
        }
        let teapot = try response(address, upgradeRequest("/teapot"))
        #expect(teapot.status == 418 && teapot["x-pot"] == "short" && teapot.body == "stout")
        #expect(teapot["connection"] == "close")
        let rejection = try response(address, upgradeRequest("/rejection"))
        #expect(rejection.status == 401 && rejection["www-authenticate"] == "Basic")
        #expect(rejection.body == "who?")
        #expect(journal.events.isEmpty)
        let mishap = try response(address, upgradeRequest("/mishap/12345"))
        #expect(mishap.status == 500 && !mishap.body.contains("Mishap"))
        let line = "error: the closure of /mishap/:secret failed: Mishap()"
        #expect(journal.events == [.note(line)])
        #expect(try response(address, upgradeRequest("/odd")).status == 500)
        await server.stop()
    }

    @Test("a refusal has any status, fields and body, and ends the connection")
    func rejected() async throws {
        let (server, address) = try startServer { server in
            server.webSocket("/a") { _ in
                .reject(.tooManyRequests, headers: [("Retry-After", "7")], body: "later")
            }
            server.webSocket("/b") { _ in .reject(.json(#"{"error":1}"#, status: .forbidden)) }
        }
        let peer = try RawPeer(address)
        try peer.send(upgradeRequest("/a"))
        let first = try peer.receiveResponse()
        #expect(first.status == 429 && first["retry-after"] == "7" && first.body == "later")
        #expect(try peer.receiveRest().isEmpty)
        let second = try response(address, upgradeRequest("/b"))
        #expect(second.status == 403 && second["content-type"] == "application/json")
        #expect(second.body == #"{"error":1}"#)
        await server.stop()
    }

    @Test("an acceptance sets fields and cookies; what cannot be sent is 500")
    func fields() async throws {
        let (server, address) = try startServer { server in
            server.webSocket("/a") { _ in
                .accept(
                    headers: [("X-Served-By", "test")],
                    cookies: [SetCookie("session", "a;b"), SetCookie("seen", "1", path: nil)]
                ) { ScriptedHandler(Journal(), .echo) }
            }
            server.webSocket("/b") { _ in
                .accept(cookies: [SetCookie("a b", "c")]) { ScriptedHandler(Journal(), .echo) }
            }
        }
        let accepted = try response(address, upgradeRequest("/a"))
        #expect(accepted.status == 101 && accepted["x-served-by"] == "test")
        let cookies = accepted.fields.filter { $0.name == "set-cookie" }.map(\.value)
        #expect(
            cookies == [
                "session=a%3Bb; Path=/; HttpOnly; SameSite=Lax", "seen=1; HttpOnly; SameSite=Lax",
            ]
        )
        #expect(try response(address, upgradeRequest("/b")).status == 500)
        await server.stop()
    }

    @Test("options are one connection's own")
    func options() async throws {
        let (server, address) = try startServer(.quiet { $0.compression = PerMessageDeflate() }) {
            server in
            server.webSocket("/*", origin: .any) { request in
                let handler: @Sendable () -> ScriptedHandler = {
                    ScriptedHandler(Journal(), .echo)
                }
                guard let limit = request.query["max"].flatMap({ Int($0) }) else {
                    return .accept(handler: handler)
                }
                let options = WebSocketOptions(maxMessageSize: limit, compresses: false)
                return .accept(options: options, handler: handler)
            }
        }
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        let plain = try response(address, upgradeRequest("/", extra: offer))
        #expect(plain["sec-websocket-extensions"]?.hasPrefix("permessage-deflate") == true)
        let without = try response(address, upgradeRequest("/?max=9", extra: offer))
        #expect(without.status == 101 && without["sec-websocket-extensions"] == nil)
        for limit in [3, 8] {
            let peer = try RawPeer.open(address, path: "/?max=\(limit)")
            let longest = String(repeating: "x", count: limit)
            try peer.send(textFrame(longest))
            #expect(try peer.receiveFrame().text == longest)
            try peer.send(textFrame(longest + "x"))
            #expect(try peer.receiveFrame().closeCode == 1009)
        }
        let peer = try RawPeer.open(address, path: "/")
        try peer.send(textFrame("as long as it likes"))
        #expect(try peer.receiveFrame().text == "as long as it likes")
        await server.stop()
    }

    @Test("contexts for options are shared, and not remembered without end")
    func contexts() async throws {
        let server = try TestServer()
        let key = ObjectIdentifier(server.server)
        let results = await server.inspect { eventLoop -> [Bool] in
            guard let mine = eventLoop.residents[key] as? ServerLoop else { return [] }
            var options = WebSocketOptions(maxMessageSize: 5)
            let one = mine.context(subprotocol: nil, options: options)
            var results = [one === mine.context(subprotocol: nil, options: options)]
            results.append(one !== mine.context(subprotocol: "a", options: options))
            results.append(one.limits.maxMessageSize == 5)
            for size in 0..<1000 {
                options.maxMessageSize = size
                _ = mine.context(subprotocol: nil, options: options)
            }
            options.maxMessageSize = 999
            let late = mine.context(subprotocol: nil, options: options)
            results.append(late !== mine.context(subprotocol: nil, options: options))
            results.append(late.limits.maxMessageSize == 999)
            return results
        }
        #expect(results == [[true, true, true, true, true]])
        await server.stop()
    }

    @Test("options replace what they name and nothing else")
    func limits() {
        let before = ConnectionLimits()
        var options = WebSocketOptions()
        #expect(options.applied(to: before).maxMessageSize == before.maxMessageSize)
        #expect(options.applied(to: before).keepAliveInterval == before.keepAliveInterval)
        options.keepAlive = .never
        #expect(options.applied(to: before).keepAliveInterval == nil)
        options = WebSocketOptions(maxMessageSize: -1, keepAlive: .every(.seconds(1)))
        options.maxFragmentCount = 0
        options.pongTimeout = .seconds(2)
        options.closeTimeout = .seconds(3)
        options.outputSoftLimit = 4
        options.outputHardLimit = 5
        options.slowPeerTimeout = .seconds(6)
        options.slowConsumerPolicy = .dropNewest
        let after = options.applied(to: before)
        #expect(after.maxMessageSize == 0 && after.maxFragmentCount == 1)
        #expect(after.keepAliveInterval == .seconds(1) && after.pongTimeout == .seconds(2))
        #expect(after.closeTimeout == .seconds(3) && after.slowPeerTimeout == .seconds(6))
        #expect(after.outputSoftLimit == 4 && after.outputHardLimit == 5)
        if case .dropNewest = after.outputPolicy {} else { Issue.record("the policy stayed") }
    }

    @Test("failures are logged once a second at most, with the number of those that were not")
    func failureLog() {
        var log = FailureLog()
        #expect(log.line("it", Mishap(), now: 100) == "it failed: Mishap()")
        #expect(log.line("it", Mishap(), now: 101) == nil)
        #expect(log.line("it", Mishap(), now: 109) == nil)
        #expect(
            log.line("it", Mishap(), now: 110) == "it failed: Mishap() (and 2 failures before it)"
        )
        struct Quote: Error, CustomStringConvertible {
            var description: String { "a\r\nb\u{9B}2J\u{2028}" }
        }
        #expect(log.line("it", Quote(), now: 500) == "it failed: a  b 2J ")
    }
}
