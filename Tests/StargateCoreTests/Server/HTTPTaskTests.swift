import Testing

@testable import StargateCore

@Suite("Plain HTTP that is answered in a task, over a socket", .serialized)
struct HTTPTaskTests {
    /// A server with a closure that waits at a gate, and one that does not.
    private func gatedServer(
        _ journal: Journal,
        _ gate: Gate,
        _ configuration: Server.Configuration = .quiet
    ) throws -> (server: Server, address: SocketAddress) {
        try startServer(configuration) { server in
            server.post("/slow/:id") { request in
                journal.note("asked \(request.parameters["id"] ?? "-")")
                do {
                    try await gate.wait()
                } catch {
                    journal.note("cancelled")
                    throw error
                }
                return .text("slow \(request.text ?? "-")")
            }
            server.get("/fast/:id") { request in
                journal.note("fast")
                return .text("fast \(request.parameters["id"] ?? "-")")
            }
        }
    }

    private static func post(_ id: Int, _ body: String = "body") -> String {
        "POST /slow/\(id) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func get(_ id: Int) -> String {
        "GET /fast/\(id) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    @Test("requests that are sent ahead are answered in order, one at a time")
    func pipelined() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        try await offPool {
            let peer = try RawPeer(address)
            try peer.send(Self.post(1) + Self.get(2) + Self.post(3) + String(Self.get(4).prefix(9)))
            journal.wait(for: .note("asked 1"))
            try peer.send(String(Self.get(4).dropFirst(9)))
            #expect(journal.events == [.note("asked 1")])
            gate.open()
            let bodies = try (0..<4).map { _ in try peer.receiveResponse().body }
            #expect(bodies == ["slow body", "fast 2", "slow body", "fast 4"])
        }
        await server.stop()
        let notes = ["asked 1", "fast", "asked 3", "fast"].map(HandlerEvent.note)
        #expect(journal.events == notes)
    }

    @Test("a client that half-closes still gets its answers")
    func halfClosed() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(journal, gate)
        try await offPool {
            for ahead in ["", Self.get(2)] {
                let peer = try RawPeer(address)
                try peer.send(Self.post(1) + ahead)
                peer.shutDown()
                journal.wait(for: .note("asked 1"))
                gate.open()
                #expect(try peer.receiveResponse().body == "slow body")
                if !ahead.isEmpty { #expect(try peer.receiveResponse().body == "fast 2") }
                #expect(try peer.receiveRest().isEmpty)
            }
        }
        await server.stop()
    }

    @Test("an answer that takes too long is 503, and its task is cancelled")
    func tooLate() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(
            journal,
            gate,
            .quiet { $0.responseTimeout = .milliseconds(50) }
        )
        try await offPool {
            let peer = try RawPeer(address)
            try peer.send(Self.post(1) + Self.get(2))
            let response = try peer.receiveResponse()
            #expect(response.status == 503 && response["connection"] == "close")
            #expect(try peer.receiveRest().isEmpty)
            #expect(journal.wait(for: .note("cancelled")))
        }
        await server.stop()
        #expect(!journal.events.contains(.note("fast")))
    }

    @Test("what a closure throws is answered, and ends the connection")
    func thrown() async throws {
        struct Mishap: Error {}
        let journal = Journal()
        let configuration = Server.Configuration.quiet { configuration in
            configuration.log = { journal.note($0.description) }
        }
        let (server, address) = try startServer(configuration) { server in
            server.get("/now") { _ throws in throw Mishap() }
            server.get("/soon") { _ in
                await Task.yield()
                throw Rejection(.conflict, body: "no")
            }
        }
        let responses = try await offPool {
            try ["/now", "/soon"].map { path in
                let peer = try RawPeer(address)
                try peer.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let response = try peer.receiveResponse()
                #expect(try peer.receiveRest().isEmpty)
                return response
            }
        }
        #expect(responses.map(\.status) == [500, 409] && responses[1].body == "no")
        #expect(journal.events == [.note("error: the closure of /now failed: Mishap()")])
        await server.stop()
    }

    @Test("a server that stops waits for answers, which are the last")
    func stop() async throws {
        let (journal, gate) = (Journal(), Gate())
        let (server, address) = try gatedServer(
            journal,
            gate,
            .quiet { $0.shutdownTimeout = .seconds(10) }
        )
        let peer = try await offPool {
            let peer = try RawPeer(address)
            try peer.send(Self.post(1))
            journal.wait(for: .note("asked 1"))
            return UncheckedBox(peer)
        }
        let stopping = Task(executorPreference: ThreadPerJob.shared) { await server.stop() }
        while !server.addresses.isEmpty { await Task.yield() }
        try await offPool {
            // The loop has begun to stop when it refuses others.
            while (try? RawPeer(address)) != nil {}
            gate.open()
            let response = try peer.value.receiveResponse()
            #expect(response.body == "slow body" && response["connection"] == "close")
            #expect(try peer.value.receiveRest().isEmpty)
            peer.value.close()
        }
        _ = await stopping.value
    }

    @Test("a HEAD to an asynchronous closure has no body")
    func head() async throws {
        let (server, address) = try startServer { server in
            server.get("/") { _ in
                await Task.yield()
                return .text("body")
            }
        }
        try await offPool {
            let peer = try RawPeer(address)
            for _ in 0..<2 {
                try peer.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
                let response = try peer.receiveResponse(hasBody: false)
                #expect(response.status == 200 && response["content-length"] == "4")
            }
        }
        await server.stop()
    }
}
