import Testing

@testable import StargateBenchKit

/// Servers that others wrote: figures are right, and every echo is checked.
@Suite(.serialized)
struct RealServerTests {
    @Test(.enabled(if: Peer.hasModule("websockets"), "needs Python's websockets"))
    func `websockets, in Python`() throws { try measure(Peer("echo_websockets.py")) }

    @Test(.enabled(if: Peer.hasNodeWS, "needs node and Debian's node-ws"))
    func `ws, in Node`() throws { try measure(Peer("echo_ws.cjs")) }

    @Test(
        .enabled(if: Peer.hasGorilla, "needs go and Debian's golang-github-gorilla-websocket-dev")
    )
    func `gorilla, in Go`() throws { try measure(Peer("echo_gorilla.go")) }

    private func measure(_ peer: Peer) throws {
        var run = TestRun(url: peer.url, connections: 8, pipeline: 2, threads: 2)
        run.processes = [peer.process.processID]
        for (payload, size) in [
            (PayloadKind.binary, 20), (.ascii, 126), (.mixed, 1000), (.binary, 70_000),
        ] {
            (run.payload, run.size) = (payload, size)
            let echo = try run.echo()
            #expect(echo.errors.isEmpty, "\(size) \(echo.errors)")
            #expect(echo.result.completed == 100)
            #expect(echo.result.checked == 100)
            #expect(echo.mainLatency?.count == 100)
            #expect((echo.server?.cpuPerOperation ?? 0) > 0)
        }
        let handshake = try run.handshake()
        #expect(handshake.errors.isEmpty, "\(handshake.errors)")
        #expect(handshake.result.completed == 100)
        run.schedule.length = .duration(TimeSpan(seconds: 0.2))
        let held = try run.idle()
        #expect(held.errors.isEmpty, "\(held.errors)")
        #expect(held.result.connectionsHeld == 8)
        #expect(held.memory != nil)
    }
}
