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
