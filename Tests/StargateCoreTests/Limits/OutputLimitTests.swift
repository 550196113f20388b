import Synchronization
import Testing

@testable import StargateCore

@Suite("THREATS 63: what waits for a peer, and is accounted for", .ownThreads)
struct OutputLimitTests {
    private static let block = String(repeating: "x", count: 1 << 10)

    @Test("a hard limit below the size of the cork holds, byte for byte", arguments: [4, 32, 100])
    func smallHardLimit(kibibytes: Int) async throws {
        let most = Atomic<Int>(0)
        let limit = kibibytes << 10
        let script = Script(received: { _, socket in
            var count = 0
            while socket.send(Self.block) != .dropped, count < 20_000 {
                most.max(socket.bufferedAmount, ordering: .relaxed)
                count += 1
            }
            return false
        })
        let server = try TestServer(
            .quiet {
                $0.outputHardLimit = limit
                $0.outputSoftLimit = limit
                $0.slowConsumerPolicy = .dropNewest
            },
            script: script
        )
        let peer = try RawPeer.open(server.address, receiveBuffer: 16 << 10)
        for _ in 0..<3 { try peer.send(textFrame("go")) }
        server.journal.wait { $0.count { $0 == .text("go") } == 3 }
        let held = await server.inspect { $0.loop.state.slab.active.map(\.bufferedAmount) }
        #expect(held.allSatisfy { $0.allSatisfy { $0 <= limit } })
        #expect((1...limit).contains(most.load(ordering: .relaxed)))
        peer.close()
        await server.stop()
    }

    @Test("records that the kernel refused count as output, above the limits too")
    func refusedRecords() async throws {
        let server = try TLSTestServer(
            script: Script(opened: { socket in
                var count = 0
                while socket.send(Self.block) == .sent, count < 20_000 { count += 1 }
            })
        ) { configuration, _ in
            configuration.outputSoftLimit = 16 << 10
            configuration.outputHardLimit = 1 << 20
        }
        let peer = try server.peer().open()
        server.plain.journal.wait { $0.contains(.opened) }
        let states = await server.plain.inspect {
            $0.loop.state.slab.active.map {
                (
                    refused: $0.refusedByteCount,
                    isPaused: $0.state.flags.contains(.isPausedByOutput),
                    since: $0.state.outbound?.queue.overSoftLimitSince ?? 0
                )
            }
        }
        let state = try #require(states.first?.first)
        #expect(state.refused > 8 << 10 && state.isPaused)
        #expect(state.refused <= 16 << 10 || state.since > 0)
        peer.raw.close()
        await server.stop()
    }

    @Test("messages that wait for an asynchronous handler are on an account, until they are taken")
    func waitingMessages() async throws {
        let gate = Gate()
        let server = try AsyncTestServer { socket in
            for try await _ in socket.messages { try await gate.wait() }
        }
        let peer = try RawPeer.open(server.address)
        let payload = [UInt8](repeating: 1, count: 10_000)
        for _ in 0..<10 { try peer.send(frame(0x82, payload)) }
        try peer.send(frame(0x89, [1]))
        #expect(try peer.receiveFrame().payload == [1])
        // One of them is the handler's already.
        let held = await server.inspect { $0.executor.state.waitingByteCount } ?? 0
        #expect(held >= 90_000 && held < 110_000)
        #expect(await server.inspect { $0.loop.state.slab.active.first?.heldByteCount } == held)
        while server.server.metrics.memory["waiting"] != UInt64(held) { await Task.yield() }
        gate.open()
        while await server.inspect({ $0.executor.state.waitingByteCount }) != 0 {
            await Task.yield()
        }
        // What nobody takes any more is gone with the handler.
        peer.close()
        #expect(await server.handlersEnded())
        #expect(await server.inspect { $0.executor.state.waitingByteCount } == 0)
        await server.server.stop()
    }

    @Test("no more is held of a peer that pumps tiny frames than is read at first")
    func pumpedFrames() async throws {
        let most = Atomic<Int>(0)
        let count = Atomic<Int>(0)
        let server = try TestServer(
            script: Script(received: { _, socket in
                let lent = socket.current?.loop.state.buffers.lentByteCount ?? 0
                most.max(lent, ordering: .relaxed)
                count.add(1, ordering: .relaxed)
                return false
            })
        )
        let peer = try RawPeer.open(server.address)
        let batch = [[UInt8]](repeating: frame(0x82, [1]), count: 50_000).flatMap(\.self)
        for _ in 0..<4 { try peer.send(batch) }
        while count.load(ordering: .relaxed) < 200_000 { await Task.yield() }
        // A buffer that is worked off, and the one with what is left of it.
        #expect(most.load(ordering: .relaxed) <= 2 * ReceiveBuffer.smallCapacity)
        // Long messages are read in large pieces again.
        for _ in 0..<8 { try peer.send(frame(0x82, [UInt8](repeating: 2, count: 30_000))) }
        try peer.send(frame(0x89, [9]))
        #expect(try peer.receiveFrame().payload == [9])
        peer.close()
        await server.stop()
    }
}
