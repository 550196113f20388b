import StargateCore
import StargateTesting
import Synchronization
import Testing

private final class Echo: WebSocketHandler {
    func opened(_ socket: WebSocket) { socket.subscribe(to: "news") }
    func received(_ message: Message, on socket: WebSocket) { socket.send(message) }
}

/// A handler of a client, as a user would have one.
private final class Display: WebSocketHandler {
    private let shown: Shown
    init(_ shown: Shown) { self.shown = shown }

    func opened(_ socket: WebSocket) { socket.send("hello") }
    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message else { return }
        shown.lines.withLock { $0.append(String(copying: text)) }
    }
    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        shown.lines.withLock { $0.append("closed \(code.rawValue)") }
    }
}

private final class Shown: Sendable {
    let lines = Lock<[String]>([])
}

@Suite("Clients in memory")
struct ClientTests {
    private func makeServer(loopCount: Int) throws -> TestServer {
        var configuration = Server.Configuration()
        configuration.loopCount = loopCount
        return try TestServer(configuration: configuration) { server in
            server.webSocket("/echo") { _ in .accept { Echo() } }
            server.webSocket("/no") { _ in .reject(.forbidden) }
        }
    }

    @Test("a handler of a client meets the server", arguments: [1, 2])
    func callbacks(loopCount: Int) async throws {
        let app = try makeServer(loopCount: loopCount)
        let client = app.client
        let shown = Shown()
        _ = try await app.run { _ in
            try await client.connect(ClientRequest(url: "ws://test/echo")) { Display(shown) }
        }
        app.settle()
        #expect(shown.lines.withLock { $0 } == ["hello"])
        app.server.publish("news", to: "news")
        app.settle()
        #expect(shown.lines.withLock { $0 } == ["hello", "news"])
        // Both sides ping each other when the time comes.
        app.advance(by: .seconds(600))
        #expect(app.counters.connectionsActive == 2)
        let closed = try await app.run { server in
            await server.forEachConnection { $0.close(.goingAway) }
        }
        #expect(closed == 1)
        app.settle()
        #expect(shown.lines.withLock { $0.last } == "closed 1001")
    }

    @Test("a structured client has its conversation")
    func structured() async throws {
        let app = try makeServer(loopCount: 2)
        let client = app.client
        let answers = try await app.run { _ in
            try await client.withConnection("ws://test/echo") { socket in
                var answers: [OwnedMessage] = []
                for number in 0..<3 {
                    try await socket.send("\(number)")
                    for try await message in socket.messages {
                        answers.append(message)
                        break
                    }
                }
                return answers
            }
        }
        #expect(answers == [.text("0"), .text("1"), .text("2")])
    }

    @Test("a refusal is told")
    func refused() async throws {
        let app = try makeServer(loopCount: 1)
        let client = app.client
        let error = await #expect(throws: ClientError.self) {
            try await app.run { _ in
                try await client.connect(ClientRequest(url: "ws://test/no")) { Display(Shown()) }
            }
        }
        #expect(error.map { "\($0)" }?.contains("403") == true)
    }
}
