import Glibc
import Testing

@testable import StargateCore

private struct Complaint: Error {}

@Suite("The structured tier of the client", .serialized, .ownThreads)
struct AsyncClientTests {
    private static func echoServer() throws -> AsyncTestServer {
        try AsyncTestServer { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
    }

    private static func url(_ address: SocketAddress) -> String { "ws://\(address)/" }

    @Test("a connection lives as long as its body, which runs on the loop")
    func scope() async throws {
        let server = try Self.echoServer()
        let loops = try LoopGroup(count: 1)
        let loopThread = await withCheckedContinuation { continuation in
            loops.mailboxes[0].post { _ in continuation.resume(returning: currentThread()) }
        }
        let client = WebSocketClient(loops: loops)
        let (count, threads) = try await client.withConnection(Self.url(server.address)) { socket in
            var threads: Set<UInt> = [currentThread()]
            for index in 0..<100 { try await socket.send("\(index)") }
            var count = 0
            for try await message in socket.messages {
                #expect(message == .text("\(count)"))
                threads.insert(currentThread())
                count += 1
                if count == 100 { break }
            }
            return (count, threads)
        }
        #expect(count == 100)
        #expect(threads == [loopThread])
        // The call returned after the closing handshake.
        let active = await withCheckedContinuation { continuation in
            loops.mailboxes[0].post {
                continuation.resume(returning: $0.executor.activeHandlerCount)
            }
        }
        #expect(active == 0)
        #expect(await server.handlersEnded())
        await server.server.stop()
        await loops.stop()
    }

    @Test("an error of the body is thrown, and the server hears 1011")
    func throwing() async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            do {
                for try await _ in socket.messages {}
            } catch let error as WebSocketClosed {
                journal.note("\(error.code)")
            }
        }
        let loops = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: loops)
        await #expect(throws: Complaint.self) {
            try await client.withConnection(Self.url(server.address)) { _ in throw Complaint() }
        }
        #expect(journal.wait(for: .note("1011")))
        await server.server.stop()
        await loops.stop()
    }

    @Test("a cancelled task ends its connection with 1001")
    func cancelling() async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            try await socket.send("hello")
            for try await _ in socket.messages {}
            journal.note("\(socket.end?.code.rawValue ?? 0)")
        }
        let loops = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: loops)
        let url = Self.url(server.address)
        let task = Task(executorPreference: OwnThreadExecutor.shared) {
            try await client.withConnection(url) { socket in
                for try await _ in socket.messages { journal.note("open") }
            }
        }
        #expect(journal.wait(for: .note("open")))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(journal.wait(for: .note("1001")))
        await server.server.stop()
        await loops.stop()
    }

    @Test("a cancelled attempt ends, and what was not begun does not begin")
    func cancellingAttempt() async throws {
        // Nobody accepts here: the request is never answered.
        let listening = try ListeningSocket.open(
            try #require(SocketAddress(host: "127.0.0.1", port: 0)),
            backlog: 8,
            isShared: false
        )
        defer { _ = Glibc.close(listening) }
        let address = try #require(SocketAddress(localOf: listening))
        let loops = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: loops)
        let task = Task(executorPreference: OwnThreadExecutor.shared) {
            try await client.withConnection(Self.url(address)) { _ in }
        }
        usleep(50_000)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        var request = try ClientRequest(url: Self.url(address))
        request.timeout = .milliseconds(200)
        let impatient = request
        do {
            try await client.withConnection(impatient) { _ in }
            Issue.record("a connection came about")
        } catch let error as ClientError {
            #expect(error.kind == .timedOut)
        }
        await loops.stop()
        do {
            try await client.withConnection(impatient) { _ in }
            Issue.record("a connection came about")
        } catch let error as ClientError {
            #expect(error.kind == .cancelled)
        }
    }

    @Test("subprotocols and headers reach the server, and its choice the client")
    func request() async throws {
        let server = Server(configuration: .quiet)
        server.webSocket("/chat/:room", origin: .any) { request in
            .accept(subprotocol: "b") { socket in
                let room = request.parameters["room"] ?? ""
                try await socket.send("\(room) \(request.headers["x-token"] ?? "")")
            }
        }
        try server.start()
        let loops = try LoopGroup(count: 1)
        var request = try ClientRequest(
            url: "ws://\(try #require(server.addresses.first))/chat/tea"
        )
        request.subprotocols = ["a", "b"]
        request.headers = [("X-Token", "secret")]
        let answer = try await WebSocketClient(loops: loops).withConnection(request) { socket in
            var answer = "\(socket.subprotocol ?? "") "
            for try await message in socket.messages { answer += "\(message)" }
            return answer
        }
        #expect(answer == "b text(\"tea secret\")")
        await server.stop()
        await loops.stop()
    }

    @Test("a client comes back when the server does")
    func reconnecting() async throws {
        let journal = Journal()
        let handler: nonisolated(nonsending) @Sendable (AsyncWebSocket) async throws -> Void = {
            socket in
            for try await message in socket.messages {
                try await socket.send(message)
                if message == .text("vanish") { socket.terminate() }
            }
        }
        let first = try AsyncTestServer(handler: handler)
        let port = first.address.port
        let loops = try LoopGroup(count: 1)
        var policy = ReconnectPolicy()
        policy.initialDelay = .milliseconds(5)
        policy.maximumDelay = .milliseconds(50)
        let chosen = policy
        let url = Self.url(first.address)
        let task = Task(executorPreference: OwnThreadExecutor.shared) {
            var request = try ClientRequest(url: url)
            request.timeout = .seconds(5)
            return try await WebSocketClient(loops: loops).keepConnected(request, policy: chosen) {
                socket in
                let round = journal.events.count
                journal.note("open")
                try await socket.send(round == 1 ? "vanish" : "\(round)")
                for try await message in socket.messages where message == .text("2") { return 42 }
                return 0
            }
        }
        #expect(journal.wait { $0.count == 1 })
        // It goes away with a goodbye, and is not there for a while.
        await first.server.stop()
        usleep(100_000)
        let second = try AsyncTestServer(.quiet { $0.port = port }, handler: handler)
        #expect(try await task.value == 42)
        // Once at the first server; at the second once until it vanished, and once more.
        #expect(journal.events.count == 3)
        await second.server.stop()
        await loops.stop()
    }

    @Test("what is not worth another attempt is thrown, and attempts are counted")
    func givingUp() async throws {
        let server = Server(configuration: .quiet)
        server.webSocket("/forbidden", origin: .any) { (_: UpgradeRequest) in .reject(.forbidden) }
        try server.start()
        let address = try #require(server.addresses.first)
        let loops = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: loops)
        let forbidden = try ClientRequest(url: "ws://\(address)/forbidden")
        do {
            try await client.keepConnected(forbidden) { _ in }
            Issue.record("a connection came about")
        } catch let error as ClientError {
            #expect(error.kind == .refused(status: 403))
        }
        await server.stop()
        var policy = ReconnectPolicy()
        policy.initialDelay = .milliseconds(1)
        policy.maximumAttempts = 3
        do {
            try await client.keepConnected(forbidden, policy: policy) { _ in }
            Issue.record("a connection came about")
        } catch let error as ClientError {
            #expect(error.kind == .notConnected(ECONNREFUSED))
        }
        // Between two attempts it can be cancelled.
        policy.maximumAttempts = nil
        policy.initialDelay = .seconds(1000)
        policy.maximumDelay = .seconds(1000)
        policy.jitter = 0
        let patient = policy
        let task = Task(executorPreference: OwnThreadExecutor.shared) {
            try await client.keepConnected(forbidden, policy: patient) { _ in }
        }
        usleep(50_000)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await loops.stop()
    }

    @Test("delays grow up to a limit, and are random in part")
    func delays() {
        var generator = SystemRandomNumberGenerator()
        var policy = ReconnectPolicy()
        policy.jitter = 0
        let expected: [Double] = [0.5, 1, 2, 4, 8, 16, 30, 30]
        for (index, seconds) in expected.enumerated() {
            #expect(policy.delay(afterFailures: index + 1, using: &generator) == .seconds(seconds))
        }
        #expect(policy.delay(afterFailures: .max, using: &generator) == .seconds(30))
        #expect(policy.delay(afterFailures: 0, using: &generator) == .seconds(0.5))
        policy.jitter = 0.5
        var seen: Set<Duration> = []
        for _ in 0..<100 {
            let delay = policy.delay(afterFailures: 3, using: &generator)
            #expect(delay >= .seconds(1) && delay <= .seconds(2))
            seen.insert(delay)
        }
        #expect(seen.count > 1)
        policy.multiplier = .infinity
        #expect(policy.delay(afterFailures: 9, using: &generator) <= .seconds(30))
        policy.initialDelay = .seconds(-1)
        #expect(policy.delay(afterFailures: 2, using: &generator) == .zero)
    }
}
