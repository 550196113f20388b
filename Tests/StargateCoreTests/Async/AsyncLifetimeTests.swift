import Glibc
import Testing

@testable import StargateCore

@Suite("The lifetime of asynchronous handlers", .serialized, .ownThreads)
struct AsyncLifetimeTests {
    @Test("a server that stops cancels its handlers, which may still say goodbye")
    func stop() async throws {
        let journal = Journal()
        let server = try AsyncTestServer(.quiet { $0.shutdownTimeout = .seconds(5) }) { socket in
            do {
                for try await _ in socket.messages {}
            } catch is CancellationError {
                journal.note("cancelled")
                try await socket.send("goodbye")
            }
        }
        let peer = try RawPeer.open(server.address)
        #expect(await server.activeHandlerCount() == 1)
        async let stopped = server.server.stop()
        #expect(try peer.receiveFrame().text == "goodbye")
        #expect(try peer.receiveFrame().closeCode == 1001)
        try peer.send(closeFrame(1001))
        #expect(try peer.receiveRest().isEmpty)
        peer.close()
        _ = await stopped
        #expect(journal.events == [.note("cancelled")])
        #expect(server.log.events.isEmpty)
    }

    @Test("a handler that sleeps is cancelled when the server stops")
    func stopWhileAsleep() async throws {
        let journal = Journal()
        let server = try AsyncTestServer(.quiet { $0.shutdownTimeout = .seconds(5) }) { socket in
            do {
                try await Task.sleep(for: .seconds(1000))
            } catch {
                journal.note("woken")
                throw error
            }
        }
        let peer = try RawPeer.open(server.address)
        async let stopped = server.server.stop()
        #expect(try peer.receiveFrame().closeCode == 1001)
        try peer.send(closeFrame(1001))
        peer.close()
        _ = await stopped
        #expect(journal.events == [.note("woken")])
        #expect(server.log.events.isEmpty)
    }

    @Test("a handler that ignores its end does not keep the server, and ends without a loop")
    func stubborn() async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            let id = socket.id
            await withCheckedContinuation { continuation in
                onThread {
                    journal.wait(for: .note("stopped"))
                    continuation.resume()
                }
            }
            journal.note("\(socket.isOpen) \(id != nil)")
            do {
                for try await _ in socket.messages {}
            } catch {
                journal.note("\(type(of: error))")
            }
            do {
                try await socket.send("nobody hears this")
            } catch {
                journal.note("\(type(of: error))")
            }
            journal.note("done")
        }
        let peer = try RawPeer.open(server.address)
        await server.server.stop()
        journal.note("stopped")
        #expect(journal.wait(for: .note("done")))
        #expect(journal.events.dropFirst().first == .note("false true"))
        #expect(
            journal.events.suffix(3).dropLast() == [
                .note("CancellationError"), .note("WebSocketClosed"),
            ]
        )
        peer.close()
    }

    @Test("a handler that is left without a loop may still call what runs anywhere")
    func leftAlone() async throws {
        @concurrent @Sendable
        func elsewhere(_ journal: Journal) async { journal.note("elsewhere") }
        let journal = Journal()
        let server = try AsyncTestServer { _ in
            await withCheckedContinuation { continuation in
                onThread {
                    journal.wait(for: .note("stopped"))
                    continuation.resume()
                }
            }
            for _ in 0..<3 { await elsewhere(journal) }
            journal.note("done")
        }
        let peer = try RawPeer.open(server.address)
        await server.server.stop()
        journal.note("stopped")
        #expect(journal.wait(for: .note("done")))
        #expect(journal.events.count { $0 == .note("elsewhere") } == 3)
        peer.close()
    }

    @Test("a handler that is busy elsewhere is cancelled when its peer vanishes")
    func vanished() async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            do {
                try await Task.sleep(for: .seconds(1000))
            } catch {
                journal.note("cancelled \(socket.isOpen)")
            }
        }
        let peer = try RawPeer.open(server.address)
        peer.reset()
        #expect(journal.wait(for: .note("cancelled false")))
        #expect(await server.handlersEnded())
        await server.server.stop()
    }

    @Test("after a goodbye a handler has some time for what it received, and no more")
    func survival() async throws {
        let journal = Journal()
        let server = try AsyncTestServer(.quiet { $0.closeTimeout = .milliseconds(300) }) {
            socket in
            for try await _ in socket.messages {
                try await Task.sleep(for: .milliseconds(20))
                journal.note("used")
                do {
                    try await Task.sleep(for: .seconds(1000))
                } catch {
                    journal.note("cancelled")
                }
            }
            journal.note("end")
        }
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("work") + closeFrame(1000))
        #expect(journal.wait(for: .note("end")))
        #expect(journal.events == [.note("used"), .note("cancelled"), .note("end")])
        #expect(await server.handlersEnded())
        await server.server.stop()
    }

    @Test("many connections, each with its own handler; none is left")
    func many() async throws {
        let server = try AsyncTestServer { socket in
            var count = 0
            for try await message in socket.messages {
                count += 1
                try await socket.send(message)
                if count == 3 { return }
            }
        }
        var peers: [RawPeer] = []
        for _ in 0..<200 { peers.append(try RawPeer.open(server.address)) }
        #expect(await server.activeHandlerCount() == 200)
        for round in 0..<2 {
            for (index, peer) in peers.enumerated() {
                try peer.send(textFrame("\(index) \(round)"))
            }
            for (index, peer) in peers.enumerated() {
                #expect(try peer.receiveFrame().text == "\(index) \(round)")
            }
        }
        // A third ends by return, a third by goodbye, a third by reset.
        for (index, peer) in peers.enumerated() {
            switch index % 3 {
            case 0: try peer.send(textFrame("third"))
            case 1: try peer.send(closeFrame(1000))
            default: peer.reset()
            }
        }
        #expect(await server.handlersEnded())
        for (index, peer) in peers.enumerated() where index % 3 == 0 {
            #expect(try peer.receiveFrame().text == "third")
            #expect(try peer.receiveFrame().closeCode == 1000)
            peer.close()
        }
        await server.server.stop()
        #expect(server.log.events.isEmpty)
    }

    @Test("an idle handler costs the loop no job")
    func idle() async throws {
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
        let idle = try RawPeer.open(server.address)
        let busy = try RawPeer.open(server.address)
        try idle.send(textFrame("once"))
        _ = try idle.receiveFrame()
        let before = await server.server.counters()
        for _ in 0..<50 {
            try busy.send(textFrame("hello"))
            _ = try busy.receiveFrame()
        }
        let after = await server.server.counters()
        #expect(after.jobsRun - before.jobsRun == 50)
        idle.close()
        busy.close()
        await server.server.stop()
    }

    @Test("a task that yields for ever does not stop the others")
    func yielding() async throws {
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages {
                if message == .text("spin") {
                    while !Task.isCancelled { await Task.yield() }
                }
                try await socket.send(message)
            }
        }
        let spinner = try RawPeer.open(server.address)
        try spinner.send(textFrame("spin"))
        let other = try RawPeer.open(server.address)
        for _ in 0..<10 {
            try other.send(textFrame("hello"))
            #expect(try other.receiveFrame().text == "hello")
        }
        // A reset is noticed, and ends the spinning.
        spinner.reset()
        other.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
    }
}
