import Testing

@testable import StargateCore

@Suite("Metrics")
struct MetricsTests {
    @Test("what happened is counted, and a look at it does not stop the loops")
    func counts() async throws {
        let configuration = Server.Configuration.quiet {
            $0.loopCount = 2
            // A ping would be counted, too.
            $0.keepAliveInterval = nil
        }
        let server = try TestServer(configuration)
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("one") + frame(0x89, []) + textFrame("two"))
        #expect(try peer.receiveFrame().text == "one")
        _ = try peer.receiveFrame()
        #expect(try peer.receiveFrame().text == "two")
        // The peer may see bytes a moment before they are counted.
        await server.server.forEachConnection { _ in }
        var metrics = server.server.metrics
        #expect(metrics.loops.count == 2)
        #expect(metrics.connectionsActive == 1 && metrics.connectionsAccepted == 1)
        #expect(metrics.connectionsOpen[.rfc6455] == 1)
        #expect(metrics.handshakesAccepted == 1)
        #expect(metrics.messagesReceived == 2 && metrics.messagesSent == 2)
        #expect(metrics.framesReceived == 3 && metrics.controlFramesSent == 1)
        #expect(metrics.bytesReceived > 20 && metrics.bytesSent > 10)
        // From outside of a callback it passes through the queue, and counts once all the same.
        let text = String(repeating: "x", count: 1000)
        await server.server.forEachConnection { $0.send(text) }
        #expect(try peer.receiveFrame().text == text)
        await server.server.forEachConnection { _ in }
        #expect(server.server.metrics.bytesSent - metrics.bytesSent == 1004)
        try peer.send(frame(0x83, []))
        #expect(try peer.receiveFrame().closeCode == 1002)
        peer.close()
        while server.server.metrics.connectionsActive > 0 { await Task.yield() }
        metrics = server.server.metrics
        #expect(metrics.connectionsOpen[.rfc6455] == 0)
        #expect(metrics.closeCodesSent["1002"] == 1)
        #expect(metrics.connectionsFailed["protocol_error"] == 1)
        #expect(metrics.loops.reduce(0) { $0 + $1.messagesReceived } == 2)
        #expect(metrics.turns.count > 0)
        let refused = try RawPeer(server.address)
        try refused.send(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        )
        _ = try refused.receiveRest()
        #expect(server.server.metrics.handshakesRefused.values.reduce(0, +) == 1)
        await server.stop()
        #expect(server.server.metrics.loops.isEmpty)
    }

    @Test("the page is in Prometheus's format, and every sample has a help and a type")
    func page() async throws {
        let server = try TestServer { $0.metricsPage("/metrics") }
        let peer = try RawPeer(server.address)
        try peer.send("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = String(decoding: try peer.receiveRest(), as: UTF8.self)
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
        let head = try #require(parts.first)
        let body = try #require(parts.last)
        #expect(head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        var known: Set<Substring> = []
        for line in body.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                known.insert(line.split(separator: " ")[2])
            } else if !line.hasPrefix("#") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                let isKnown =
                    known.contains(name)
                    || ["_bucket", "_sum", "_count"].contains {
                        name.hasSuffix($0) && known.contains(name.dropLast($0.count))
                    }
                #expect(isKnown, "\(line)")
            }
        }
        #expect(known.count > 30)
        #expect(body.hasSuffix("\n"))
        #expect(body.contains("stargate_connections_active{loop=\"0\"} 1\n"))
        #expect(body.contains("le=\"0.001\""))
        await server.stop()
    }

    @Test("the keep-alive's pings tell how far away the peer is")
    func roundTrip() async throws {
        let notes = Journal()
        var script = Script()
        script.received = { _, socket in
            notes.note(socket.roundTripTime == nil ? "unknown" : "known")
            return false
        }
        let server = try TestServer(
            .quiet { $0.keepAliveInterval = .milliseconds(100) },
            script: script
        )
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("?"))
        #expect(notes.wait(for: .note("unknown")))
        let ping = try peer.receiveFrame()
        #expect(ping.opcode == 9 && ping.payload.isEmpty)
        try peer.send(frame(0x8A, []) + textFrame("?"))
        #expect(notes.wait(for: .note("known")))
        #expect(server.server.metrics.roundTrips.count == 1)
        peer.close()
        await server.stop()
    }

    @Test("every close code has a class, and every class a name of its own")
    func closeCodes() {
        #expect(Set(CloseCodeClass.allCases.map(\.name)).count == CloseCodeClass.allCases.count)
        for code in UInt16.min...UInt16.max { _ = CloseCodeClass(CloseCode(rawValue: code)) }
        #expect(CloseCodeClass(.tryAgainLater).name == "1013")
        #expect(CloseCodeClass(.noStatusReceived).name == "1005")
        #expect(CloseCodeClass(CloseCode(rawValue: 3000)).name == "3xxx")
        #expect(CloseCodeClass(CloseCode(rawValue: 4999)).name == "4xxx")
    }

    @Test("the families of counters fit into their groups")
    func groups() {
        #expect(Counter.allCases.count <= CounterGroup.size)
        #expect(FailureReason.allCases.count <= CounterGroup.size)
        #expect(RefusalStatus.allCases.count <= CounterGroup.size)
        #expect(CloseCodeClass.allCases.count <= CounterGroup.size)
        #expect(TimeBuckets.turns.count < CounterGroup.size)
        #expect(TimeBuckets.roundTrips.count < CounterGroup.size)
    }
}
