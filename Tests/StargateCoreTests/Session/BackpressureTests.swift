import Testing

@testable import StargateCore

@Suite("Backpressure, over a socket", .serialized, .ownThreads)
struct BackpressureTests {
    private static let block = String(repeating: "x", count: 16 << 10)

    /// A script that sends until it is told that messages wait, and notes how many it sent, and what
    /// becomes of them.
    private static func flood(_ journal: Journal) -> Script {
        Script(
            opened: { socket in
                var count = 1
                while socket.send(block) == .sent, count < 10_000 { count += 1 }
                journal.note("\(count)")
                journal.note(socket.bufferedAmount > 0 ? "waits" : "does not wait")
            },
            drained: { socket in journal.note("left \(socket.bufferedAmount)") }
        )
    }

    @Test("send tells that a message waits, and drained that it has left")
    func drained() async throws {
        let notes = Journal()
        let server = try TestServer(script: Self.flood(notes))
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        #expect(notes.wait(for: .note("waits")))
        #expect(server.journal.events == [.opened])
        let counts = notes.events.compactMap { event in
            if case .note(let text) = event { Int(text) } else { nil }
        }
        let count = try #require(counts.first)
        for _ in 0..<count { #expect(try peer.receiveFrame().payload.count == 16 << 10) }
        #expect(notes.wait(for: .note("left 0")))
        // The queue and its buffers are given back.
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        #expect(lent == [0])
        peer.close()
        await server.stop()
        #expect(server.journal.events.filter { $0 == .drained }.count == 1)
    }

    @Test(
        "past the hard limit the connection is cut, or the message dropped",
        arguments: [SlowConsumerPolicy.close, .dropNewest]
    )
    func hardLimit(policy: SlowConsumerPolicy) async throws {
        let notes = Journal()
        let script = Script(opened: { socket in
            var results: [SendResult] = []
            while results.last != .dropped, results.count < 10_000 {
                results.append(socket.send(Self.block))
            }
            notes.note("\(results.last.map { "\($0)" } ?? "") \(results.contains(.queued))")
            notes.note("\(socket.bufferedAmount <= 300 << 10)")
        })
        let server = try TestServer(
            .quiet {
                $0.outputSoftLimit = 64 << 10
                $0.outputHardLimit = 256 << 10
                $0.slowConsumerPolicy = policy
            },
            script: script
        )
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        #expect(notes.wait { $0.count == 2 })
        #expect(notes.events == [.note("dropped true"), .note("true")])
        if policy == .close {
            #expect(server.journal.waitForClosed() != nil)
        } else {
            #expect(server.journal.closings.isEmpty)
            // What was taken arrives whole; what was dropped leaves no trace in the stream.
            for _ in 0..<10 { #expect(try peer.receiveFrame().payload.count == 16 << 10) }
            #expect(server.journal.closings.isEmpty)
        }
        peer.close()
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("a burst from outside the connection's own call is not lost on a peer that reads")
    func burstFromOutside() async throws {
        let journal = Journal()
        let script = Script(opened: { socket in
            socket.eventLoop?.schedule(after: .zero) { _ in
                var dropped = 0
                for index in 0..<200
                where socket.send("\(index) \(Self.block.prefix(1000))") == .dropped {
                    dropped += 1
                }
                journal.note("dropped \(dropped)")
            }
        })
        let server = try TestServer(
            .quiet {
                $0.outputSoftLimit = 16 << 10
                $0.outputHardLimit = 64 << 10
            },
            script: script
        )
        let peer = try RawPeer.open(server.address)
        #expect(journal.wait { !$0.isEmpty })
        #expect(journal.events == [.note("dropped 0")])
        if journal.events == [.note("dropped 0")] {
            for index in 0..<200 { #expect(try peer.receiveFrame().text.hasPrefix("\(index) ")) }
        }
        peer.close()
        await server.stop()
    }

    @Test("a peer that does not read its echoes is not read from, and resumes without a loss")
    func notReadFrom() async throws {
        let server = try TestServer(
            .quiet {
                // The test may be kept waiting with the peer unread, however long.
                $0.slowPeerTimeout = .seconds(3600)
                $0.keepAliveInterval = nil
            },
            script: Script(writesMessagesDown: false)
        )
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        // Send until nothing more is taken: both kernels' buffers are full, and the server's queue.
        // Twice what the kernels' buffers were seen to swallow.
        let count = 3000
        let frames = (0..<16).map { frame(0x82, [UInt8](repeating: $0, count: 10_000)) }
        var bytes: [UInt8] = []
        for index in 0..<count { bytes += frames[index % 16] }
        var sent = 0
        var standstill = 0
        while standstill < 3, sent < bytes.count {
            let taken = peer.sendWhatFits(Array(bytes[sent...].prefix(1 << 20)))
            sent += taken
            // Whoever is not read from gets a turn of the server's loop to be read after all.
            _ = await server.inspect { _ in true }
            let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
            #expect((lent.first ?? .max) < 4 << 20)
            standstill = taken == 0 ? standstill + 1 : 0
        }
        #expect(sent < bytes.count)
        #expect(server.journal.closings.isEmpty)
        // Whatever was sent whole comes back whole.
        let frameByteCount = bytes.count / count
        for index in 0..<(sent / frameByteCount) {
            let echo = try peer.receiveFrame()
            guard echo.payload == [UInt8](repeating: UInt8(index % 16), count: 10_000) else {
                Issue.record("echo \(index) is not what was sent")
                break
            }
        }
        peer.close()
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("of pings whose pongs are not read only the latest is answered")
    func pingFlood() async throws {
        let notes = Journal()
        let server = try TestServer(script: Self.flood(notes))
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        #expect(notes.wait(for: .note("waits")))
        for index in 0..<1000 {
            try peer.send(frame(0x89, [UInt8(index >> 8), UInt8(index & 0xFF)]))
        }
        // A text behind the pings tells that they were seen.
        try peer.send(textFrame("seen"))
        #expect(server.journal.wait(for: .text("seen")))
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        #expect((lent.first ?? .max) < 2 << 20)
        var pongs: [[UInt8]] = []
        while true {
            let received = try peer.receiveFrame()
            if received.opcode == 0x0A { pongs.append(received.payload) }
            if pongs.last == [3, 0xE7] { break }
        }
        #expect(pongs == [[3, 0xE7]])
        peer.close()
        await server.stop()
    }

    @Test("a peer that stays over the soft limit is cut")
    func slowPeer() async throws {
        let notes = Journal()
        let server = try TestServer(
            .quiet {
                // However little the kernel has refused, it is too much.
                $0.outputSoftLimit = 0
                $0.slowPeerTimeout = .milliseconds(100)
            },
            script: Self.flood(notes)
        )
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        guard case .closed(let code, let reason) = server.journal.waitForClosed() else {
            Issue.record("the connection was not closed")
            return
        }
        #expect(code == 1008 && !reason.isEmpty)
        peer.close()
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    // MARK: Pausing

    @Test("pausing in the middle of a batch keeps the rest, in order", arguments: [1, 3, 10])
    func pausing(every: Int) async throws {
        let script = Script(received: { event, socket in
            if case .text(let text) = event, let number = Int(text), number % every == 0 {
                socket.pause()
                socket.eventLoop?.schedule(after: .zero) { _ in socket.resume() }
            }
            return true
        })
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        let bytes =
            (0..<100).flatMap { textFrame("\($0)") } + frame(0x01, Array("10".utf8))
            + frame(0x89, [1]) + frame(0x80, Array("0".utf8)) + closeFrame(1000)
        try peer.send(bytes)
        for index in 0..<100 { #expect(try peer.receiveFrame().text == "\(index)") }
        #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [1]))
        #expect(try peer.receiveFrame().text == "100")
        #expect(try peer.receiveFrame().closeCode == 1000)
        await server.stop()
        #expect(server.journal.events.count == 103)
        #expect(server.journal.closings == [.closed(1000, "")])
    }

    @Test("paused from the start, nothing is delivered until it resumes")
    func pausedInOpened() async throws {
        let script = Script(opened: { socket in
            socket.pause()
            socket.pause()
            socket.eventLoop?.schedule(after: .milliseconds(20)) { _ in
                socket.send("resuming")
                socket.resume()
                socket.resume()
            }
        })
        let server = try TestServer(script: script)
        let peer = try RawPeer(server.address)
        try peer.send(Array(upgradeRequest().utf8) + textFrame("glued"))
        #expect(try peer.receiveStatus().contains(" 101 "))
        try peer.send(textFrame("later"))
        #expect(try peer.receiveFrame().text == "resuming")
        #expect(try peer.receiveFrame().text == "glued")
        #expect(try peer.receiveFrame().text == "later")
        await server.stop()
    }
}
