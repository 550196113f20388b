import StargateCore
import StargateTesting
import Testing

/// Publishes 20 MiB for each message that it gets. Sendable only because routes have to be.
private final class Storm: WebSocketHandler, @unchecked Sendable {
    private let storm = PreparedMessage(binary: [UInt8](repeating: 7, count: 1 << 20))
    var refusedCount = 0
    var messages: [String] = []

    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message else { return }
        messages.append(String(copying: text))
        for _ in 0..<20 where !socket.publish(storm, to: "storm") { refusedCount += 1 }
    }
}

private final class Listener: WebSocketHandler {
    func opened(_ socket: WebSocket) { socket.subscribe(to: "storm", policy: .latest) }
    func received(_ message: Message, on socket: WebSocket) {}
}

@Suite("Peers that publish faster than that can be delivered")
struct TopicCrowdTests {
    @Test("are not read from until it is, and nothing of it is lost", arguments: [1, 2])
    func crowd(loopCount: Int) throws {
        var configuration = Server.Configuration()
        configuration.loopCount = loopCount
        let storm = Storm()
        let app = try TestServer(configuration: configuration) { server in
            server.webSocket("/storm") { _ in .accept { storm } }
            server.webSocket("/listen") { _ in .accept { Listener() } }
        }
        let listeners = try (0..<loopCount).map { _ in try app.connect("/listen") }
        for listener in listeners { listener.stopReading(afterBuffering: 2000) }
        let peer = try app.connect("/storm")
        // Masked with zeros.
        let frames: [UInt8] = (48..<56).flatMap { [0x81, 0x81, 0, 0, 0, 0, $0] as [UInt8] }
        // All in one read: 160 MiB, of which a loop takes 64.
        peer.send(raw: frames)
        #expect(storm.messages == (0..<8).map { "\($0)" })
        #expect(storm.refusedCount == 0)
        // Those who go while they wait are forgotten.
        peer.send(raw: frames)
        peer.reset()
        for listener in listeners { listener.reset() }
        app.settle()
    }
}
