// A client that sends back whatever a server sends, until the server closes. It is what test suites
// for clients want to talk to.
//
//     echo-client ws://127.0.0.1:9001/path

import StargateCore
import Synchronization

/// Sends every message back, and says when the connection is over.
final class Mirror: WebSocketHandler {
    private let whenClosed: @Sendable () -> Void

    init(whenClosed: @escaping @Sendable () -> Void) {
        self.whenClosed = whenClosed
    }

    func received(_ message: Message, on socket: WebSocket) {
        socket.send(message)
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        whenClosed()
    }
}

guard let url = CommandLine.arguments.dropFirst().first else {
    print("usage: echo-client ws://HOST:PORT/PATH")
    throw CancellationError()
}
var request = try ClientRequest(url: url)
request.compression = .dedicated
request.maxMessageSize = 32 << 20
request.maxFragmentCount = 1 << 20
request.outputHardLimit = 64 << 20

let loops = try LoopGroup(count: 1)
let client = WebSocketClient(loops: loops)
let (closings, closing) = AsyncStream<Void>.makeStream()
do {
    try await client.connect(request) { Mirror { closing.finish() } }
    for await _ in closings {}
} catch {
    print(error)
}
await loops.stop()
