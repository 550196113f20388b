import Glibc
import Testing

@testable import StargateCore

@Suite("A server's start and stop", .serialized)
struct StopTests {
    @Test("stopping says 1001 to everybody, and returns when all have answered", arguments: [1, 3])
    func goingAway(loopCount: Int) async throws {
        let server = try TestServer(
            .quiet {
                $0.loopCount = loopCount
                $0.shutdownTimeout = .seconds(10)
            }
        )
        let peers = try (0..<20).map { _ in try RawPeer.open(server.address) }
        let idle = try keptAlive(server.address)
        // Not as a task: the peers below block its threads.
        server.server.beginStopping(cutsWhenDraining: false)
        for peer in peers {
            let last = try peer.receiveFrame()
            #expect(last.closeCode == 1001)
            try peer.send(closeFrame(1001))
            #expect(try peer.receiveRest().isEmpty)
            peer.close()
        }
        #expect(try idle.receiveRest().isEmpty)
        idle.close()
        await server.server.stop()
        #expect(server.server.addresses.isEmpty && server.server.mailboxes.isEmpty)
        #expect(throws: RawPeerError.self) { try RawPeer(server.address) }
        #expect(server.journal.closings.count == 20)
        #expect(server.journal.closings.allSatisfy { $0 == .closed(1001, "") })
    }

    /// A connection that has had an answer and asks for nothing. One that has never said a word is
    /// the kernel's for a second, and hears of the end when it speaks.
    private func keptAlive(_ address: SocketAddress) throws -> RawPeer {
        let peer = try RawPeer(address)
        try peer.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try peer.receive(through: "\r\n\r\n")
        let length = try #require(
            head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
        )
        _ = try peer.receive(exactly: #require(Int(length.dropFirst(16))))
        return peer
    }

    @Test("those who do not answer are cut at the deadline")
    func deadline() async throws {
        let server = try TestServer(.quiet { $0.shutdownTimeout = .milliseconds(50) })
        let peer = try RawPeer.open(server.address)
        await server.stop()
        #expect(try peer.receiveFrame().closeCode == 1001)
        #expect(try peer.receiveRest().isEmpty)
        #expect(server.journal.events.count == 2)
    }

    @Test("a server that is stopped while another thread starts it ends", arguments: [1, 4])
    func stopDuringStart(loopCount: Int) async throws {
        for round in 0..<100 {
            let server = Server(configuration: .quiet { $0.loopCount = loopCount })
            server.get("/") { _ in .text("here") }
            let journal = Journal()
            onThread {
                // As soon as there is something to stop.
                while server.mailboxes.isEmpty, journal.events.isEmpty {}
                server.beginStopping(cutsWhenDraining: false)
            }
            try server.start()
            onThread {
                _ = try? server.runBlocking()
                journal.note("ended")
            }
            guard journal.wait(for: .note("ended")) else {
                Issue.record("the server of round \(round) does not end")
                return
            }
        }
    }

    @Test("stopping again, or before the start, does nothing")
    func again() async throws {
        let idle = Server(configuration: .quiet)
        await idle.stop()
        #expect(idle.addresses.isEmpty)
        let server = try TestServer()
        await server.stop()
        await server.stop()
        #expect(throws: ServerError.self) { try server.server.start() }
        #expect(await server.server.counters().connectionsActive == 0)
    }

    @Test(
        "run returns when the server is stopped, or its task is cancelled",
        arguments: [true, false]
    )
    func run(isCancelled: Bool) async throws {
        let server = Server(configuration: .quiet)
        let running = Task { try await server.run() }
        while server.addresses.isEmpty { await Task.yield() }
        let peer = try keptAlive(#require(server.addresses.first))
        if isCancelled { running.cancel() } else { await server.stop() }
        _ = try await running.value
        #expect(try peer.receiveRest().isEmpty)
    }

    @Test("a handler that schedules a timer in its last call does not keep the loop from ending")
    func timerInClosed() async throws {
        let script = Script(closed: { socket in
            socket.eventLoop?.schedule(every: .milliseconds(10)) { _ in }
        })
        let server = try TestServer(
            .quiet { $0.shutdownTimeout = .milliseconds(10) },
            script: script
        )
        let peer = try RawPeer.open(server.address)
        // Not Server.stop: that waits for the connections first, and the timer begins before.
        let group = try LoopGroup(count: 1)
        let port = server.address.port
        let client = WebSocketClient(loops: group)
        try await client.connect(ClientRequest(url: "ws://127.0.0.1:\(port)/")) {
            ScriptedHandler(Journal(), script)
        }
        await group.stop()
        peer.close()
        await server.stop()
        #expect(server.journal.closings.count == 2)
    }

    // MARK: Starting

    @Test("a port in use is told apart", arguments: [1, 2])
    func portInUse(loopCount: Int) async throws {
        let first = try TestServer(.quiet { $0.loopCount = loopCount })
        let second = Server(
            configuration: .quiet {
                $0.port = first.address.port
                $0.loopCount = loopCount
            }
        )
        let error = #expect(throws: ServerError.self) { try second.start() }
        #expect(error?.kind == .addressInUse)
        #expect(error?.description.contains("\(first.address.port)") == true)
        await second.stop()
        await first.stop()
    }

    @Test("a port that was in use is free again", arguments: [1, 2])
    func portFreed(loopCount: Int) async throws {
        // Another test may be given the port meanwhile, but not every time.
        for attempt in 1...5 {
            let first = try TestServer(.quiet { $0.loopCount = loopCount })
            let peer = try RawPeer.open(first.address)
            let port = first.address.port
            // Connections that are not quite over yet do not keep it.
            await first.stop()
            peer.close()
            let second = Server(
                configuration: .quiet {
                    $0.port = port
                    $0.loopCount = loopCount
                }
            )
            do {
                try second.start()
                await second.stop()
                return
            } catch {
                guard error.kind == .addressInUse, attempt < 5 else { throw error }
            }
        }
    }

    @Test(
        "addresses that cannot be",
        arguments: ["256.1.1.1", "no.such.host.invalid", "192.0.2.1", ""]
    )
    func badAddress(host: String) {
        let server = Server(configuration: .quiet { $0.host = host })
        let error = #expect(throws: ServerError.self) { try server.start() }
        #expect(error?.kind == .badAddress)
    }

    @Test("ports that cannot be", arguments: [-1, 65536])
    func badPort(port: Int) {
        let server = Server(configuration: .quiet { $0.port = port })
        let error = #expect(throws: ServerError.self) { try server.start() }
        #expect(error?.kind == .badAddress)
    }

    @Test("a port that only root may listen on", .enabled(if: geteuid() != 0 && isPort1Protected))
    func permission() {
        let server = Server(configuration: .quiet { $0.port = 1 })
        let error = #expect(throws: ServerError.self) { try server.start() }
        #expect(error?.kind == .permissionDenied)
    }

    @Test("a route given twice is reported by start")
    func duplicateRoute() {
        let server = Server(configuration: .quiet)
        server.get("/a") { _ in .text("1") }
        server.get("/a") { _ in .text("2") }
        let error = #expect(throws: ServerError.self) { try server.start() }
        #expect(error?.kind == .badRoute)
    }

    @Test("other addresses to listen on", arguments: ["127.0.0.1", "::1", "localhost", "0.0.0.0"])
    func hosts(host: String) async throws {
        let server = try TestServer(.quiet { $0.host = host })
        #expect(server.address.port > 0)
        let target = SocketAddress(host: "127.0.0.1", port: server.address.port)
        let peer = try RawPeer.open(host == "0.0.0.0" ? #require(target) : server.address)
        try peer.send(textFrame("x"))
        #expect(try peer.receiveFrame().text == "x")
        await server.stop()
    }

    @Test(
        "a path in the file system, shared by the loops, is gone after the stop",
        arguments: [1, 3]
    )
    func unixSocket(loopCount: Int) async throws {
        let path = "/tmp/stargate-\(getpid())-\(loopCount).sock"
        let configuration = Server.Configuration.quiet {
            $0.unixSocketPath = path
            $0.loopCount = loopCount
        }
        for _ in 0..<2 {
            let server = try TestServer(configuration)
            for _ in 0..<10 {
                let peer = try RawPeer.open(server.address)
                try peer.send(textFrame("x"))
                #expect(try peer.receiveFrame().text == "x")
            }
            // While it lives, nobody else takes it.
            let other = Server(configuration: configuration)
            let error = #expect(throws: ServerError.self) { try other.start() }
            #expect(error?.kind == .addressInUse)
            await server.stop()
            #expect(access(path, F_OK) != 0)
        }
    }

    /// Whether the kernel keeps low ports for root.
    private static var isPort1Protected: Bool {
        guard let address = SocketAddress(host: "127.0.0.1", port: 1) else { return false }
        let descriptor = address.makeStreamSocket()
        defer { close(descriptor) }
        return address.withSockaddr { bind(descriptor, $0, $1) } != 0 && errno == EACCES
    }
}
