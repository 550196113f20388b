import Glibc
import Testing

@testable import StargateCore

/// Closures that take time to decide. The peers' blocking calls are made off the pool, whose
/// threads the closures need.
@Suite("Upgrades that are decided in a task, over a socket", .serialized)
struct UpgradeTaskTests {
    /// A server whose closure says that it was called, waits at a gate, and accepts.
    private func gatedServer(
        _ journal: Journal,
        _ gate: Gate,
        _ configuration: Server.Configuration = .quiet
    ) throws -> (server: Server, address: SocketAddress) {
        try startServer(configuration) { server in
            server.webSocket("/*", origin: .any) { request in
                journal.note("asked \(request.path)")
                do {
                    try await gate.wait()
                } catch {
                    journal.note("cancelled")
                    throw error
                }
                return .accept(subprotocol: request.subprotocols.first) {
                    ScriptedHandler(journal, .echo)
                }
            }
            server.get("/page") { _ in .text("a page") }
        }
    }

    @Test("what arrives with, behind and after the handshake comes after `opened`, in order")
    func firstMessages() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        try await offPool {
            let peer = try RawPeer(address)
            let extra = "Sec-WebSocket-Protocol: chat\r\n"
            let glued = Array(upgradeRequest(extra: extra).utf8) + textFrame("1")
            let cut = textFrame("2")
            try peer.send(glued + cut[..<3])
            journal.wait(for: .note("asked /"))
            try peer.send(Array(cut[3...]) + textFrame("3"))
            #expect(journal.events == [.note("asked /")])
            gate.open()
            let response = try peer.receiveResponse()
            #expect(response.status == 101 && response["sec-websocket-protocol"] == "chat")
            for text in ["1", "2", "3"] { #expect(try peer.receiveFrame().text == text) }
            try peer.send(textFrame("4"))
            #expect(try peer.receiveFrame().text == "4")
        }
        await server.stop()
        let messages: [HandlerEvent] = [.opened, .text("1"), .text("2"), .text("3"), .text("4")]
        #expect(Array(journal.events.dropFirst().prefix(5)) == messages)
    }

    @Test("a peer that sends ahead is not read from without end, and loses nothing")
    func bounded() async throws {
        let (journal, gate) = (Journal(), Gate())
        let script = Script(received: { event, _ in event == .text("end") })
        let (server, address) = try startServer(.quiet { $0.upgradeTimeout = .seconds(60) }) {
            server in
            server.webSocket("/", origin: .any) { _ in
                journal.note("asked")
                try await gate.wait()
                return .accept { ScriptedHandler(journal, script) }
            }
        }
        let sentCount = try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest())
            journal.wait(for: .note("asked"))
            let payload = [UInt8](repeating: 7, count: 60_000)
            let bytes = frame(0x82, payload)
            var rest: [UInt8] = []
            var count = 0
            var idleCount = 0
            // More than the kernel keeps for a server that does not read, but not without end.
            while idleCount < 20, count < 500 {
                if rest.isEmpty {
                    rest = bytes
                    count += 1
                }
                let sent = peer.sendWhatFits(rest)
                rest.removeFirst(sent)
                idleCount = sent == 0 ? idleCount + 1 : 0
                if sent == 0 { usleep(5000) }
            }
            #expect(count < 500)
            gate.open()
            try peer.send(rest + textFrame("end"))
            let response = try peer.receiveResponse()
            #expect(response.status == 101)
            #expect(try peer.receiveFrame().text == "end")
            return count
        }
        let whole = HandlerEvent.binary([UInt8](repeating: 7, count: 60_000))
        #expect(journal.events.count { $0 == whole } == sentCount)
        await server.stop()
    }

    /// The bytes that connections hold.
    private func heldByteCounts(_ server: Server) async -> [Int] {
        var counts: [Int] = []
        for mailbox in server.mailboxes {
            counts += await withCheckedContinuation { continuation in
                mailbox.post { eventLoop in
                    continuation.resume(
                        returning: eventLoop.loop.state.slab.active.compactMap {
                            $0.state.inbound?.state.held.count
                        }.filter { $0 > 0 }
                    )
                }
            }
        }
        return counts
    }

    @Test("what is held is no more than the limit")
    func holdLimit() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        let peer = try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest())
            journal.wait(for: .note("asked /"))
            try peer.send([UInt8](repeating: 0, count: 200_000))
            return UncheckedBox(peer)
        }
        var held: [Int] = []
        for _ in 0..<1000 where held != [Connection.waitingByteCountMax] {
            held = await heldByteCounts(server)
            #expect(held.allSatisfy { $0 <= Connection.waitingByteCountMax })
        }
        #expect(held == [Connection.waitingByteCountMax])
        peer.value.close()
        await server.stop()
    }

    @Test("a decision that takes too long is 503, and its task is cancelled")
    func tooLate() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(
            journal,
            gate,
            .quiet { $0.upgradeTimeout = .milliseconds(50) }
        )
        try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest() + "behind")
            #expect(try peer.receiveResponse().status == 503)
            #expect(try peer.receiveRest().isEmpty)
            #expect(journal.wait(for: .note("cancelled")))
        }
        await server.stop()
        #expect(!journal.events.contains(.opened))
    }

    @Test("a peer that goes cancels the task; its place is not mistaken for another's")
    func gone() async throws {
        let journal = Journal()
        let gates = [Gate(), Gate()]
        let (server, address) = try startServer { server in
            server.webSocket("/:number", origin: .any) { request in
                let number = request.parameters["number"] ?? ""
                journal.note("asked \(number)")
                // Does not care that it is cancelled.
                let gate = gates[Int(number) ?? 0]
                await Task(executorPreference: ThreadPerJob.shared) { try? await gate.wait() }.value
                journal.note("decided \(number) \(Task.isCancelled)")
                return .accept {
                    journal.note("made \(number)")
                    return ScriptedHandler(journal, .echo)
                }
            }
        }
        try await offPool {
            let first = try RawPeer(address)
            try first.send(upgradeRequest("/0"))
            journal.wait(for: .note("asked 0"))
            first.close()
            let second = try RawPeer(address)
            try second.send(upgradeRequest("/1"))
            journal.wait(for: .note("asked 1"))
            gates[0].open()
            journal.wait(for: .note("decided 0 true"))
            gates[1].open()
            #expect(try second.receiveResponse().status == 101)
            try second.send(textFrame("x"))
            #expect(try second.receiveFrame().text == "x")
        }
        await server.stop()
        #expect(journal.events.contains(.note("made 1")))
        #expect(!journal.events.contains(.note("made 0")))
        #expect(journal.events.count { $0 == .opened } == 1)
    }

    @Test("half a stream is the end of a connection that asks for an upgrade")
    func halfClosed() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest())
            journal.wait(for: .note("asked /"))
            peer.shutDown()
            #expect(try peer.receiveRest().isEmpty)
            #expect(journal.wait(for: .note("cancelled")))
        }
        await server.stop()
    }

    @Test("requests before it leave a connection fit for it")
    func keepAlive() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        gate.open()
        try await offPool {
            let peer = try RawPeer(address)
            for _ in 0..<2 {
                try peer.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try peer.receiveResponse().body == "a page")
            }
            try peer.send(Array(upgradeRequest("/page").utf8) + textFrame("x"))
            #expect(try peer.receiveResponse().status == 101)
            #expect(try peer.receiveFrame().text == "x")
            // And all of it at once.
            let eager = try RawPeer(address)
            let get = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
            try eager.send(Array((get + get + upgradeRequest()).utf8) + textFrame("y"))
            #expect(try eager.receiveResponse().body == "a page")
            #expect(try eager.receiveResponse().body == "a page")
            #expect(try eager.receiveResponse().status == 101)
            #expect(try eager.receiveFrame().text == "y")
        }
        await server.stop()
    }

    @Test("an error is answered and a rejection is what it says")
    func thrown() async throws {
        struct Mishap: Error {}
        let journal = Journal()
        let configuration = Server.Configuration.quiet { configuration in
            configuration.log = { journal.note($0.description) }
        }
        let (server, address) = try startServer(configuration) { server in
            server.webSocket("/mishap") { _ in
                await Task.yield()
                throw Mishap()
            }
            server.webSocket("/rejection") { _ in
                await Task.yield()
                throw Rejection(.unauthorized, body: "who?")
            }
            server.webSocket("/no") { _ in
                await Task.yield()
                return .reject(.forbidden, headers: [("X-Why", "so")], body: "no")
            }
        }
        let responses = try await offPool {
            try ["/mishap", "/rejection", "/no"].map { path in
                let peer = try RawPeer(address)
                try peer.send(upgradeRequest(path))
                let response = try peer.receiveResponse()
                #expect(try peer.receiveRest().isEmpty)
                return response
            }
        }
        #expect(responses.map(\.status) == [500, 401, 403])
        #expect(responses[1].body == "who?" && responses[2]["x-why"] == "so")
        #expect(journal.events == [.note("error: the closure of /mishap failed: Mishap()")])
        await server.stop()
    }

    @Test("the origin is judged before the closure is asked")
    func origin() async throws {
        let journal = Journal()
        let (server, address) = try startServer { server in
            server.webSocket("/") { _ in
                await Task.yield()
                journal.note("asked")
                return .reject(.forbidden)
            }
        }
        let status = try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest(extra: "Origin: https://evil.example\r\n"))
            return try peer.receiveResponse().status
        }
        #expect(status == 403)
        #expect(journal.events.isEmpty)
        await server.stop()
    }

    @Test("a server that stops waits for decisions, but not for long")
    func stop() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(
            journal,
            gate,
            .quiet { $0.shutdownTimeout = .seconds(1) }
        )
        let peer = try await offPool {
            let peer = try RawPeer(address)
            try peer.send(upgradeRequest())
            journal.wait(for: .note("asked /"))
            return UncheckedBox(peer)
        }
        let stopping = Task(executorPreference: ThreadPerJob.shared) { await server.stop() }
        try await offPool {
            let response = try peer.value.receiveResponse()
            #expect(response.status == 503)
            #expect(try peer.value.receiveRest().isEmpty)
            peer.value.close()
        }
        _ = await stopping.value
        #expect(journal.wait(for: .note("cancelled")))
    }

    @Test("hixie-76 is answered after the wait, and its frames are kept")
    func hixie76() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate, .quiet { $0.protocols = .all })
        try await offPool {
            let peer = try RawPeer(address)
            // The example of draft-hixie-76 section 1.2.
            let head =
                "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n"
                + "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n"
            try peer.send(Array((head + "^n:ds[4U").utf8) + [0] + Array("hi".utf8) + [0xFF])
            journal.wait(for: .note("asked /demo"))
            gate.open()
            #expect(try peer.receiveStatus().contains(" 101 "))
            #expect(try peer.receive(exactly: 16) == Array("8jKS'y:G*Co,Wxa-".utf8))
            #expect(try peer.receive(exactly: 4) == [0] + Array("hi".utf8) + [0xFF])
        }
        await server.stop()
    }
}

/// Carries a peer from one thread of a test to the next.
struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
