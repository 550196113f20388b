import Glibc
import Synchronization
import Testing

@testable import StargateCore

@Suite("The end of a server", .ownThreads)
struct DrainTests {
    /// Begins to stop a server, and returns when that has reached its loops.
    private static func beginStopping(_ server: Server) async {
        let mailboxes = server.mailboxes
        server.beginStopping(cutsWhenDraining: false)
        for mailbox in mailboxes {
            await withCheckedContinuation { continuation in
                if !mailbox.post({ _ in continuation.resume() }) { continuation.resume() }
            }
        }
    }

    @Test("THREATS 107: what was taken for sending leaves before the Close frame")
    func flushed() async throws {
        let size = 600 << 10
        let script = Script(received: { _, socket in
            socket.send(String(repeating: "x", count: size))
            return false
        })
        let server = try TestServer(.quiet { $0.shutdownTimeout = .seconds(20) }, script: script)
        let peer = try RawPeer.open(server.address, receiveBuffer: 4096)
        try peer.send(textFrame("go"))
        server.journal.wait(for: .text("go"))
        await Self.beginStopping(server.server)
        #expect(try peer.receiveFrame().payload.count == size)
        #expect(try peer.receiveFrame().closeCode == 1001)
        try peer.send(closeFrame(1001))
        #expect(try peer.receiveRest().isEmpty)
        peer.close()
        let report = await server.server.stop()
        #expect((report.closedCount, report.lostCount, report.cutCount) == (1, 0, 0))
    }

    @Test("THREATS 107: another code and reason, and a report that adds up", arguments: [1, 2])
    func report(loopCount: Int) async throws {
        let reports = Lock<[DrainReport]>([])
        let server = try TestServer(
            .quiet {
                $0.loopCount = loopCount
                $0.shutdownTimeout = .seconds(2)
                $0.drain.closeCode = .serviceRestart
                $0.drain.closeReason = "back soon"
                $0.drain.progress = { report in reports.withLock { $0.append(report) } }
            }
        )
        let polite = try RawPeer.open(server.address)
        let rude = try RawPeer.open(server.address)
        let deaf = try RawPeer.open(server.address)
        let leaving = try RawPeer.open(server.address)
        await Self.beginStopping(server.server)
        for peer in [polite, rude, deaf, leaving] {
            let last = try peer.receiveFrame()
            #expect(last.closeCode == 1012)
            #expect(String(decoding: last.payload.dropFirst(2), as: UTF8.self) == "back soon")
        }
        try polite.send(closeFrame(1012))
        polite.shutDown()
        rude.reset()
        leaving.close()
        let report = await server.server.stop()
        #expect((report.closedCount, report.lostCount, report.cutCount) == (2, 1, 1))
        #expect(report.remainingCount == 0)
        #expect(reports.withLock { $0.last } == report)
        deaf.close()
    }

    @Test("THREATS 108: a second signal cuts who is left, and the report says how many")
    func secondSignal() async throws {
        let server = try TestServer(
            .quiet {
                $0.shutdownTimeout = .seconds(3600)
                $0.closeTimeout = .seconds(3600)
            }
        )
        let peers = try (0..<5).map { _ in try RawPeer.open(server.address) }
        await Self.beginStopping(server.server)
        for peer in peers { #expect(try peer.receiveFrame().closeCode == 1001) }
        server.server.beginStopping(cutsWhenDraining: true)
        for peer in peers { #expect(try peer.receiveRest().isEmpty) }
        let report = await server.server.stop()
        #expect((report.closedCount, report.cutCount) == (0, 5))
        #expect(server.journal.closings.count == 5)
    }

    @Test("THREATS 111: an asynchronous handler is cancelled, has time, and its peer gets the code")
    func asynchronous() async throws {
        let server = try AsyncTestServer(
            .quiet {
                $0.shutdownTimeout = .seconds(10)
                $0.drain.closeCode = .serviceRestart
            }
        ) { socket in
            do {
                for try await _ in socket.messages {}
            } catch is CancellationError {
                try await socket.send("last words")
            }
        }
        let peer = try RawPeer.open(server.address)
        await Self.beginStopping(server.server)
        #expect(try peer.receiveFrame().text == "last words")
        #expect(try peer.receiveFrame().closeCode == 1012)
        try peer.send(closeFrame(1012))
        #expect(try peer.receiveRest().isEmpty)
        peer.close()
        #expect(await server.server.stop().closedCount == 1)
    }

    @Test("THREATS 111: a handler that does not end has its peer told by the server")
    func neverReturns() async throws {
        let gate = Gate()
        let server = try AsyncTestServer(.quiet { $0.shutdownTimeout = .seconds(2) }) { _ in
            await Task.detached { try? await gate.wait() }.value
        }
        let peer = try RawPeer.open(server.address)
        await Self.beginStopping(server.server)
        #expect(try peer.receiveFrame().closeCode == 1001)
        try peer.send(closeFrame(1001))
        #expect(try peer.receiveRest().isEmpty)
        peer.close()
        gate.open()
        #expect(await server.server.stop().closedCount == 1)
    }

    @Test("one that was accepted before the end is served, and told, however late it asks")
    func lateRequest() async throws {
        let server = try TestServer(.quiet { $0.shutdownTimeout = .seconds(20) })
        let late = try RawPeer(server.address)
        let half = try RawPeer(server.address)
        let request = Array(upgradeRequest().utf8)
        try half.send(Array(request[..<20]))
        while await server.server.counters().connectionsAccepted < 2 {}
        await Self.beginStopping(server.server)
        try half.send(Array(request[20...]))
        try late.send(request)
        for peer in [half, late] {
            #expect(try peer.receiveStatus().contains(" 101 "))
            #expect(try peer.receiveFrame().closeCode == 1001)
            try peer.send(closeFrame(1001))
            #expect(try peer.receiveRest().isEmpty)
            peer.close()
        }
        #expect(await server.server.stop().closedCount == 2)
    }

    @Test("those who wait in the kernel's queue are accepted before the socket is closed")
    func queue() async throws {
        let server = try TestServer(.quiet { $0.shutdownTimeout = .seconds(20) })
        let gate = Semaphore()
        server.server.mailboxes.first?.post { _ in gate.wait() }
        let peers = try (0..<100).map { _ in try RawPeer(server.address) }
        for peer in peers { try peer.send(upgradeRequest()) }
        server.server.beginStopping(cutsWhenDraining: false)
        gate.signal()
        for peer in peers {
            #expect(try peer.receiveStatus().contains(" 101 "))
            #expect(try peer.receiveFrame().closeCode == 1001)
            try peer.send(closeFrame(1001))
            peer.shutDown()
        }
        let report = await server.server.stop()
        #expect(report.closedCount == 100)
        for peer in peers { peer.close() }
    }

    @Test("while balancers look elsewhere the server is not ready, and serves as before")
    func delay() async throws {
        let server = try TestServer(.quiet { $0.drain.delay = .seconds(3600) })
        #expect(server.server.isReady)
        await Self.beginStopping(server.server)
        #expect(!server.server.isReady)
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("still here"))
        #expect(try peer.receiveFrame().text == "still here")
        server.server.beginStopping(cutsWhenDraining: true)
        #expect(try peer.receiveFrame().closeCode == 1001)
        #expect(try peer.receiveRest().isEmpty)
        #expect(await server.server.stop().cutCount == 1)
    }

    // MARK: The pace

    @Test(
        "the window is as long as the goodbyes need, and no longer than allowed",
        arguments: [
            (0, 1, 0), (1, 1, 0), (20, 1, 8), (10_000, 1, 4000), (1_000_000, 1, 4000),
            (5000, 2, 4000), (2500, 2, 2000),
        ] as [(Int, Int, UInt64)]
    )
    func window(count: Int, loops: Int, expected: UInt64) {
        let id = ConnectionID(loop: 0, slot: 0, generation: 0)
        let drain = LoopDrain(
            Array(repeating: id, count: count),
            Server.Configuration(),
            loops: loops,
            now: 5
        )
        #expect(drain.window == expected)
        #expect(drain.idleGrace >= drain.window && drain.patience >= drain.idleGrace)
        #expect(drain.waitingCount(after: drain.window) == 0)
        #expect(drain.waitingCount(after: .max) == 0)
        var before = count
        for elapsed in stride(from: 0, through: drain.window, by: 20) {
            let waiting = drain.waitingCount(after: elapsed)
            #expect(waiting >= 0 && waiting <= before)
            before = waiting
        }
    }

    @Test("a short time to stop makes a short window, and odd numbers make none that overflows")
    func oddPolicies() {
        let id = ConnectionID(loop: 0, slot: 0, generation: 0)
        var configuration = Server.Configuration()
        configuration.shutdownTimeout = .milliseconds(100)
        configuration.drain.goodbyesPerSecond = 0
        let short = LoopDrain([id], configuration, loops: 1, now: 0)
        #expect(short.window == 50)
        configuration.shutdownTimeout = .seconds(Int64.max)
        configuration.drain.window = .seconds(Int64.max)
        configuration.drain.goodbyesPerSecond = -1
        let long = LoopDrain([id, id], configuration, loops: 0, now: 0)
        #expect(long.window == 2000)
        #expect(long.waitingCount(after: 1000) == 1)
    }
}
