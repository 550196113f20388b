import Synchronization
import Testing

@testable import StargateCore

@Suite("The order of publications, over sockets", .serialized, .ownThreads)
struct TopicOrderTests {
    private static let messageCount = 1500

    @Test("first in, first out for each publisher and topic, on every loop")
    func fifo() async throws {
        let server = try TopicServer(.twoLoops)
        let peers = try (0..<6).map { _ in try server.subscriber("t/+") }
        let publisher = try RawPeer.open(server.address)
        let target = server.server
        // Two threads and a connection publish at the same time.
        let threads = (0..<2).map { number in
            Task.detached(executorPreference: OwnThreadExecutor.shared) {
                for index in 0..<Self.messageCount {
                    target.publish("\(number) \(index)", to: "t/1")
                }
            }
        }
        var frames: [UInt8] = []
        for index in 0..<Self.messageCount { frames += textFrame(">t/1 2 \(index)") }
        try publisher.send(frames)
        for peer in peers {
            var next = [0, 0, 0]
            for _ in 0..<3 * Self.messageCount {
                let parts = try peer.nextText.split(separator: " ").compactMap { Int($0) }
                guard parts.count == 2, next.indices.contains(parts[0]) else {
                    Issue.record("an unexpected message")
                    break
                }
                #expect(parts[1] == next[parts[0]])
                next[parts[0]] = parts[1] + 1
            }
            #expect(next == [Self.messageCount, Self.messageCount, Self.messageCount])
        }
        for thread in threads { await thread.value }
        await server.stop()
        #expect(server.log.droppedCount.load(ordering: .relaxed) == 0)
    }

    @Test("what one callback publishes leaves in one write for each subscriber")
    func oneWrite() async throws {
        let server = try TopicServer()
        let peers = try (0..<3).map { _ in try server.subscriber("t") }
        let name = server.log.connections.withLock { $0[0] }
        let before = await server.server.counters()
        await server.server.withConnection(name) { socket in
            for index in 0..<100 { socket.publish("\(index)", to: "t") }
        }
        for peer in peers.dropFirst() {
            for index in 0..<100 { #expect(try peer.nextText == "\(index)") }
        }
        let after = await server.server.counters()
        #expect(after.writes - before.writes == 2)
        #expect(after.publicationsDelivered - before.publicationsDelivered == 200)
        #expect(after.messagesSent - before.messagesSent == 200)
        await server.stop()
    }
}
