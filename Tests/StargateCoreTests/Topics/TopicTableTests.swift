import Synchronization
import Testing

@testable import StargateCore

@Suite("The topics of a loop")
struct TopicTableTests {
    /// What a server is to its connections, without a server.
    final class Owner: ConnectionOwner {
        let topicTable: TopicTable?

        init(_ table: TopicTable) { topicTable = table }

        func handshakeReceived(
            _ bytes: UnsafeRawBufferPointer,
            scannedByteCount: Int,
            on connection: Connection
        ) -> HandshakeProgress { .used(bytes.count) }
        func handshakeConnected(_ connection: Connection) {}
        func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd) {}
        func handshakeTimedOut(_ connection: Connection) {}
        func connectionBegun() {}
        func connectionReleased() {}
    }

    /// A loop that does not run, with a table and connections that have no socket.
    final class Bench {
        let eventLoop: EventLoop
        let table: TopicTable
        let context: ConnectionContext
        var connections: [Connection] = []

        init(topicCountMax: Int = 1024) throws {
            eventLoop = try EventLoop(index: 0)
            var configuration = Server.Configuration()
            configuration.maxTopicsPerConnection = topicCountMax
            let registry = TopicRegistry()
            registry.start([eventLoop.mailbox])
            table = TopicTable(registry, on: eventLoop, configuration)
            context = ConnectionContext(limits: ConnectionLimits(), owner: Owner(table))
        }

        func connect() -> Connection {
            let connection = eventLoop.loop.state.slab.take(for: eventLoop.loop)
            connection.begin(context, phase: .open, isClient: false)
            connections.append(connection)
            return connection
        }

        func end(_ connection: Connection) {
            connections.removeAll { $0 == connection }
            connection.notifyClosed(.normalClosure, "")
            connection.state.flags.remove(.needsAttention)
            connection.release()
        }

        func finish() {
            for connection in connections { end(connection) }
            eventLoop.stop()
            eventLoop.run()
        }
    }

    private struct Subscription: Hashable {
        let slot: UInt32
        let filter: TopicFilter
    }

    @Test("random operations agree with a plain set", arguments: [1, 2, 3])
    func model(seed: UInt64) throws {
        let bench = try Bench()
        var generator = SeededGenerator(state: seed)
        var model: Set<Subscription> = []
        for _ in 0..<10 { _ = bench.connect() }
        for _ in 0..<2000 {
            guard let connection = bench.connections.randomElement(using: &generator) else { break }
            let wildcards = Bool.random(using: &generator)
            let filter = try TopicFilter(TopicTests.randomName(&generator, wildcards: wildcards))
            let subscription = Subscription(slot: connection.state.slot, filter: filter)
            switch Int.random(in: 0..<50, using: &generator) {
            case 0:
                model = model.filter { $0.slot != connection.state.slot }
                bench.end(connection)
                _ = bench.connect()
            case 1..<25:
                let result = bench.table.subscribe(connection, to: filter, nil)
                #expect(
                    result
                        == (model.insert(subscription).inserted ? .subscribed : .alreadySubscribed)
                )
            default:
                let wasThere = bench.table.unsubscribe(connection, from: filter)
                #expect(wasThere == (model.remove(subscription) != nil))
            }
            let topic = try Topic(TopicTests.randomName(&generator, wildcards: false))
            let expected = Set(model.filter { $0.filter.matches(topic) }.map(\.slot))
            #expect(bench.table.subscriberCount(of: topic) == expected.count)
            #expect(bench.table.channels.count == Set(model.map(\.filter)).count)
        }
        Self.checkLists(bench)
        for connection in bench.connections { connection.leaveTopics() }
        #expect(bench.table.channels.isEmpty)
        bench.finish()
    }

    /// Both sides of each subscription know their place in the other's list.
    private static func checkLists(_ bench: Bench) {
        var count = 0
        for connection in bench.connections {
            for (place, entry) in (connection.state.subscriptions?.entries ?? []).enumerated() {
                count += 1
                guard entry.channel.subscribers.indices.contains(entry.position) else {
                    Issue.record("a place behind the end of the list")
                    continue
                }
                let subscriber = entry.channel.subscribers[entry.position]
                #expect(subscriber.connection == connection && Int(subscriber.place) == place)
            }
        }
        #expect(count == bench.table.channels.values.reduce(0) { $0 + $1.subscribers.count })
    }

    @Test("so many topics and no more, and a place is free again after unsubscribing")
    func limit() throws {
        let bench = try Bench(topicCountMax: 2)
        let connection = bench.connect()
        #expect(bench.table.subscribe(connection, to: "a", nil) == .subscribed)
        #expect(bench.table.subscribe(connection, to: "+", nil) == .subscribed)
        #expect(bench.table.subscribe(connection, to: "b", nil) == .tooManyTopics)
        #expect(bench.table.subscribe(connection, to: "a", nil) == .alreadySubscribed)
        #expect(bench.table.unsubscribe(connection, from: "a"))
        #expect(bench.table.unsubscribe(connection, from: "a") == false)
        #expect(bench.table.subscribe(connection, to: "b", nil) == .subscribed)
        // A connection without topics keeps nothing for them.
        #expect(bench.connect().state.subscriptions == nil)
        bench.finish()
    }

    @Test("what is known of a topic's wildcards is forgotten when they change")
    func cache() throws {
        let bench = try Bench()
        let (first, second) = (bench.connect(), bench.connect())
        _ = bench.table.subscribe(first, to: "a/+", nil)
        #expect(bench.table.subscriberCount(of: "a/b") == 1)
        _ = bench.table.subscribe(second, to: "a/#", nil)
        #expect(bench.table.subscriberCount(of: "a/b") == 2)
        _ = bench.table.subscribe(second, to: "a/b", nil)
        #expect(bench.table.subscriberCount(of: "a/b") == 2)
        bench.end(first)
        #expect(bench.table.subscriberCount(of: "a/b") == 1)
        _ = bench.table.unsubscribe(second, from: "a/#")
        #expect(bench.table.subscriberCount(of: "a/b") == 1)
        #expect(bench.table.subscriberCount(of: "a/c") == 0)
        bench.finish()
    }

    // MARK: Encodings

    private func frame(
        _ message: PreparedMessage,
        _ connection: Connection
    ) -> EncodedFrame? {
        if case .shared(let frame) = message.encoding(for: connection) { frame } else { nil }
    }

    @Test("a loop is woken once for all that is published until it looks")
    func wakeUps() {
        let wakeUpCount = Atomic<Int>(0)
        let mailbox = Mailbox { wakeUpCount.add(1, ordering: .relaxed) }
        let inbox = TopicInbox(mailbox, tableKey: ObjectIdentifier(mailbox))
        let publication = PublicationQueueTests.publication("a")
        #expect(inbox.append(publication, nil))
        // Nobody is subscribed on that loop.
        #expect(wakeUpCount.load(ordering: .relaxed) == 0)
        inbox.setFilterCount(1)
        for _ in 0..<1000 { #expect(inbox.append(publication, nil)) }
        #expect(wakeUpCount.load(ordering: .relaxed) == 1)
        #expect(mailbox.takeAll().count == 1)
        #expect(inbox.takeAll().deliveries.count == 1000)
        #expect(inbox.append(publication, nil))
        #expect(wakeUpCount.load(ordering: .relaxed) == 2)
        _ = mailbox.close()
    }

    @Test("a message is encoded once for each kind of peer")
    func encodings() throws {
        let bench = try Bench()
        let text = String(repeating: "abc", count: 100)
        let message = PreparedMessage(text: text)
        let plain = bench.connect()
        #expect(frame(message, plain) === message.plain)
        #expect(Array(message.plain.bytes) == [0x81, 126, 1, 44] + Array(text.utf8))

        let hixie = bench.connect()
        hixie.state.version = .hixie76
        hixie.state.flags.insert(.isTransformed)
        let old = try #require(frame(message, hixie))
        #expect(Array(old.bytes) == [0] + Array(text.utf8) + [0xFF])
        #expect(frame(message, hixie) === old)
        guard case .unsupported = PreparedMessage(binary: [1]).encoding(for: hixie) else {
            Issue.record("a draft without binary messages got one")
            return
        }

        var parameters = PerMessageDeflateParameters()
        parameters.fromServer.hasContextTakeover = false
        let shared = LoopCompression(.shared)
        let deflating = (0..<2).map { _ in
            let connection = bench.connect()
            connection.state.flags.insert(.isTransformed)
            connection.state.compression = ConnectionCompression(
                parameters,
                options: .shared,
                shared: shared,
                isClient: false
            )
            return connection
        }
        let small = try #require(frame(message, deflating[0]))
        #expect(small.count < 50 && Array(small.bytes)[0] == 0xC1)
        #expect(frame(message, deflating[1]) === small)
        let secret = PreparedMessage(text: text, compress: false)
        #expect(frame(secret, deflating[0]) === secret.plain)
        // Too short to be compressed.
        let short = PreparedMessage(text: "a")
        #expect(frame(short, deflating[0]) === short.plain)

        parameters.fromServer.hasContextTakeover = true
        deflating[0].state.compression = ConnectionCompression(
            parameters,
            options: .dedicated,
            shared: shared,
            isClient: false
        )
        #expect(frame(message, deflating[0]) == nil)
        bench.finish()
    }
}
