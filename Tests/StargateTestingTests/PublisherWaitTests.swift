// Publishers that wait for slow subscribers, in memory: every turn of the loops is the test's.

import StargateCore
import StargateTesting
import Synchronization
import Testing

private final class Follower: WebSocketHandler {
    private let policy: SlowConsumerPolicy?
    private let log: WaitLog

    init(_ policy: SlowConsumerPolicy?, _ log: WaitLog) {
        self.policy = policy
        self.log = log
    }

    func opened(_ socket: WebSocket) {
        log.followers.withLock { $0.append(socket.id) }
        socket.subscribe(to: "t", policy: policy)
    }

    func received(_ message: Message, on socket: WebSocket) {}
    func dropped(_ count: Int, on socket: WebSocket) {
        log.dropped.add(count, ordering: .relaxed)
    }
    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        log.codes.withLock { $0.append(code.rawValue) }
    }
}

private final class WaitLog: Sendable {
    let followers = Lock<[ConnectionID]>([])
    let codes = Lock<[UInt16]>([])
    let dropped = Atomic<Int>(0)
}

@Suite("Publishers that wait")
struct PublisherWaitTests {
    private static let messageCount = 100
    /// Ten messages fill the buffers between the two ends, five the queue of bytes, eight that of
    /// publications.
    private static let text = String(repeating: "x", count: 1000)

    private let log = WaitLog()

    private func makeServer(loopCount: Int = 1) throws -> TestServer {
        var configuration = Server.Configuration()
        configuration.loopCount = loopCount
        configuration.publicationQueueCount = 8
        configuration.outputSoftLimit = 10_000
        configuration.keepAliveInterval = nil
        configuration.slowPeerTimeout = .seconds(10)
        return try TestServer(configuration: configuration) { server in
            server.webSocket("/wait") { _ in .accept { Follower(.wait, log) } }
            server.webSocket("/drop") { _ in .accept { Follower(.dropNewest, log) } }
            server.webSocket("/publish") { socket in
                for try await message in socket.messages {
                    try await socket.publish(message, to: "t")
                    try await socket.send("taken")
                }
            }
            server.webSocket("/both") { socket in
                socket.subscribe(to: "t", policy: .wait)
                for try await message in socket.messages {
                    try await socket.publish(message, to: "t")
                }
            }
        }
    }

    /// Has a publisher send more than a stalled subscriber takes.
    private func stall(
        _ app: TestServer,
        path: String = "/wait"
    ) throws -> (publisher: TestPeer, slow: TestPeer, taken: Int) {
        let slow = try app.connect(path)
        let publisher = try app.connect("/publish")
        slow.stopReading(afterBuffering: 10_000)
        for index in 0..<Self.messageCount { publisher.send("\(index) \(Self.text)") }
        return (publisher, slow, try publisher.receiveAll().count)
    }

    private func numbers(_ peer: TestPeer) throws -> [Int] {
        try peer.receiveAll().map { message in
            guard case .text(let text) = message else { return -1 }
            return Int(text.prefix { $0 != " " }) ?? -1
        }
    }

    @Test("wait until the queue of a slow subscriber is half empty", arguments: [1, 2, 3])
    func halfEmpty(loopCount: Int) throws {
        let app = try makeServer(loopCount: loopCount)
        let other = try app.connect("/wait")
        let (publisher, slow, taken) = try stall(app)
        #expect((8..<40).contains(taken))
        // The one that is waited for has it in its queue already, and so have the others.
        #expect(try numbers(other) == Array(0...taken))
        app.advance(by: .seconds(9))
        #expect(try publisher.receiveAll().isEmpty)
        slow.resumeReading()
        #expect(try numbers(slow) == Array(0..<Self.messageCount))
        #expect(try publisher.receiveAll().count == Self.messageCount - taken)
        #expect(try numbers(other) == Array(taken + 1..<Self.messageCount))
        app.advance(by: .seconds(60))
        #expect(log.codes.withLock { $0 } == [])
        #expect(log.dropped.load(ordering: .relaxed) == 0)
    }

    @Test("wait for nobody who drops")
    func dropping() throws {
        let app = try makeServer()
        let (_, _, taken) = try stall(app, path: "/drop")
        #expect(taken == Self.messageCount)
        #expect(log.dropped.load(ordering: .relaxed) > 0)
    }

    @Test("wait no longer than a slow peer may take")
    func patience() throws {
        let app = try makeServer(loopCount: 2)
        let (publisher, slow, taken) = try stall(app)
        app.advance(by: .milliseconds(9990))
        #expect(try publisher.receiveAll().isEmpty)
        app.advance(by: .seconds(1))
        #expect(slow.isEnded)
        #expect(log.codes.withLock { $0 } == [1008])
        #expect(try publisher.receiveAll().count == Self.messageCount - taken)
    }

    @Test("go on when the one they wait for is gone", arguments: 0..<3)
    func gone(way: Int) async throws {
        let app = try makeServer()
        let (publisher, slow, taken) = try stall(app)
        let id = try #require(log.followers.withLock { $0.first })
        switch way {
        case 0: slow.reset()
        case 1: _ = try await app.run { await $0.withConnection(id) { $0.terminate() } }
        default: _ = try await app.run { await $0.close(id) }
        }
        #expect(try publisher.receiveAll().count == Self.messageCount - taken)
    }

    @Test("are ended by a queue that publishers fill who do not wait, with 1013")
    func mixed() throws {
        let app = try makeServer()
        let (publisher, slow, taken) = try stall(app)
        app.server.publish("one too many", to: "t")
        app.settle()
        #expect(try publisher.receiveAll().count == Self.messageCount - taken)
        #expect(log.codes.withLock { $0 } == [1013])
        slow.resumeReading()
        #expect(slow.receivedClose?.code == .tryAgainLater)
    }

    @Test("are not their own subscribers")
    func own() throws {
        let app = try makeServer()
        let follower = try app.connect("/wait")
        let peer = try app.connect("/both")
        peer.stopReading(afterBuffering: 0)
        for index in 0..<Self.messageCount { peer.send("\(index) \(Self.text)") }
        #expect(try numbers(follower) == Array(0..<Self.messageCount))
    }

    @Test("can be cancelled; what they published stays published")
    func cancelled() async throws {
        let app = try makeServer()
        let (_, slow, taken) = try stall(app)
        let wasCancelled = try await app.run { server in
            let before = await server.counters().publicationsDelivered
            let task = Task {
                try await server.publishAndWait(PreparedMessage(text: "-2 last"), to: "t")
            }
            while await server.counters().publicationsDelivered == before { await Task.yield() }
            task.cancel()
            do {
                _ = try await task.value
                return false
            } catch is CancellationError {
                return true
            }
        }
        #expect(wasCancelled)
        slow.resumeReading()
        let seen = try numbers(slow)
        #expect(seen.contains(-2))
        #expect(seen.count == Self.messageCount + 1)
        #expect(taken < seen.count)
        // One that was cancelled before does not publish at all.
        let isRefused = try await app.run { server in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await server.publishAndWait(PreparedMessage(text: "-3"), to: "t")
            }
            return await task.result.isCancellation
        }
        #expect(isRefused)
        #expect(try numbers(slow).isEmpty)
    }

    @Test("end when the server does")
    func stopping() async throws {
        let app = try makeServer()
        let (publisher, _, _) = try stall(app)
        app.stop()
        withExtendedLifetime(publisher) {}
    }

    @Test("wait for nothing where nobody is subscribed")
    func nobody() async throws {
        let app = try makeServer(loopCount: 2)
        let isTaken = try await app.run { server in
            try await server.publishAndWait(PreparedMessage(text: "hello"), to: "t")
        }
        #expect(isTaken)
        let before = Server()
        #expect(try await before.publishAndWait(PreparedMessage(text: "hello"), to: "t") == false)
    }
}

extension Result {
    fileprivate var isCancellation: Bool {
        if case .failure(let error) = self { error is CancellationError } else { false }
    }
}
