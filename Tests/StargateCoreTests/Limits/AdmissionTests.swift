import Testing

@testable import StargateCore

@Suite("THREATS 98: who is let in")
struct AdmissionTests {
    private static func admission(
        _ change: (inout Server.Configuration) -> Void
    ) -> Admission {
        let configuration = Server.Configuration.quiet(change)
        return Admission(configuration, MemoryBudget(nil))
    }

    private static let one = SocketAddress(host: "192.0.2.1", port: 1)
    private static let two = SocketAddress(host: "192.0.2.2", port: 1)

    @Test("so many connections, and another when one has left")
    func total() throws {
        let admission = Self.admission { $0.maxConnections = 2 }
        let first = try admission.admit(Self.one, now: 0)
        _ = try admission.admit(Self.one, now: 0)
        #expect(throws: AdmissionRefusal.serverFull) { try admission.admit(Self.two, now: 0) }
        #expect(admission.connectionCount == 2)
        first.leave()
        #expect(admission.connectionCount == 1)
        _ = try admission.admit(Self.two, now: 0)
        #expect(throws: AdmissionRefusal.serverFull) { try admission.admit(Self.two, now: 0) }
    }

    @Test("so many connections from one address, others unharmed")
    func perAddress() throws {
        let admission = Self.admission { $0.maxConnectionsPerAddress = 1 }
        let first = try admission.admit(Self.one, now: 0)
        #expect(throws: AdmissionRefusal.addressFull) { try admission.admit(Self.one, now: 0) }
        _ = try admission.admit(Self.two, now: 0)
        _ = try admission.admit(SocketAddress(unixPath: "/tmp/x"), now: 0)
        _ = try admission.admit(nil, now: 0)
        first.leave()
        _ = try admission.admit(Self.one, now: 0)
        #expect(admission.connectionCount == 4)
    }

    @Test("so many handshakes in a second, after a burst")
    func rate() throws {
        let admission = Self.admission {
            $0.handshakesPerSecondPerAddress = 10
            $0.handshakeBurstPerAddress = 3
        }
        for _ in 0..<3 { try admission.admit(Self.one, now: 1000).leave() }
        #expect(throws: AdmissionRefusal.addressRate) { try admission.admit(Self.one, now: 1000) }
        try admission.admit(Self.two, now: 1000).leave()
        #expect(throws: AdmissionRefusal.addressRate) { try admission.admit(Self.one, now: 1099) }
        try admission.admit(Self.one, now: 1100).leave()
        #expect(throws: AdmissionRefusal.addressRate) { try admission.admit(Self.one, now: 1100) }
        // After a rest the burst is whole again, and no more than that.
        for _ in 0..<3 { try admission.admit(Self.one, now: 60_000).leave() }
        #expect(throws: AdmissionRefusal.addressRate) { try admission.admit(Self.one, now: 60_000) }
        #expect(admission.connectionCount == 0)
    }

    @Test("IPv6 counts by networks of 64 bits, unless it is not to; IPv4 in IPv6 is IPv4")
    func networks() throws {
        func key(_ host: String, _ groups: Bool = true) throws -> AddressKey {
            try #require(
                SocketAddress(host: host, port: 1).flatMap {
                    AddressKey($0, groupsIPv6: groups)
                }
            )
        }
        #expect(try key("2001:db8::1") == key("2001:db8::2"))
        #expect(try key("2001:db8::1") == key("2001:db8::ffff:ffff:ffff:ffff"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
        #expect(try key("2001:db8::1", false) != key("2001:db8::2", false))
        #expect(try key("::ffff:192.0.2.1") == key("192.0.2.1"))
        #expect(try key("::ffff:192.0.2.1") != key("::ffff:192.0.2.2"))
    }

    @Test("addresses that come once are forgotten before they fill memory")
    func manyAddresses() {
        var table = AddressTable()
        let configuration = Server.Configuration.quiet { $0.handshakesPerSecondPerAddress = 1 }
        for number in 0..<200_000 {
            let address = SocketAddress(kind: .ipv4(UInt32(number), port: 0))
            guard let key = AddressKey(address, groupsIPv6: true) else { continue }
            #expect(table.enter(key, configuration, now: UInt64(number)) == nil)
            table.leave(key)
        }
        #expect(table.count <= 2 * AddressTable.idleCountMax)
    }

    @Test("a client that is not let in gets 503 with Retry-After, and metrics say why")
    func refusal() async throws {
        let server = try TestServer(.quiet { $0.maxConnections = 1 })
        let first = try RawPeer.open(server.address)
        let second = try RawPeer(server.address)
        try second.send(upgradeRequest())
        let answer = String(decoding: try second.receiveRest(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.contains("\r\nRetry-After: "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(server.server.metrics.admissionsRefused["server_full"] == 1)
        try first.send(textFrame("still here"))
        #expect(try first.receiveFrame().text == "still here")
        second.close()
        first.close()
        // Its seat is free when the server has noticed that.
        while server.server.admission.connectionCount > 0 { await Task.yield() }
        let third = try RawPeer.open(server.address)
        third.close()
        await server.stop()
    }

    @Test("more than can be told why are reset, and none of them is kept")
    func manyRefusals() async throws {
        let server = try TestServer(
            .quiet {
                $0.maxConnections = 1
                $0.keepAliveInterval = nil
            }
        )
        let first = try RawPeer.open(server.address)
        let others = try (0..<200).map { _ in try RawPeer(server.address) }
        while server.server.metrics.admissionsRefused["server_full"] ?? 0 < 200 {
            await Task.yield()
        }
        #expect(server.server.metrics.connectionsActive <= 33)
        for other in others { other.close() }
        try first.send(textFrame("still here"))
        #expect(try first.receiveFrame().text == "still here")
        await server.stop()
    }
}
