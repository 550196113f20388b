import Testing

@testable import StargateCore

/// Answers to a client that asked for RFC 6455, and to clients of the hixie drafts.
@Suite struct ClientResponseTests {
    private func hybi(
        _ lines: [String],
        status: String = "HTTP/1.1 101 Switching Protocols",
        subprotocols: [String] = [],
        extensions: String? = nil
    ) throws -> ClientOutcome {
        let handshake = try client(.rfc6455, subprotocols: subprotocols, extensions: extensions)
        guard case .key(_, let accept) = handshake.challenge else { return .failed("no key") }
        let answer = String(decoding: accept, as: UTF8.self)
        let fields = lines.map { $0.replacing("ACCEPT", with: answer) }
        return handshake.outcome(([status] + fields).joined(separator: "\r\n") + "\r\n\r\n")
    }

    private let good = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT",
    ]

    @Test func acceptsAGoodResponse() throws {
        #expect(try hybi(good) == .plain)
        #expect(try hybi(good.reversed()) == .plain)
        #expect(try hybi(good + ["Server: x", "Sec-WebSocket-Version: 13"]) == .plain)
        #expect(
            try hybi([
                "UPGRADE: WebSocket", "connection: keep-alive, UPGRADE",
                "SEC-webSOCKET-accept:   ACCEPT ",
            ]) == .plain
        )
        #expect(try hybi(good, status: "HTTP/1.1 101 ") == .plain)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request", "HTTP/1.1 301 Moved",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 426 Upgrade Required",
    ])
    func wantsStatus101(_ status: String) throws {
        #expect(try hybi(good, status: status).hasFailed)
    }

    @Test(arguments: [
        ("Upgrade", []), ("Upgrade", ["Upgrade: h2c"]), ("Upgrade", ["Upgrade: websocketx"]),
        ("Upgrade", ["Upgrade: websocket", "Upgrade: websocket"]), ("Connection", []),
        ("Connection", ["Connection: close"]), ("Connection", ["Connection: upgrades"]),
        ("Sec-", []), ("Sec-", ["Sec-WebSocket-Accept:"]),
        ("Sec-", ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]),
        ("Sec-", ["Sec-WebSocket-Accept: ACCEPTx"]), ("Sec-", ["Sec-WebSocket-Accept: x ACCEPT"]),
        ("Sec-", ["Sec-WebSocket-Accept: ACCEPT", "Sec-WebSocket-Accept: ACCEPT"]),
    ])
    func refusesABrokenResponse(_ name: String, _ replacement: [String]) throws {
        let lines = good.flatMap { $0.hasPrefix(name) ? replacement : [$0] }
        #expect(try hybi(lines).hasFailed)
    }

    @Test func comparesTheAcceptValueWithItsCase() throws {
        let handshake = try client(.rfc6455)
        guard case .key(_, let accept) = handshake.challenge else { return }
        let text = String(decoding: accept, as: UTF8.self)
        let lines = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        let right = lines + "Sec-WebSocket-Accept: \(text)\r\n\r\n"
        let wrong = lines + "Sec-WebSocket-Accept: \(text.lowercased())\r\n\r\n"
        #expect(handshake.outcome(right) == .plain)
        #expect(handshake.outcome(wrong).hasFailed)
    }

    @Test func subprotocols() throws {
        func chosen(_ values: [String], of offered: [String]) throws -> ClientOutcome {
            let lines = values.map { "Sec-WebSocket-Protocol: \($0)" }
            return try hybi(good + lines, subprotocols: offered)
        }
        #expect(try chosen([], of: ["a"]) == .plain)
        #expect(
            try chosen(["b"], of: ["a", "b"]) == .accepted(subprotocol: "b", extensions: [])
        )
        #expect(try chosen(["a"], of: []).hasFailed)
        #expect(try chosen(["c"], of: ["a", "b"]).hasFailed)
        #expect(try chosen(["A"], of: ["a"]).hasFailed)
        #expect(try chosen(["a, b"], of: ["a", "b"]).hasFailed)
        #expect(try chosen(["a", "a"], of: ["a"]).hasFailed)
        #expect(try chosen([""], of: ["a"]).hasFailed)
    }

    @Test func extensions() throws {
        let lines = good + ["Sec-WebSocket-Extensions: permessage-deflate"]
        #expect(try hybi(lines).hasFailed)
        #expect(
            try hybi(lines, extensions: "permessage-deflate")
                == .accepted(subprotocol: nil, extensions: ["permessage-deflate"])
        )
        #expect(try hybi(good, extensions: "permessage-deflate") == .plain)
    }

    private func hixie75(_ text: String, subprotocols: [String] = []) throws -> ClientOutcome {
        try client(.hixie75, url: "ws://example.com:81/demo?x", subprotocols: subprotocols)
            .outcome(text)
    }

    private let beginning75 =
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
        + "Connection: Upgrade\r\n"
    private let origin75 = "WebSocket-Origin: http://example.com:81\r\n"
    private let location75 = "WebSocket-Location: ws://example.com:81/demo?x\r\n"

    @Test func acceptsGoodResponsesOfHixie75() throws {
        #expect(try hixie75(beginning75 + origin75 + location75 + "\r\n") == .plain)
        #expect(
            try hixie75(beginning75 + location75 + "Set-Cookie: a\r\n" + origin75 + "\r\n")
                == .plain
        )
        let protocolLine = "websocket-protocol: a, b\r\n"
        #expect(
            try hixie75(
                beginning75 + origin75 + location75 + protocolLine + "\r\n",
                subprotocols: ["a, b"]
            ) == .accepted(subprotocol: "a, b", extensions: [])
        )
    }

    @Test(arguments: [
        "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
        "HTTP/1.0 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\nDate: x\r\nUpgrade: WebSocket\r\n"
            + "Connection: Upgrade\r\n",
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\n",
        "HTTP/1.1 200 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
    ])
    func refusesOtherBeginningsOfHixie75(_ beginning: String) throws {
        #expect(try hixie75(beginning + origin75 + location75 + "\r\n").hasFailed)
    }

    @Test func refusesOtherEchoesOfHixie75() throws {
        #expect(try hixie75(beginning75 + location75 + "\r\n").hasFailed)
        #expect(try hixie75(beginning75 + origin75 + "\r\n").hasFailed)
        let twice = [origin75 + origin75 + location75, origin75 + location75 + location75]
        for fields in twice { #expect(try hixie75(beginning75 + fields + "\r\n").hasFailed) }
        for origin in ["http://example.com", "http://EXAMPLE.com:81", "null", ""] {
            let line = "WebSocket-Origin: \(origin)\r\n"
            #expect(try hixie75(beginning75 + line + location75 + "\r\n").hasFailed)
        }
        for location in ["ws://example.com/demo?x", "ws://example.com:81/demo", "/demo?x"] {
            let line = "WebSocket-Location: \(location)\r\n"
            #expect(try hixie75(beginning75 + origin75 + line + "\r\n").hasFailed)
        }
        let fields = beginning75 + origin75 + location75
        #expect(try hixie75(fields + "WebSocket-Protocol: a\r\n\r\n").hasFailed)
        #expect(try hixie75(fields + "\r\n", subprotocols: ["a"]).hasFailed)
        #expect(
            try hixie75(fields + "WebSocket-Protocol: b\r\n\r\n", subprotocols: ["a"]).hasFailed
        )
    }

    private let good76 = [
        "Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Origin: http://example.com",
        "Sec-WebSocket-Location: ws://example.com/demo",
    ]

    private func hixie76(_ lines: [String], subprotocols: [String] = []) throws -> ClientOutcome {
        let status = "HTTP/1.1 101 Any Phrase Will Do"
        return try client(.hixie76, subprotocols: subprotocols)
            .outcome(([status] + lines).joined(separator: "\r\n") + "\r\n\r\n")
    }

    @Test func acceptsGoodResponsesOfHixie76() throws {
        #expect(try hixie76(good76) == .plain)
        #expect(try hixie76(good76.reversed()) == .plain)
        #expect(
            try hixie76(good76.map { $0.replacing("Sec-WebSocket", with: "SEC-webSOCKET") })
                == .plain
        )
        #expect(
            try hixie76(good76 + ["Sec-WebSocket-Protocol: a"], subprotocols: ["a"])
                == .accepted(subprotocol: "a", extensions: [])
        )
    }

    @Test(arguments: 0..<4)
    func refusesMissingAndDoubleFieldsOfHixie76(_ index: Int) throws {
        var lines = good76
        lines.append(lines[index])
        #expect(try hixie76(lines).hasFailed)
        lines = good76
        lines.remove(at: index)
        #expect(try hixie76(lines).hasFailed)
        lines = good76
        lines[index] += "x"
        #expect(try hixie76(lines).hasFailed)
    }

    @Test func refusesOtherValuesOfHixie76() throws {
        #expect(try hixie76(["Upgrade: websocket"] + good76.dropFirst()).hasFailed)
        #expect(try hixie76(good76 + ["Sec-WebSocket-Protocol: default"]).hasFailed)
        #expect(try hixie76(good76, subprotocols: ["a"]).hasFailed)
        #expect(try hixie76(good76 + ["Sec-WebSocket-Protocol: b"], subprotocols: ["a"]).hasFailed)
    }

    @Test func comparesTheWholeAnswer() throws {
        let handshake = try client(.hixie76)
        guard case .hixie76(let challenge) = handshake.challenge else { return }
        #expect(handshake.isAnswer(challenge.answer))
        for index in challenge.answer.indices {
            var wrong = challenge.answer
            wrong[index] ^= 1
            #expect(!handshake.isAnswer(wrong))
        }
        #expect(!handshake.isAnswer([]))
        #expect(!handshake.isAnswer(challenge.answer + [0]))
        #expect(!handshake.isAnswer(Array(challenge.answer.dropLast())))
        #expect(try !client(.hixie75).isAnswer([]))
    }
}
