import Testing

@testable import StargateCore

@Suite("THREATS 99: the memory of all connections", .ownThreads)
struct MemoryBudgetTests {
    /// The first 300 KB of a message that never ends.
    private static let half: [UInt8] = {
        let whole = frame(0x82, [UInt8](repeating: 7, count: 400_000))
        return Array(whole.prefix(300_000))
    }()

    /// One of the greedy takes it from where somebody is let in to where some must go.
    private static let budget = 8 << 20

    @Test("who holds the most goes first, with 1013, and the others stay", .timeLimit(.minutes(2)))
    func shedding() async throws {
        let server = try TestServer(
            .quiet {
                $0.memoryBudget = Self.budget
                // The modest one is silent, and is to be sent nothing but its echo.
                $0.keepAliveInterval = nil
            }
        )
        let modest = try RawPeer.open(server.address)
        var greedy: [RawPeer] = []
        while server.server.metrics.connectionsFailed["memory"] ?? 0 == 0 {
            guard let peer = try? RawPeer.open(server.address) else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            _ = peer.sendWhatFits(Self.half)
            greedy.append(peer)
            _ = await server.inspect { _ in true }
        }
        #expect(greedy.count > 2)
        try modest.send(textFrame("modest"))
        #expect(try modest.receiveFrame().text == "modest")
        #expect(server.journal.waitForClosed() != nil)
        for case .closed(let code, _) in server.journal.closings { #expect(code == 1013) }
        #expect(server.server.metrics.memoryUsed < Self.budget)
        for peer in greedy { peer.close() }
        modest.close()
        await server.stop()
    }

    @Test("when it is tight nobody is let in, and metrics say why")
    func refusing() async throws {
        let server = try TestServer(.quiet { $0.memoryBudget = 1 })
        let peer = try RawPeer(server.address)
        _ = try? peer.receiveRest()
        #expect(server.server.metrics.admissionsRefused["memory"] == 1)
        await server.stop()
    }

    @Test("what one server publishes is not another's memory")
    func publications() async throws {
        let loud = try TestServer(.quiet { _ in })
        let quiet = try TestServer(.quiet { $0.memoryBudget = Self.budget })
        var message: PreparedMessage? = PreparedMessage(
            binary: [UInt8](repeating: 7, count: 2 * Self.budget)
        )
        func held(_ server: Server) -> UInt64? { server.metrics.memory["publications"] }
        // As long as only the application has it, it is the application's.
        #expect(held(loud.server) == 0)
        for _ in 0..<2 { if let message { loud.server.publish(message, to: "loud") } }
        #expect(try #require(held(loud.server)) > 2 * Self.budget)
        #expect(try #require(held(loud.server)) < 3 * Self.budget)
        #expect(held(quiet.server) == 0)
        let peer = try RawPeer.open(quiet.address)
        try peer.send(textFrame("modest"))
        #expect(try peer.receiveFrame().text == "modest")
        // It stays with the first.
        if let message { quiet.server.publish(message, to: "quiet") }
        #expect(held(quiet.server) == 0)
        message = nil
        #expect(held(loud.server) == 0)
        peer.close()
        await loud.stop()
        await quiet.stop()
    }

    @Test("the accounts are empty when everybody has gone")
    func accounts() async throws {
        let server = try TestServer(
            .quiet { $0.compression = PerMessageDeflate() }
        )
        let extensions = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        let peers = try (0..<5).map { _ in
            try RawPeer.open(server.address, extra: extensions)
        }
        for peer in peers {
            try peer.send(textFrame(String(repeating: "compress me ", count: 1000)))
            _ = try peer.receiveFrame()
            _ = peer.sendWhatFits(Self.half)
        }
        while server.server.metrics.memory["received"] ?? 0 < 5 * 300_000 { await Task.yield() }
        #expect(server.server.metrics.memory["compression"] ?? 0 > 5 * 40_000)
        for peer in peers { peer.reset() }
        while server.server.metrics.connectionsActive > 0 { await Task.yield() }
        _ = await server.inspect { _ in true }
        while server.server.metrics.memory["received"] ?? 0 > 0 { await Task.yield() }
        let memory = server.server.metrics.memory
        #expect(memory["compression"] == 0 && memory["output"] == 0 && memory["bodies"] == 0)
        await server.stop()
    }

    @Test("the default is half of what the process may have")
    func defaults() throws {
        let budget = try #require(Server.Configuration().memoryBudget)
        #expect(budget > 64 << 20)
        #expect(MemoryBudget(nil).isTight == false)
        #expect(MemoryBudget(nil).isExhausted == false)
    }
}
