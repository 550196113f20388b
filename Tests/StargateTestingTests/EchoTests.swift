import StargateCore
import StargateTesting
import Testing

private final class Echo: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) {
        socket.send(message)
    }
}

/// Sends a text back byte by byte, and another message behind it.
private final class Pieces: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message else { return }
        for byte in Array(String(copying: text).utf8) {
            let piece = [byte]
            let result = socket.sendFragment(piece.span.bytes, isText: true, isFinal: false)
            #expect(result == .sent)
        }
        if text.isEmpty { #expect(socket.sendFragment("", isFinal: false) == .sent) }
        #expect(socket.send("between") == .unfinished)
        #expect(socket.sendFragment("", isFinal: true) == .sent)
        #expect(socket.send("next") == .sent)
    }
}

@Suite("A server in memory: echo")
struct EchoTests {
    private func echo(_ configuration: Server.Configuration = .init()) throws -> TestServer {
        try TestServer(configuration: configuration) { server in
            server.webSocket("/echo") { _ in .accept { Echo() } }
            server.webSocket("/async") { socket in
                for try await message in socket.messages { try await socket.send(message) }
            }
            server.get("/health") { _ in .text("ok") }
        }
    }

    @Test("What is sent comes back, text and binary", arguments: ["/echo", "/async"])
    func echoes(path: String) throws {
        let app = try echo()
        let peer = try app.connect(path)
        peer.send("hello")
        #expect(try peer.receive() == .text("hello"))
        peer.send([1, 2, 3])
        #expect(try peer.receive() == .binary([1, 2, 3]))
        let large = [UInt8](repeating: 7, count: 900_000)
        peer.send(large)
        #expect(try peer.receive() == .binary(large))
        try peer.expectNothing()
    }

    @Test("Every generation of the protocol", arguments: ProtocolVersion.allCases)
    func speaksEveryVersion(version: ProtocolVersion) throws {
        var configuration = Server.Configuration()
        configuration.protocols = .all
        configuration.log = { _ in }
        let app = try echo(configuration)
        let peer = try app.connect("/echo", protocol: version)
        peer.send("hello")
        #expect(try peer.receive() == .text("hello"))
        peer.close()
        #expect(peer.isEnded)
        #expect((peer.receivedClose != nil) == (version != .hixie75))
        #expect(app.counters.connectionsActive == 0)
    }

    @Test("permessage-deflate", arguments: [PerMessageDeflate.shared, .dedicated])
    func compresses(options: PerMessageDeflate) throws {
        var configuration = Server.Configuration()
        configuration.compression = options
        let app = try echo(configuration)
        let peer = try app.connect("/echo", compression: options)
        #expect(peer.response?["Sec-WebSocket-Extensions"]?.hasPrefix("permessage-deflate") == true)
        let text = String(repeating: "to be or not to be ", count: 100)
        for _ in 0..<3 {
            peer.send(text)
            #expect(try peer.receive() == .text(text))
        }
    }

    @Test("fragments come as one message", arguments: [nil, PerMessageDeflate.shared, .dedicated])
    func fragments(options: PerMessageDeflate?) throws {
        var configuration = Server.Configuration()
        configuration.compression = options
        let app = try TestServer(configuration: configuration) { server in
            server.webSocket("/pieces") { _ in .accept { Pieces() } }
        }
        let peer = try app.connect("/pieces", compression: options)
        for text in ["to be or not to be", "", "to be or not to be €"] {
            peer.send(text)
            #expect(try peer.receive() == .text(text))
            #expect(try peer.receive() == .text("next"))
        }
    }

    @Test("A plain request")
    func answersRequests() throws {
        let app = try echo()
        let response = try app.request("GET", "/health")
        #expect(response.status == 200)
        #expect(response.text == "ok")
        #expect(try app.request("GET", "/nowhere").status == 404)
        #expect(throws: TestRefusal.self) { try app.connect("/nowhere") }
    }
}
