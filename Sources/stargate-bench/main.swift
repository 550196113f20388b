import StargateCore
final class Echo: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) { socket.send(message) }
}
let server = Server(configuration: .init(port: 9001, loopCount: 1))
server.webSocket("/*", origin: .any) { _ in .accept { Echo() } }
server.get("/") { _ in .text("hello") }
try server.runBlocking(stoppingOn: [.interrupt, .terminate])
