import StargateCore

final class Echo: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) {
        socket.send(message)
    }
}

let server = Server(configuration: .init(port: 9001))
server.webSocket("/echo", origin: .any) { _ in
    .accept { Echo() }
}
try await server.run(stoppingOn: [.interrupt, .terminate]) {
    print("listening on ws://127.0.0.1:9001/echo")
}
