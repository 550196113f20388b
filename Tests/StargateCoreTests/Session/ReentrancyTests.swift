import Testing

@testable import StargateCore

@Suite("Handlers that act from within their own calls", .ownThreads)
struct ReentrancyTests {
    /// What a handler does to its own connection.
    enum Act: CaseIterable, CustomTestStringConvertible {
        case close, closeTwice, terminate, closeThenTerminate, sendThenClose, closeThenSend
        case subscribe, subscribeThenClose, publish, pauseThenClose, pauseThenResume, ping

        var testDescription: String { "\(self)" }

        func perform(on socket: WebSocket) {
            let topic: Topic = "reentrancy"
            switch self {
            case .close: socket.close()
            case .closeTwice:
                socket.close(.goingAway)
                socket.close()
            case .terminate: socket.terminate()
            case .closeThenTerminate:
                socket.close()
                socket.terminate()
            case .sendThenClose:
                socket.send("last")
                socket.close()
            case .closeThenSend:
                socket.close()
                #expect(socket.send("too late") == .dropped)
            case .subscribe: socket.subscribe(to: topic)
            case .subscribeThenClose:
                socket.subscribe(to: topic)
                socket.close()
                socket.subscribe(to: "another")
            case .publish:
                socket.subscribe(to: topic)
                socket.publish("x", to: topic)
            case .pauseThenClose:
                socket.pause()
                socket.close()
            case .pauseThenResume:
                socket.pause()
                socket.resume()
            case .ping: socket.ping()
            }
        }
    }

    enum Callback: CaseIterable {
        case opened, received, closed
    }

    @Test(
        "THREATS 112: whatever it does, and in which call: it hears of its end once",
        arguments: Act.allCases,
        Callback.allCases
    )
    func acts(act: Act, callback: Callback) async throws {
        let server = try TestServer(
            .quiet { $0.closeTimeout = .milliseconds(200) },
            script: Script(
                opened: { if callback == .opened { act.perform(on: $0) } },
                received: { _, socket in
                    if callback == .received { act.perform(on: socket) }
                    return true
                },
                closed: { if callback == .closed { act.perform(on: $0) } }
            )
        )
        let (other, peer) = (try RawPeer(server.address), try RawPeer(server.address))
        for one in [other, peer] { try one.send(upgradeRequest()) }
        // More in one read than the handler may live to see.
        try? peer.send(textFrame("a") + textFrame("b") + textFrame("c") + closeFrame(1000))
        _ = try? peer.receiveRest()
        peer.close()
        #expect(server.journal.wait { $0.count(where: \.isClosed) >= 1 })
        // Others do not notice.
        try? other.send(textFrame("x"))
        other.shutDown()
        _ = try? other.receiveRest()
        other.close()
        #expect(server.journal.wait { $0.count(where: \.isClosed) >= 2 })
        #expect(await server.server.subscriberCount(of: "reentrancy") == 0)
        await server.stop()
        #expect(server.journal.closings.count == 2)
    }

    @Test("THREATS 113: a handle that was kept does nothing when the connection is over")
    func keptHandle() async throws {
        let kept = UncheckedCell<WebSocket>()
        let server = try TestServer(script: Script(opened: { kept.value = $0 }))
        let peer = try RawPeer.open(server.address)
        try peer.send(closeFrame(1000))
        _ = try peer.receiveRest()
        peer.close()
        _ = server.journal.waitForClosed()
        // The next connection has the same block.
        let next = try RawPeer.open(server.address)
        let script = kept
        let results = await server.inspect { _ -> [Bool] in
            guard let socket = script.first else { return [] }
            for act in Act.allCases where act != .closeThenSend { act.perform(on: socket) }
            return [
                socket.isOpen, socket.send("x") != .dropped, socket.eventLoop != nil,
                socket.remoteAddress != nil, socket.bufferedAmount != 0,
            ]
        }
        #expect(results.first == [false, false, false, false, false])
        try next.send(textFrame("still mine"))
        #expect(try next.receiveFrame().text == "still mine")
        await server.stop()
    }

    @Test("THREATS 113: a task that is cancelled while it sends hears of it, and its peer too")
    func cancelledMidSend() async throws {
        let log = Journal()
        let server = try AsyncTestServer(.quiet { $0.shutdownTimeout = .seconds(2) }) { socket in
            do {
                while true { try await socket.send(String(repeating: "x", count: 100_000)) }
            } catch {
                log.note("\(type(of: error))")
                throw error
            }
        }
        let peer = try RawPeer.open(server.address, receiveBuffer: 4096)
        #expect(try peer.receiveFrame().payload.count == 100_000)
        server.server.beginStopping(cutsWhenDraining: false)
        var last: RawFrame?
        while let frame = try? peer.receiveFrame() { last = frame }
        #expect(last?.closeCode == 1001)
        // One of the two errors that sending is documented to throw, and no trap.
        #expect(log.wait { !$0.isEmpty })
        #expect(
            ["CancellationError", "WebSocketClosed"].contains { log.events.contains(.note($0)) }
        )
        peer.close()
        await server.server.stop()
    }
}

/// Carries a handle from a loop back to it.
final class UncheckedCell<Value>: @unchecked Sendable {
    /// The last one.
    var value: Value? {
        didSet { first = first ?? value }
    }
    private(set) var first: Value?
}
