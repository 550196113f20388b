internal import Glibc
internal import StargateCore

/// Connections that publish, in a child process: `publishers URL COUNT MESSAGES BYTES`.
///
/// Says `ready`, and after a line on its standard input sends everything; then says `sent`.
struct Publishers {
    private let url: String
    private let count: Int
    private let messageCount: Int
    private let byteCount: Int

    init(_ arguments: [String]) {
        let numbers = arguments.dropFirst().compactMap { Int($0) }
        guard let url = arguments.first, numbers.count == 3 else { exit(2) }
        self.url = url
        count = numbers[0]
        messageCount = numbers[1]
        byteCount = numbers[2]
    }

    func run() async {
        guard let loops = try? LoopGroup(count: 1) else { exit(2) }
        let client = WebSocketClient(loops: loops)
        let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
        let go = Task.detached { _ = readLine() }
        let isDone = await withTaskGroup(of: Bool.self) { [self] group in
            for publisher in 0..<count {
                group.addTask {
                    (try? await publish(client, publisher, isReady, go)) != nil
                }
            }
            var left = count
            for await _ in ready {
                left -= 1
                if left == 0 { break }
            }
            say("ready")
            return await group.allSatisfy { $0 }
        }
        say(isDone ? "sent" : "not all was sent")
        while readLine() != nil {}
        exit(0)
    }

    private func publish(
        _ client: WebSocketClient,
        _ publisher: Int,
        _ isReady: AsyncStream<Void>.Continuation,
        _ go: Task<Void, Never>
    ) async throws {
        let (messageCount, byteCount) = (messageCount, byteCount)
        try await client.withConnection(ClientRequest(url: url)) { socket in
            isReady.yield()
            await go.value
            for number in 0..<messageCount {
                try await socket.send(
                    NumberedPayload.make(publisher, number, byteCount: byteCount)
                )
            }
            // The server closes when it has published all of them.
            for try await _ in socket.messages {}
        }
    }
}
