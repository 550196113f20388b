import StargateCore
import StargateTesting
import Testing

private final class Echo: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) { socket.send(message) }
}

private final class Flood: WebSocketHandler {
    var results: [SendResult] = []
    func received(_ message: Message, on socket: WebSocket) {
        for _ in 0..<100 { results.append(socket.send(String(repeating: "x", count: 10_000))) }
    }
}

private final class Subscriber: WebSocketHandler {
    func opened(_ socket: WebSocket) { socket.subscribe(to: "news") }
    func received(_ message: Message, on socket: WebSocket) { socket.publish(message, to: "news") }
}

@Suite("Scripted peers")
struct ScriptedPeerTests {
    private func echo(
        _ change: (inout Server.Configuration) -> Void = { _ in }
    ) throws -> TestServer {
        var configuration = Server.Configuration()
        change(&configuration)
        return try TestServer(configuration: configuration) { server in
            server.webSocket("/echo") { _ in .accept(subprotocol: "b") { Echo() } }
            server.webSocket("/flood") { _ in .accept { Flood() } }
            server.webSocket("/news") { _ in .accept { Subscriber() } }
            server.post("/news") { [unowned server] request in
                server.publish(String(decoding: request.body, as: UTF8.self), to: "news")
                return .text("published")
            }
            server.webSocket("/slow") { _ async throws in
                try await Task.sleep(for: .milliseconds(5))
                return .accept { Echo() }
            }
        }
    }

    @Test("a silent peer is pinged at its time, and stays if it answers")
    func keepAlive() throws {
        let app = try echo()
        let peer = try app.connect("/echo", subprotocols: ["a", "b"])
        #expect(peer.subprotocol == "b")
        app.advance(by: .seconds(19))
        #expect(throws: TestFailure.self) { try peer.receivePing() }
        app.advance(by: .seconds(5))
        try peer.receivePing()
        app.advance(by: .seconds(3600))
        #expect(!peer.isEnded)
        #expect(app.elapsedTime == .seconds(3624))
        peer.answersByItself = false
        app.advance(by: .seconds(60))
        #expect(peer.isEnded)
    }

    @Test("after a long sleep of the process the peers are asked before they are judged")
    func suspends() throws {
        let app = try echo()
        let peer = try app.connect("/echo")
        app.suspend(for: .seconds(600))
        peer.send("still here")
        #expect(try peer.receive() == .text("still here"))
    }

    @Test("a peer that does not read fills the queue, is told of no drop, and is cut in time")
    func backpressure() throws {
        let app = try echo { $0.slowConsumerPolicy = .dropNewest }
        let peer = try app.connect("/flood")
        peer.stopReading(afterBuffering: 50_000)
        peer.send("go")
        #expect(app.counters.messagesDropped == 0)
        peer.send("again")
        app.settle()
        #expect(!peer.isEnded)
        peer.resumeReading()
        #expect(try peer.receiveAll().count >= 100)
        peer.stopReading(afterBuffering: 50_000)
        peer.send("go")
        app.advance(by: .seconds(30))
        #expect(app.counters.connectionsActive == 0)
    }

    @Test(
        "violations end in their codes",
        arguments: [
            (TestFrame(.text, [1], isMasked: false), CloseCode.protocolError),
            (TestFrame(.text, [0xFF]), .invalidPayload),
            (TestFrame(.binary, [UInt8](repeating: 0, count: 2 << 20)), .messageTooBig),
        ]
    )
    func violations(frame: TestFrame, code: CloseCode) throws {
        let app = try echo()
        let peer = try app.connect("/echo")
        peer.send(frame)
        #expect(peer.receivedClose?.code == code)
        #expect(peer.isEnded)
        #expect(app.counters.connectionsActive == 0)
    }

    @Test("what a POST publishes is heard on every loop", arguments: [1, 3])
    func publishes(loopCount: Int) throws {
        let app = try echo { $0.loopCount = loopCount }
        let peers = try (0..<6).map { _ in try app.connect("/news") }
        let response = try app.request("POST", "/news", body: Array("extra".utf8))
        #expect(response.text == "published")
        for peer in peers { #expect(try peer.receive() == .text("extra")) }
        peers[0].send("mine")
        try peers[0].expectNothing()
        for peer in peers[1...] { #expect(try peer.receive() == .text("mine")) }
        peers[1].reset()
        peers[2].endStream()
        #expect(app.counters.connectionsActive == 4)
    }

    @Test("closures that wait for something outside, and calls from outside")
    func waits() async throws {
        let app = try echo()
        let peer = try await app.connect("/slow", within: .seconds(20))
        peer.send("hello")
        #expect(try await peer.receive(within: .seconds(20)) == .text("hello"))
        let count = try await app.run { server in
            await server.forEachConnection { $0.send("to all") }
        }
        #expect(count == 1)
        #expect(try peer.receive() == .text("to all"))
    }

    @Test("raw bytes in pieces")
    func raw() throws {
        let app = try echo()
        let peer = app.open()
        peer.send(raw: Array("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".utf8), inPiecesOf: 1)
        #expect(peer.takeResponse()?.status == 404)
    }
}
