import Glibc
import Synchronization
import Testing

@testable import StargateCore

@Suite("Subscribers that do not read, over sockets", .serialized)
struct SlowSubscriberTests {
    /// Fills the buffers of both kernels and then some.
    private static let padding = String(repeating: "x", count: 32 << 10)
    private static let messageCount = 400

    private static func configuration() -> Server.Configuration {
        .quiet {
            $0.loopCount = 2
            $0.publicationQueueCount = 20
            $0.publicationQueueSize = 4 << 20
            $0.closeTimeout = .milliseconds(300)
        }
    }

    /// Publishes numbered messages with ten keys; a reader keeps the server from running ahead.
    private static func flood(_ server: borrowing TopicServer, _ reader: RawPeer) throws {
        for index in 0..<messageCount {
            server.server.publish("\(index) \(padding)", to: "t", key: "\(index % 10)")
            #expect(try reader.receiveFrame().numbers == [index])
        }
    }

    /// Sends to a peer that does not read until the kernel refuses.
    private static func stall(_ server: borrowing TopicServer, _ index: Int) async {
        let name = server.log.connections.withLock { $0[index] }
        let result = await server.server.withConnection(name) { socket in
            var result = SendResult.sent
            while result == .sent { result = socket.send(padding) }
            return result
        }
        #expect(result == .queued)
    }

    @Test(
        "who does not read is dropped for, and who reads loses nothing",
        arguments: [
            SlowConsumerPolicy.dropNewest, .dropOldest, .latest,
        ]
    )
    func dropping(policy: SlowConsumerPolicy) async throws {
        let server = try TopicServer(Self.configuration(), policy: policy)
        let reader = try server.subscriber("t")
        let stalled = try server.subscriber("t", receiveBuffer: 4096)
        try Self.flood(server, reader)
        let dropped = Int((await server.server.counters()).publicationsDropped)
        #expect(dropped > 0)
        // It reads again: what was not dropped is whole and in order, and so is what comes then.
        server.server.publish("end", to: "t", key: "end")
        var numbers: [Int] = []
        while true {
            let frame = try stalled.receiveFrame()
            guard let number = frame.numbers.first else { break }
            #expect(frame.payload.count == "\(number) ".utf8.count + Self.padding.utf8.count)
            numbers.append(number)
            // An end that was dropped is sent again.
            if policy == .dropNewest, numbers.count == Self.messageCount - dropped {
                server.server.publish("end", to: "t", key: "end")
            }
        }
        let counters = await server.server.counters()
        #expect(
            server.log.droppedCount.load(ordering: .relaxed) == Int(counters.publicationsDropped)
        )
        #expect(numbers.count == Self.messageCount - dropped || policy != .dropNewest)
        #expect(Set(numbers).count == numbers.count)
        switch policy {
        case .close, .wait: break
        case .dropNewest:
            #expect(numbers == Array(0..<numbers.count))
        case .dropOldest:
            #expect(numbers == numbers.sorted() && numbers.last == Self.messageCount - 1)
            #expect(numbers.suffix(15) == Array(Self.messageCount - 15..<Self.messageCount)[...])
        case .latest:
            // Of each key the last.
            let last = Set(Self.messageCount - 10..<Self.messageCount)
            #expect(last.isSubset(of: numbers))
            #expect(counters.publicationsConflated > 0)
        }
        #expect(server.log.closeCodes.withLock { $0 } == [])
        await server.stop()
    }

    @Test("or its connection ends with 1013, heard by its handler and, if it reads on, by itself")
    func closing() async throws {
        let server = try TopicServer(Self.configuration(), policy: .close)
        let reader = try server.subscriber("t")
        let stalled = try server.subscriber("t", receiveBuffer: 4096)
        let late = try server.subscriber("t", receiveBuffer: 4096)
        try Self.flood(server, reader)
        #expect(server.log.journal.wait { $0.filter(\.isClosed).count == 2 })
        #expect(server.log.closeCodes.withLock { $0 } == [1013, 1013])
        #expect(await server.server.subscriberCount(of: "t") == 1)
        _ = late
        _ = stalled
        server.server.publish("on", to: "t")
        #expect(try reader.nextText == "on")
        await server.stop()
    }

    @Test(
        "a handler that hears of drops may leave its topics, or close",
        arguments: [true, false]
    )
    func leavingInside(closes: Bool) async throws {
        final class Leaving: WebSocketHandler {
            let log: TopicLog
            let closes: Bool
            init(_ log: TopicLog, _ closes: Bool) {
                self.log = log
                self.closes = closes
            }
            func opened(_ socket: WebSocket) {
                log.connections.withLock { $0.append(socket.id) }
                socket.subscribe(to: "t", policy: .dropNewest)
                socket.subscribe(matching: "#", policy: .dropNewest)
                socket.send("ready")
            }
            func received(_ message: Message, on socket: WebSocket) {}
            func dropped(_ count: Int, on socket: WebSocket) {
                if closes {
                    socket.terminate()
                } else {
                    for filter in socket.topics { socket.unsubscribe(matching: filter) }
                }
                socket.publish("left \(count > 0) \(socket.topicCount)", to: "t")
            }
            func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
                log.closeCodes.withLock { $0.append(code.rawValue) }
            }
        }
        let log = TopicLog()
        let server = try TopicServer(Self.configuration()) { server in
            server.webSocket("/leaving", origin: .any) { _ in .accept { Leaving(log, closes) } }
        }
        let listener = try server.subscriber("t")
        let stalled = try RawPeer.open(server.address, path: "/leaving", receiveBuffer: 4096)
        #expect(try stalled.nextText == "ready")
        let name = log.connections.withLock { $0[0] }
        await server.server.withConnection(name) { socket in
            while socket.send(Self.padding) == .sent {}
        }
        for _ in 0..<21 { server.server.publish("x", to: "t") }
        for _ in 0..<21 { #expect(try listener.nextText == "x") }
        #expect(try listener.nextText == "left true \(closes ? 2 : 0)")
        #expect(await server.server.subscriberCount(of: "t") == 1)
        #expect(log.closeCodes.withLock { $0 } == (closes ? [1006] : []))
        await server.stop()
    }

    @Test("a peer that reads on in time sees the Close frame with 1013")
    func closeFrame() async throws {
        let server = try TopicServer(
            .quiet {
                $0.publicationQueueCount = 5
                $0.publicationQueueSize = 16 << 20
            },
            policy: .close
        )
        let peer = try server.subscriber("t", receiveBuffer: 4096)
        while server.log.closeCodes.withLock({ $0.isEmpty }) {
            server.server.publish(Self.padding, to: "t")
            _ = await server.server.counters()
        }
        var frame = try peer.receiveFrame()
        while frame.opcode == 1 { frame = try peer.receiveFrame() }
        #expect(frame.closeCode == 1013)
        #expect(server.log.closeCodes.withLock { $0 } == [1013])
        await server.stop()
    }

    @Test("what is sent directly, and pongs, pass the publications that wait")
    func direct() async throws {
        let server = try TopicServer(Self.configuration(), policy: .dropOldest)
        let reader = try server.subscriber("t")
        let stalled = try server.subscriber("t", receiveBuffer: 4096)
        try Self.flood(server, reader)
        let name = server.log.connections.withLock { $0[1] }
        #expect(await server.server.send("direct", to: name) == .queued)
        try stalled.send(frame(0x89, [7]))
        var seen: [String] = []
        var last = -1
        while last < Self.messageCount - 1 {
            let frame = try stalled.receiveFrame()
            if frame.opcode == 1, let number = frame.numbers.first {
                last = number
                if number >= Self.messageCount - 20 { seen.append("waited") }
            } else {
                seen.append(frame.opcode == 0xA ? "pong" : frame.text)
            }
        }
        #expect(seen.first == "direct" && seen.contains("pong"))
        await server.stop()
    }

    /// Set in the environment for the run with ten thousand subscribers.
    static var isLarge: Bool { getenv("STARGATE_LARGE_TESTS") != nil }

    @Test(
        "many publishers, many subscribers, one in a hundred does not read",
        arguments: [
            SlowConsumerPolicy.close, .dropNewest, .dropOldest, .latest,
        ]
    )
    func many(policy: SlowConsumerPolicy) async throws {
        let (subscriberCount, publisherCount, messageCount) =
            Self.isLarge ? (9_800, 100, 10) : (300, 20, 6)
        let server = try TopicServer(Self.configuration(), policy: policy)
        let publishers = try (0..<publisherCount).map { _ in try RawPeer.open(server.address) }
        let subscribers = try (0..<subscriberCount).map { index in
            try server.subscriber("t", receiveBuffer: index % 100 == 99 ? 4096 : nil)
        }
        for index in stride(from: 99, to: subscriberCount, by: 100) {
            await Self.stall(server, publisherCount + index)
        }
        for round in 0..<messageCount {
            for (index, publisher) in publishers.enumerated() {
                try publisher.send(textFrame(">t \(index) \(round)"))
            }
            // Everybody who reads gets everything, in the order of each publisher.
            for (index, subscriber) in subscribers.enumerated() where index % 100 != 99 {
                var heard: Set<Int> = []
                for _ in 0..<publisherCount {
                    let numbers = try subscriber.receiveFrame().numbers
                    guard numbers.count == 2 else { break }
                    heard.insert(numbers[0])
                    if numbers[1] != round { Issue.record("\(numbers[1]) comes in \(round)") }
                }
                if heard.count != publisherCount { Issue.record("\(heard.count) publishers heard") }
            }
        }
        let codes = server.log.closeCodes.withLock { $0 }
        let stalledCount = subscriberCount / 100
        #expect(
            codes == Array(repeating: 1013, count: policy == .close ? stalledCount : 0)
        )
        #expect(await server.server.counters().publicationsDropped > UInt64(stalledCount))
        await server.stop()
    }

    @Test("one stalled subscriber among a thousand changes nothing for the others")
    func isolation() async throws {
        let server = try TopicServer(Self.configuration(), policy: .dropOldest)
        let stalled = try server.subscriber("t", receiveBuffer: 4096)
        let subscribers = try (0..<999).map { _ in try server.subscriber("t") }
        await Self.stall(server, 0)
        for index in 0..<100 {
            server.server.publish("\(index)", to: "t")
            guard index % 10 == 9 else { continue }
            for subscriber in subscribers {
                for expected in index - 9...index {
                    if try subscriber.receiveFrame().numbers != [expected] {
                        Issue.record("a message is missing before \(expected)")
                    }
                }
            }
        }
        #expect(server.log.closeCodes.withLock { $0 } == [])
        #expect(server.log.droppedCount.load(ordering: .relaxed) == 80)
        stalled.close()
        await server.stop()
    }
}
