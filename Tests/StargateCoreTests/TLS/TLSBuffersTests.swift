import Testing

@testable import StargateCore

@Suite("The buffers of TLS sessions", .serialized)
struct TLSBuffersTests {
    private static func buffers(_ server: TLSTestServer) async -> [(sessions: Int, bytes: Int)] {
        await server.plain.inspect {
            ($0.loop.state.tls?.busySessionCount ?? 0, $0.loop.state.memory.tls)
        }
    }

    @Test("a busy session keeps its buffers, one that is new or gone does not")
    func busy() async throws {
        let server = try TLSTestServer { configuration, _ in
            configuration.keepAliveInterval = .seconds(600)
        }
        let peer = try server.peer().open()
        let idle = TLSSession.typicalByteCount
        #expect(await Self.buffers(server).contains { $0 == (0, idle) })
        for _ in 0..<TLSSession.busyReadCount { #expect(try peer.echo("busy")) }
        let busy = idle + TLSSession.bufferByteCount
        #expect(await Self.buffers(server).contains { $0 == (1, busy) })
        peer.raw.close()
        _ = server.journal.waitForClosed()
        let left = await Self.buffers(server)
        #expect(left.allSatisfy { $0 == (0, 0) })
        await server.stop()
    }

    @Test("a session that has fallen silent gives its buffers back")
    func silent() async throws {
        let server = try TLSTestServer { configuration, _ in
            configuration.keepAliveInterval = .seconds(2)
            configuration.pongTimeout = .seconds(600)
        }
        let peer = try server.peer().open()
        // Nothing is awaited here: the test must not be what is silent.
        for _ in 0..<TLSSession.busyReadCount { #expect(try peer.echo("busy")) }
        #expect(try peer.receive(exactly: 2) == [0x89, 0])
        #expect(await Self.buffers(server).contains { $0 == (0, TLSSession.typicalByteCount) })
        for _ in 0..<TLSSession.busyReadCount { #expect(try peer.echo("busy again")) }
        #expect(await Self.buffers(server).contains { $0.sessions == 1 })
        peer.raw.close()
        await server.stop()
    }

    @Test("no more sessions than may keep buffers do")
    func limit() async throws {
        let server = try TLSTestServer { configuration, _ in
            configuration.keepAliveInterval = .seconds(600)
        }
        let peer = try server.peer().open()
        _ = await server.plain.inspect {
            $0.loop.state.tls?.busySessionCount = LoopTLS.busySessionCountMax
        }
        for _ in 0..<2 * TLSSession.busyReadCount { #expect(try peer.echo("one too many")) }
        #expect(await Self.buffers(server).allSatisfy { $0.bytes <= TLSSession.typicalByteCount })
        peer.raw.close()
        _ = server.journal.waitForClosed()
        await server.stop()
    }
}
