import Synchronization
import Testing

@testable import StargateCore

@Suite("Topics, over sockets", .serialized)
struct TopicDeliveryTests {
    @Test("a message goes to all others, on both loops, once")
    func others() async throws {
        let server = try TopicServer(.twoLoops)
        let peers = try (0..<8).map { _ in try server.subscriber("room/1", "room/+", "#") }
        #expect(await server.server.subscriberCount(of: "room/1") == 8)
        #expect(await server.server.subscriberCount(of: "hall") == 8)
        #expect(try peers[0].ask("+room/1") == "alreadySubscribed")
        try peers[0].send(textFrame(">room/1 hello"))
        // What is not for them does not come in between.
        for peer in peers.dropFirst() { #expect(try peer.nextText == "hello") }
        server.server.publish("to all", to: "room/1")
        for peer in peers { #expect(try peer.nextText == "to all") }
        server.server.publish(
            [1, 2, 3],
            to: "x",
            except: server.log.connections.withLock { $0[0] }
        )
        for peer in peers.dropFirst() {
            #expect(try peer.receiveFrame() == RawFrame(first: 0x82, payload: [1, 2, 3]))
        }
        #expect(try peers[0].ask("?").hasSuffix(##"["#", "room/+", "room/1"]"##))
        await server.stop()
    }

    @Test("unsubscribing ends it, for that filter")
    func unsubscribe() async throws {
        let server = try TopicServer()
        let peer = try server.subscriber("a", "b")
        #expect(try peer.ask("-a") == "true")
        #expect(try peer.ask("-a") == "false")
        server.server.publish("not any more", to: "a")
        server.server.publish("still", to: "b")
        #expect(try peer.nextText == "still")
        #expect(try peer.ask("<") == "0")
        #expect(await server.server.subscriberCount(of: "b") == 0)
        await server.stop()
    }

    @Test("a connection that is over has no topics, however it ended")
    func ends() async throws {
        let server = try TopicServer()
        let (closing, vanishing, resetting) = (
            try server.subscriber("t"), try server.subscriber("t"), try server.subscriber("t")
        )
        let staying = try server.subscriber("t")
        try closing.send(closeFrame(1000))
        vanishing.close()
        resetting.reset()
        #expect(server.log.journal.wait { $0.filter(\.isClosed).count == 3 })
        #expect(await server.server.subscriberCount(of: "t") == 1)
        server.server.publish("to the last", to: "t")
        #expect(try staying.nextText == "to the last")
        await server.stop()
    }

    @Test("a closing connection publishes, and its last words are heard by the others")
    func lastWords() async throws {
        let server = try TopicServer()
        let listener = try server.subscriber("t")
        let leaving = try server.subscriber("t")
        try leaving.send(textFrame("!t has left"))
        try leaving.send(closeFrame(1000))
        #expect(try listener.nextText == "has left")
        let hasty = try server.subscriber("t")
        try hasty.send(textFrame("x>t and closes"))
        #expect(try listener.nextText == "and closes")
        // What was published before the closing handshake leaves before the Close frame.
        await server.server.withConnection(server.log.connections.withLock { $0[0] }) { socket in
            socket.subscribe(to: "u")
        }
        server.server.publish("before", to: "u")
        await server.server.close(server.log.connections.withLock { $0[0] })
        #expect(try listener.nextText == "before")
        #expect(try listener.receiveFrame().closeCode == 1000)
        await server.stop()
    }

    @Test("the first subscriber comes, the last goes: told once each, in order")
    func firstAndLast() async throws {
        let notes = Journal()
        let server = try TopicServer(.twoLoops) { server in
            server.onTopic(
                first: { notes.note("first \($0)") },
                last: { notes.note("last \($0)") }
            )
        }
        for _ in 0..<3 {
            let peers = try (0..<6).map { _ in try server.subscriber("t") }
            for (index, peer) in peers.enumerated() {
                if index % 2 == 0 { #expect(try peer.ask("-t") == "true") } else { peer.close() }
            }
            #expect(notes.wait { $0.count % 2 == 0 && !$0.isEmpty })
            while await server.server.subscriberCount(of: "t") > 0 {}
        }
        #expect(notes.wait { $0.count >= 6 })
        await server.stop()
        let expected = ["first t", "last t"].map(HandlerEvent.note)
        #expect(notes.events == expected + expected + expected)
    }

    @Test("every kind of peer gets its own encoding")
    func encodings() async throws {
        let server = try TopicServer(
            .quiet {
                $0.protocols = .all
                $0.compression = PerMessageDeflate(serverNoContextTakeover: false)
            }
        )
        let text = String(repeating: "stargate ", count: 50)
        let plain = try server.subscriber("t")
        let offer = "Sec-WebSocket-Extensions: permessage-deflate"
        let dedicated = try server.subscriber("t", extra: "\(offer)\r\n")
        let shared = try (0..<2).map { _ in
            try server.subscriber("t", extra: "\(offer); server_no_context_takeover\r\n")
        }
        let hixie = try Self.hixiePeer(server.address)
        server.server.publish(text, to: "t")
        server.server.publish([1, 2, 3], to: "t")
        server.server.publish(text, to: "t")
        #expect(try plain.nextText == text)
        #expect(try plain.receiveFrame().payload == [1, 2, 3])
        #expect(try plain.nextText == text)
        #expect(
            try hixie.receive(exactly: 2 * (text.utf8.count + 2))
                == [0] + Array(text.utf8) + [0xFF, 0] + Array(text.utf8) + [0xFF]
        )
        for (peer, hasTakeover) in [(dedicated, true), (shared[0], false), (shared[1], false)] {
            var inflater = Inflater(windowBits: 15, hasContextTakeover: hasTakeover)
            var sizes: [Int] = []
            for _ in 0..<2 {
                var frame = try peer.receiveFrame()
                if frame.first == 0x82 { frame = try peer.receiveFrame() }
                #expect(frame.first == 0xC1)
                sizes.append(frame.payload.count)
                var buffer = MessageBuffer(limit: 1 << 20)
                let outcome = frame.payload.withUnsafeBytes {
                    inflater.inflate($0, isFinal: true, limit: 1 << 20, into: &buffer)
                }
                #expect(outcome == .done && Array(buffer.bytes) == Array(text.utf8))
            }
            // Only with a context of its own is the second message shorter.
            #expect((sizes[1] < sizes[0]) == hasTakeover)
        }
        await server.stop()
        #expect(server.log.droppedCount.load(ordering: .relaxed) == 1)
    }

    /// A subscriber that speaks draft-hixie-75.
    private static func hixiePeer(_ address: SocketAddress) throws -> RawPeer {
        let peer = try RawPeer(address)
        try peer.send(
            "GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: localhost\r\n"
                + "Origin: http://localhost\r\n\r\n"
        )
        _ = try peer.receive(through: "\r\n\r\n")
        try peer.send([0] + Array("+t".utf8) + [0xFF])
        #expect(try peer.receive(exactly: 12) == [0] + Array("subscribed".utf8) + [0xFF])
        return peer
    }

    @Test(
        "a prepared message of any size is sent by hand",
        arguments: [0, 5, 2043, 2044, 2045, 70_000]
    )
    func prepared(size: Int) async throws {
        let server = try TopicServer()
        let peers = try (0..<3).map { _ in try server.subscriber("t") }
        let message = PreparedMessage(text: String(repeating: "x", count: size))
        #expect(message.byteCount == size && message.isText)
        #expect(await server.server.forEachConnection { $0.send(message) } == 3)
        server.server.publish(message, to: "t")
        for peer in peers {
            #expect(try peer.nextText.utf8.count == size)
            #expect(try peer.nextText.utf8.count == size)
        }
        await server.stop()
    }

    @Test("nothing is published by a server that does not run")
    func notRunning() async throws {
        let server = Server(configuration: .quiet)
        #expect(server.publish("x", to: "t") == false)
        #expect(await server.subscriberCount(of: "t") == 0)
        try server.start()
        #expect(server.publish("x", to: "t"))
        await server.stop()
        #expect(server.publish("x", to: "t") == false)
        #expect(
            await server.withConnection(ConnectionID(loop: 0, slot: 0, generation: 0)) { _ in 1 }
                == nil
        )
    }

    @Test("a connection is reached by its name, until it is gone")
    func names() async throws {
        let server = try TopicServer(.twoLoops)
        let peers = try (0..<6).map { _ in try server.subscriber("t") }
        let names = server.log.connections.withLock { $0 }
        #expect(names.count == 6 && Set(names).count == 6)
        for (peer, name) in zip(peers, names) {
            #expect(await server.server.send("to \(name)", to: name) == .sent)
            #expect(try peer.nextText == "to \(name)")
        }
        #expect(await server.server.withConnection(names[1]) { $0.topicCount } == 1)
        #expect(await server.server.forEachConnection { $0.send("all") } == 6)
        for peer in peers { #expect(try peer.nextText == "all") }
        #expect(await server.server.close(names[0], code: .goingAway, reason: "enough"))
        #expect(try peers[0].receiveFrame().closeCode == 1001)
        try peers[0].send(closeFrame(1001))
        #expect(server.log.journal.wait { $0.contains(where: \.isClosed) })
        #expect(await server.server.send("x", to: names[0]) == nil)
        #expect(await server.server.close(names[0]) == false)
        // Its block may serve another by now: that one is not meant.
        let later = try server.subscriber("t")
        #expect(await server.server.send("x", to: names[0]) == nil)
        let stranger = ConnectionID(loop: 99, slot: 0, generation: 0)
        #expect(await server.server.withConnection(stranger) { _ in true } == nil)
        later.close()
        await server.stop()
    }
}
