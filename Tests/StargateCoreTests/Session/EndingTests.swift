import Testing

@testable import StargateCore

/// Where a handler does something it might not be expected to.
enum Place: String, CaseIterable, Sendable { case opened, received, drained, closed }

/// What it does there.
enum Deed: String, CaseIterable, Sendable {
    case close, terminate, closeAndTerminate, closeTwice, sendAndClose, pauseAndClose

    func doIt(_ socket: WebSocket) {
        switch self {
        case .close: socket.close(.goingAway, reason: "enough")
        case .terminate: socket.terminate()
        case .closeAndTerminate:
            socket.close()
            socket.terminate()
        case .closeTwice:
            socket.close()
            socket.close()
            socket.send("dropped")
        case .sendAndClose:
            socket.send(String(repeating: "z", count: 40_000))
            socket.ping()
            socket.close()
        case .pauseAndClose:
            socket.pause()
            socket.close()
            socket.resume()
        }
    }
}

@Suite("The end of a connection, over a socket", .serialized)
struct EndingTests {
    @Test(
        "a handler may close, terminate and send anywhere; it hears of the end once",
        arguments: Place.allCases,
        Deed.allCases
    )
    func oddPlaces(place: Place, deed: Deed) async throws {
        let script = Script(
            opened: { socket in
                if place == .opened { deed.doIt(socket) }
                // More than the kernel takes at once.
                if place == .drained { socket.send(String(repeating: "y", count: 8 << 20)) }
            },
            received: { _, socket in
                if place == .received { deed.doIt(socket) }
                return true
            },
            drained: { if place == .drained { deed.doIt($0) } },
            closed: { if place == .closed { deed.doIt($0) } }
        )
        let server = try TestServer(
            .quiet {
                $0.closeTimeout = .milliseconds(300)
                $0.outputHardLimit = 32 << 20
            },
            script: script
        )
        let peer = try RawPeer(server.address)
        try peer.send(Array(upgradeRequest().utf8) + textFrame("1") + textFrame("2"))
        _ = try peer.receiveStatus()
        if place == .drained {
            #expect(try peer.receiveFrame().payload.count == 8 << 20)
            #expect(server.journal.wait(for: .drained))
        }
        try? peer.send(closeFrame(1000))
        _ = try? peer.receiveRest()
        peer.close()
        #expect(server.journal.waitForClosed() != nil)
        await server.stop()
        #expect(server.journal.closings.count == 1)
        #expect(server.journal.events.last?.isClosed == true)
        #expect(server.journal.events.first == .opened)
    }

    @Test("the server closes; the peer's answer is what closed reports")
    func serverCloses() async throws {
        let script = Script(received: { event, socket in
            guard event == .text("go") else { return true }
            socket.close(CloseCode(rawValue: 4001), reason: String(repeating: "ü", count: 100))
            return false
        })
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("a") + textFrame("go") + textFrame("after") + frame(0x89))
        #expect(try peer.receiveFrame().text == "a")
        let last = try peer.receiveFrame()
        #expect(last.closeCode == 4001)
        // The reason is cut at a character: 123 bytes are 61 of two bytes each.
        #expect(Array(last.payload[2...]) == Array(String(repeating: "ü", count: 61).utf8))
        try peer.send(textFrame("late") + closeFrame(4002, "ok"))
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        // Messages are still received until the peer's Close frame is there.
        #expect(
            server.journal.events == [
                .opened, .text("a"), .text("go"), .text("after"), .text("late"),
                .closed(4002, "ok"),
            ]
        )
    }

    @Test(
        "a code that must not be sent is not sent",
        arguments: [1005, 1006, 1015, 0, 999, 5000] as [UInt16]
    )
    func unsendableCode(code: UInt16) async throws {
        let script = Script(opened: { $0.close(CloseCode(rawValue: code), reason: "why") })
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        #expect(try peer.receiveFrame() == RawFrame(first: 0x88, payload: []))
        try peer.send(frame(0x88))
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        #expect(server.journal.events == [.opened, .closed(1005, "")])
    }

    @Test("both sides close at the same time")
    func bothClose() async throws {
        let script = Script(received: { _, socket in
            socket.close()
            return false
        })
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("go") + closeFrame(3000, "me too"))
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        #expect(server.journal.closings == [.closed(3000, "me too")])
    }

    @Test("a peer that does not answer the Close frame is cut in time")
    func unansweredClose() async throws {
        let script = Script(opened: { $0.close() })
        let server = try TestServer(.quiet { $0.closeTimeout = .milliseconds(100) }, script: script)
        let peer = try RawPeer.open(server.address)
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(try peer.receiveRest().isEmpty)
        guard case .closed(1006, _) = server.journal.waitForClosed() else {
            Issue.record("closed was \(server.journal.closings)")
            return
        }
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("a peer that goes on sending after it was failed is cut in time")
    func failedPeerStays() async throws {
        let server = try TestServer(.quiet { $0.closeTimeout = .milliseconds(100) })
        let peer = try RawPeer.open(server.address)
        try peer.send(frame(0xFF))
        #expect(try peer.receiveFrame().closeCode == 1002)
        #expect(try peer.receiveRest().isEmpty)
        let count = await server.inspect { $0.loop.state.counters[Counter.connectionsActive] }
        // The peer has not ended its half: only the deadline ends the connection.
        if count != [0] {
            while (try? peer.send(textFrame("noise"))) != nil {
                if await server.inspect({ $0.loop.state.counters[Counter.connectionsActive] }) == [
                    0
                ] {
                    break
                }
            }
        }
        #expect(await server.inspect { $0.loop.state.counters[Counter.connectionsActive] } == [0])
        await server.stop()
    }

    /// The bytes a peer sends before it vanishes, and whether a handler was made by then.
    static let phases: [(String, [UInt8], Bool)] = [
        ("nothing", [], false),
        ("half a request", Array(upgradeRequest().utf8.prefix(40)), false),
        ("a handshake", Array(upgradeRequest().utf8), true),
        ("half a header", Array(upgradeRequest().utf8) + [0x81], true),
        ("half a frame", Array(upgradeRequest().utf8) + textFrame("abc").dropLast(), true),
        (
            "half a large frame",
            Array(upgradeRequest().utf8)
                + frame(0x82, [UInt8](repeating: 1, count: 200_000), announced: 300_000), true
        ),
        ("half a message", Array(upgradeRequest().utf8) + frame(0x01, [0x61]), true),
        ("half a ping", Array(upgradeRequest().utf8) + frame(0x89, [1, 2, 3]).dropLast(), true),
        ("a close", Array(upgradeRequest().utf8) + closeFrame(1000), true),
    ]

    @Test("a peer that vanishes leaves nothing behind", arguments: phases.indices, [true, false])
    func vanishing(phase: Int, withReset: Bool) async throws {
        let (_, bytes, isOpened) = Self.phases[phase]
        let server = try TestServer()
        for _ in 0..<5 {
            let peer = try RawPeer(server.address)
            try peer.send(bytes)
            if isOpened { #expect(try peer.receiveStatus().contains(" 101 ")) }
            if withReset { peer.reset() } else { peer.close() }
        }
        if isOpened { #expect(server.journal.wait { $0.filter(\.isClosed).count == 5 }) }
        let fresh = try RawPeer.open(server.address)
        try fresh.send(textFrame("still there"))
        #expect(try fresh.receiveFrame().text == "still there")
        fresh.close()
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        #expect(lent == [0])
        await server.stop()
        #expect(server.journal.closings.count == (isOpened ? 6 : 1))
        #expect(server.journal.events.filter { $0 == .opened }.count == (isOpened ? 6 : 1))
    }

    @Test("the end of the stream without a Close frame is 1006")
    func halfClose() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("x"))
        peer.shutDown()
        #expect(try peer.receiveFrame().text == "x")
        #expect(try peer.receiveRest().isEmpty)
        #expect(server.journal.waitForClosed() == .closed(1006, ""))
        await server.stop()
    }

    // MARK: Keep-alive

    @Test("a silent peer is pinged, and cut when it stays silent; closed finds it closed")
    func pongTimeout() async throws {
        let journal = Journal()
        let script = Script(closed: { socket in
            journal.note("\(socket.isOpen) \(socket.send("late"))")
        })
        let server = try TestServer(
            .quiet {
                $0.keepAliveInterval = .milliseconds(100)
                $0.pongTimeout = .milliseconds(100)
            },
            script: script
        )
        let peer = try RawPeer.open(server.address)
        #expect(try peer.receiveFrame().opcode == 9)
        let rest = try peer.receiveRest()
        #expect(rest.isEmpty)
        guard case .closed(1006, let reason) = server.journal.waitForClosed() else {
            Issue.record("closed was \(server.journal.closings)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(journal.wait { !$0.isEmpty })
        #expect(journal.events == [.note("false dropped")])
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("a peer that answers pings stays")
    func keepAlive() async throws {
        let server = try TestServer(
            .quiet {
                $0.keepAliveInterval = .milliseconds(100)
                $0.pongTimeout = .milliseconds(1000)
            }
        )
        let peer = try RawPeer.open(server.address)
        for _ in 0..<2 {
            let ping = try peer.receiveFrame()
            #expect(ping.first == 0x89)
            try peer.send(frame(0x8A, ping.payload))
        }
        try peer.send(textFrame("x"))
        while true {
            let received = try peer.receiveFrame()
            if received.text == "x" { break }
        }
        #expect(server.journal.closings.isEmpty)
        await server.stop()
    }
}
