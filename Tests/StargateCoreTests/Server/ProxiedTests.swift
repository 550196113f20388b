import Testing

@testable import StargateCore

@Suite("Clients behind a proxy", .ownThreads)
struct ProxiedTests {
    private static func server(trusting range: String) throws -> TestServer {
        try TestServer(
            .quiet {
                $0.trustedProxies = AddressRange(range).map { [$0] } ?? []
                $0.handshakeTimeout = .milliseconds(300)
            },
            script: Script(received: { _, socket in
                socket.send("\(socket.remoteAddress?.description ?? "-")")
                return false
            })
        ) { server in
            server.get("/who") { request in
                let all = [request.remoteAddress, request.localAddress, request.proxyAddress]
                return .text(all.map { $0.map { "\($0)" } ?? "-" }.joined(separator: " "))
            }
        }
    }

    private static let header = "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n"
    private static let request = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test("THREATS 26: a trusted proxy tells the client's address, in whatever segments")
    func trusted() async throws {
        let server = try Self.server(trusting: "127.0.0.0/8")
        let all = Array((Self.header + Self.request).utf8)
        for split in [0, 1, 20, Self.header.utf8.count, Self.header.utf8.count + 5] {
            let peer = try RawPeer(server.address)
            if split > 0 {
                try peer.send(Array(all[..<split]))
                // The loop has read it before the rest is sent.
                _ = await server.inspect { _ in 0 }
            }
            try peer.send(Array(all[split...]))
            let answer = String(decoding: try peer.receiveRest(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("192.0.2.7:12345 198.51.100.1:443 127.0.0.1:"))
        }
        await server.stop()
    }

    @Test("version 2, and a WebSocket behind it: its handle tells the client's address")
    func webSocket() async throws {
        let server = try Self.server(trusting: "127.0.0.1")
        let peer = try RawPeer(server.address)
        let header = ProxyHeaderTests.binary(0x21, 0x11, ProxyHeaderTests.tcp4)
        try peer.send(header + Array(upgradeRequest().utf8) + textFrame("who am I"))
        #expect(try peer.receiveStatus().contains(" 101 "))
        #expect(try peer.receiveFrame().text == "192.0.2.7:12345")
        // The next connection in its place is not mistaken for it.
        peer.close()
        server.journal.wait { $0.contains(where: \.isClosed) }
        let local = try RawPeer(server.address)
        try local.send(
            ProxyHeaderTests.binary(0x20, 0, []) + Array(upgradeRequest().utf8) + textFrame("x")
        )
        #expect(try local.receiveStatus().contains(" 101 "))
        #expect(try local.receiveFrame().text.hasPrefix("127.0.0.1:"))
        await server.stop()
    }

    private static func header(from address: String) -> [UInt8] {
        Array("PROXY TCP4 \(address) 198.51.100.1 12345 443\r\n".utf8)
    }

    private static func open(
        _ server: borrowing TestServer,
        from address: String
    ) throws -> (peer: RawPeer, status: String) {
        let peer = try RawPeer(server.address)
        try peer.send(header(from: address) + Array(upgradeRequest().utf8))
        return (peer, try peer.receive(through: "\r\n\r\n"))
    }

    @Test("THREATS 98: clients behind a proxy are counted by their own address")
    func limits() async throws {
        let server = try TestServer(
            .quiet {
                $0.trustedProxies = AddressRange("127.0.0.0/8").map { [$0] } ?? []
                $0.maxConnectionsPerAddress = 2
            }
        )
        let first = try Self.open(server, from: "192.0.2.7")
        let second = try Self.open(server, from: "192.0.2.7")
        let third = try Self.open(server, from: "192.0.2.7")
        let others = try (1...8).map { try Self.open(server, from: "192.0.2.10\($0)") }
        #expect(first.status.contains(" 101 ") && second.status.contains(" 101 "))
        #expect(third.status.contains(" 503 ") && third.status.contains("\r\nRetry-After: "))
        #expect(try third.peer.receiveRest().count > 0)
        #expect(others.allSatisfy { $0.status.contains(" 101 ") })
        _ = await server.inspect { _ in 0 }
        #expect(server.server.metrics.admissionsRefused["address_full"] == 1)
        #expect(server.server.admission.connectionCount >= 10)
        // A proxy that speaks for itself has no limit.
        let locals = try (0..<3).map { _ in
            let local = try RawPeer(server.address)
            try local.send(ProxyHeaderTests.binary(0x20, 0, []) + Array(upgradeRequest().utf8))
            #expect(try local.receiveStatus().contains(" 101 "))
            return local
        }
        // Who leaves makes room for himself and nobody else.
        third.peer.close()
        while server.server.admission.connectionCount > 13 { await Task.yield() }
        first.peer.close()
        while server.server.admission.connectionCount > 12 { await Task.yield() }
        let again = try Self.open(server, from: "192.0.2.7")
        #expect(again.status.contains(" 101 "))
        for peer in [second.peer, again.peer] + locals + others.map({ $0.peer }) { peer.close() }
        while server.server.admission.connectionCount > 0 { await Task.yield() }
        await server.stop()
    }

    @Test("THREATS 98: the rate of handshakes behind a proxy is each client's own")
    func rate() async throws {
        let server = try TestServer(
            .quiet {
                $0.trustedProxies = AddressRange("127.0.0.0/8").map { [$0] } ?? []
                $0.handshakesPerSecondPerAddress = 0.01
                $0.handshakeBurstPerAddress = 2
            }
        )
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            let statuses = try (0..<3).map { _ in try Self.open(server, from: address).status }
            #expect(statuses.map { $0.contains(" 101 ") } == [true, true, false])
            #expect(statuses[2].contains(" 503 "))
        }
        _ = await server.inspect { _ in 0 }
        #expect(server.server.metrics.admissionsRefused["address_rate"] == 3)
        await server.stop()
    }

    @Test(
        "a PROXY header before TLS, in whatever segments; limits hold there too",
        arguments: [1, 2]
    )
    func tls(version: Int) async throws {
        let server = try TLSTestServer(
            script: Script(received: { _, socket in
                socket.send("\(socket.remoteAddress?.description ?? "-")")
                return false
            })
        ) { configuration, _ in
            configuration.trustedProxies = AddressRange("127.0.0.0/8").map { [$0] } ?? []
            configuration.maxConnectionsPerAddress = 1
        }
        let header =
            version == 1
            ? Array(Self.header.utf8) : ProxyHeaderTests.binary(0x21, 0x11, ProxyHeaderTests.tcp4)
        for split in [0, 1, header.count - 1, header.count, header.count + 3] {
            let peer = try TLSPeer(server.address, server.authority, shakesHands: false)
            let all = header + peer.end.feed([])
            try peer.raw.send(Array(all[..<split]))
            if split > 0 { _ = await server.plain.inspect { _ in 0 } }
            try peer.raw.send(Array(all[split...]))
            while !peer.end.session.isEstablished { try peer.pump() }
            try peer.open()
            try peer.send(textFrame("who am I"))
            let answer = try peer.receive(exactly: 17)
            #expect(String(decoding: answer[2...], as: UTF8.self) == "192.0.2.7:12345")
            // The address is taken: a second one is not even shaken hands with.
            let second = try TLSPeer(server.address, server.authority, shakesHands: false)
            try second.raw.send(header + second.end.feed([]))
            #expect(try second.raw.receiveRest().isEmpty)
            peer.raw.close()
            while server.server.admission.connectionCount > 0 { await Task.yield() }
        }
        // Without a header there is no handshake.
        let bare = try TLSPeer(server.address, server.authority, shakesHands: false)
        try bare.raw.send(bare.end.feed([]))
        #expect(
            String(decoding: try bare.raw.receiveRest(), as: UTF8.self).hasPrefix("HTTP/1.1 400 ")
        )
        await server.stop()
    }

    @Test("a trusted proxy that does not say who its client is, is refused")
    func missing() async throws {
        let server = try Self.server(trusting: "127.0.0.1")
        for text in [Self.request, "PROXY TCP4 a b c d\r\n" + Self.request, "\r\nx"] {
            let peer = try RawPeer(server.address)
            try peer.send(text)
            let answer = String(decoding: try peer.receiveRest(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
        }
        // Half a header has no more time than a handshake.
        let slow = try RawPeer(server.address)
        try slow.send(String(Self.header.prefix(20)))
        #expect(try slow.receiveRest().count >= 0)
        await server.stop()
    }

    @Test("THREATS 26: nobody else is believed", arguments: ["10.0.0.0/8", ""])
    func untrusted(range: String) async throws {
        let server = try Self.server(trusting: range)
        let version2 = ProxyHeaderTests.binary(0x21, 0x11, ProxyHeaderTests.tcp4)
        for header in [Array(Self.header.utf8), version2] {
            let peer = try RawPeer(server.address)
            try peer.send(header + Array(Self.request.utf8))
            let answer = String(decoding: try peer.receiveRest(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && !answer.contains("192.0.2.7"))
        }
        let peer = try RawPeer(server.address)
        try peer.send(Self.request)
        #expect(String(decoding: try peer.receiveRest(), as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
        await server.stop()
    }
}
