// FlyingFox: messages in one stream, answers in another, as its documentation has it.

import FlyingFox
import FlyingSocks
import Foundation

struct Echo: WSMessageHandler {
    func makeMessages(for client: AsyncStream<WSMessage>) async throws -> AsyncStream<WSMessage> {
        client
    }
}

let words = Array(CommandLine.arguments.dropFirst())
for option in ["--tls", "--deflate", "--broadcast"] where words.contains(option) {
    FileHandle.standardError.write(Data("this server has no \(option.dropFirst(2))\n".utf8))
    exit(64)
}
let server = HTTPServer(
    address: try .inet(ip4: "127.0.0.1", port: UInt16(words[0]) ?? 0),
    logger: .disabled
)
await server.appendRoute("GET /*", to: .webSocket(Echo()))
try await server.run()
