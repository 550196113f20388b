import Testing

@testable import StargateCore

@Suite("Messages that are sent in fragments, over a socket", .ownThreads)
struct FragmentSendingTests {
    private static let extensionField =
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    private static let text = String(repeating: "Größe €5 🌍 {\"key\": \"value\"} ", count: 200)

    /// Sends a message in fragments of `size` bytes, and a ping after the first.
    private static func send(
        _ message: [UInt8],
        isText: Bool,
        by size: Int,
        compress: Bool = true,
        on socket: WebSocket
    ) {
        var start = 0
        repeat {
            let end = min(message.count, start + size)
            let result = socket.sendFragment(
                message.span.bytes.extracting(start..<end),
                isText: isText,
                isFinal: end == message.count,
                compress: compress
            )
            #expect(result == .sent || result == .queued)
            #expect(socket.isSendingFragments == (end < message.count))
            if start == 0 { socket.ping() }
            start = end
        } while start < message.count
    }

    @Test("frames are as RFC 6455 5.4 has them, and control frames may come between")
    func frames() async throws {
        let journal = Journal()
        let server = try TestServer(
            script: Script(received: { _, socket in
                journal.note("\(socket.sendFragment("one ", isFinal: false))")
                // Of no account: the first fragment has said what the message is.
                let rest: [UInt8] = Array("two".utf8)
                journal.note("\(socket.sendFragment(rest.span.bytes, isFinal: false))")
                socket.ping()
                journal.note("\(socket.send("between"))")
                journal.note("\(socket.send(PreparedMessage(text: "between")))")
                journal.note("\(socket.sendFragment("", isFinal: true))")
                journal.note("\(socket.send("after"))")
                // A message in one fragment is a message like others.
                journal.note("\(socket.sendFragment(rest.span.bytes, isFinal: true))")
                return false
            })
        )
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("go"))
        let expected = [
            RawFrame(first: 0x01, payload: Array("one ".utf8)),
            RawFrame(first: 0x00, payload: Array("two".utf8)),
            RawFrame(first: 0x89, payload: []),
            RawFrame(first: 0x80, payload: []),
            RawFrame(first: 0x81, payload: Array("after".utf8)),
            RawFrame(first: 0x82, payload: Array("two".utf8)),
        ]
        for frame in expected { #expect(try peer.receiveFrame() == frame) }
        let results = ["sent", "sent", "unfinished", "unfinished", "sent", "sent", "sent"]
        #expect(journal.events == results.map(HandlerEvent.note))
        let counters = await server.server.counters()
        #expect(counters.messagesSent == 3)
        #expect(counters.messagesDropped == 2)
        peer.close()
        await server.stop()
    }

    @Test(
        "fragments are compressed as one message, with RSV1 on the first",
        arguments: [PerMessageDeflate.shared, .dedicated],
        [1, 7, 1000, 100_000]
    )
    func compressed(options: PerMessageDeflate, size: Int) async throws {
        let message = Array(Self.text.utf8)
        let server = try TestServer(
            .quiet { $0.compression = options },
            script: Script(received: { event, socket in
                let isSecret = event == .text("secret")
                Self.send(message, isText: true, by: size, compress: !isSecret, on: socket)
                return true
            })
        )
        let peer = try RawPeer.open(server.address, extra: Self.extensionField)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: options == .dedicated)
        // The second may refer to the first where contexts are taken over.
        for request in ["one", "two", "secret"] {
            try peer.send(textFrame(request))
            let isCompressed = request != "secret"
            var pieces: [[UInt8]] = []
            while true {
                let frame = try peer.receiveFrame()
                if frame.first == 0x89 { continue }
                let isFinal = frame.first & 0x80 != 0
                let opcode: UInt8 = pieces.isEmpty ? (isCompressed ? 0x41 : 0x01) : 0x00
                #expect(frame.first == (isFinal ? 0x80 : 0) | opcode)
                pieces.append(frame.payload)
                if isFinal { break }
            }
            #expect(pieces.count == (message.count + size - 1) / size)
            if isCompressed {
                #expect(inflate(&inflater, pieces) == Inflated(outcome: .done, bytes: message))
                if size >= 1000 { #expect(pieces.joined().count < message.count / 4) }
            } else {
                #expect(Array(pieces.joined()) == message)
            }
            // The echo comes behind it, in the same context.
            var echo = try peer.receiveFrame()
            if echo.first == 0x89 { echo = try peer.receiveFrame() }
            if echo.first == 0xC1 {
                let text = inflate(&inflater, [echo.payload]).bytes
                #expect(text == Array(request.utf8))
            } else {
                #expect(echo.text == request)
            }
        }
        peer.close()
        await server.stop()
    }

    @Test("each fragment can be read when it has arrived", arguments: [PerMessageDeflate.shared])
    func prompt(options: PerMessageDeflate) async throws {
        let server = try TestServer(
            .quiet { $0.compression = options },
            script: Script(received: { event, socket in
                if case .text(let text) = event {
                    _ = socket.sendFragment(text, isFinal: text == "end")
                }
                return false
            })
        )
        let peer = try RawPeer.open(server.address, extra: Self.extensionField)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: false)
        var buffer = MessageBuffer(limit: 1 << 20)
        var expected: [UInt8] = []
        for text in ["begin", "go on", "end"] {
            try peer.send(textFrame(text))
            let payload = try peer.receiveFrame().payload
            #expect(feed(&inflater, payload, text == "end", 1 << 20, &buffer) == .done)
            expected += Array(text.utf8)
            #expect(Array(buffer.bytes) == expected)
        }
        peer.close()
        await server.stop()
    }

    @Test("the memory of a compressor for fragments goes with the message, and with the connection")
    func memory() async throws {
        let server = try TestServer(
            .quiet { $0.compression = .shared },
            script: Script(received: { event, socket in
                _ = socket.sendFragment(Self.text, isFinal: event == .text("end"))
                return false
            })
        )
        let peer = try RawPeer.open(server.address, extra: Self.extensionField)
        func held() async -> Int? {
            await server.inspect { $0.loop.state.memory.compression }.first
        }
        try peer.send(textFrame("begin"))
        #expect(try peer.receiveFrame().first == 0x41)
        #expect(try #require(await held()) > 10_000)
        try peer.send(textFrame("end"))
        #expect(try peer.receiveFrame().first == 0x80)
        #expect(await held() == 0)
        try peer.send(textFrame("begin"))
        _ = try peer.receiveFrame()
        peer.close()
        #expect(server.journal.waitForClosed() != nil)
        #expect(await held() == 0)
        await server.stop()
    }

    @Test("what is published meanwhile comes behind the message")
    func publications() async throws {
        let server = try TestServer(
            .quiet { $0.compression = .dedicated },
            script: Script(
                opened: { $0.subscribe(to: "t") },
                received: { event, socket in
                    _ = socket.sendFragment("part ", isFinal: event == .text("end"))
                    return false
                }
            )
        )
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("begin"))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x01, payload: Array("part ".utf8)))
        server.server.publish("published", to: "t")
        #expect(await server.server.forEachConnection { _ in } == 1)
        try peer.send(textFrame("end"))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x80, payload: Array("part ".utf8)))
        #expect(try peer.receiveFrame().text == "published")
        peer.close()
        await server.stop()
    }

    @Test("a fragment for which there is no room is not sent, and can be sent again")
    func fullQueue() async throws {
        let journal = Journal()
        let block = [UInt8](repeating: 7, count: 50_000)
        let server = try TestServer(
            .quiet {
                $0.outputSoftLimit = 100_000
                $0.outputHardLimit = 200_000
                $0.slowConsumerPolicy = .dropNewest
            },
            script: Script(
                received: { _, socket in
                    var count = 0
                    while socket.sendFragment(block.span.bytes, isFinal: false) != .dropped {
                        count += 1
                    }
                    journal.note("\(count)")
                    return false
                },
                drained: { socket in
                    journal.note("\(socket.sendFragment(block.span.bytes, isFinal: true))")
                }
            )
        )
        let peer = try RawPeer.open(server.address, receiveBuffer: 16_384)
        try peer.send(frame(0x82, [1]))
        #expect(journal.wait { !$0.isEmpty })
        guard case .note(let note)? = journal.events.first, let count = Int(note) else {
            Issue.record("nothing was sent")
            return
        }
        for index in 0...count {
            let frame = try peer.receiveFrame()
            #expect(frame.first == (index == 0 ? 0x02 : index == count ? 0x80 : 0x00))
            #expect(frame.payload == block)
        }
        peer.close()
        await server.stop()
    }

    @Test("a client sends masked fragments, compressed or not", arguments: [false, true])
    func client(isCompressed: Bool) async throws {
        let server = try TestServer(.quiet { $0.compression = .dedicated })
        var request = try ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/")
        if isCompressed { request.compression = .dedicated }
        let journal = Journal()
        let message = Array(Self.text.utf8)
        let script = Script(
            opened: { socket in
                Self.send(message, isText: true, by: 1000, on: socket)
                Self.send(message, isText: false, by: 3, on: socket)
            },
            received: { event, socket in
                if case .binary = event { socket.close() }
                return false
            }
        )
        let group = try LoopGroup(count: 1)
        defer { group.stopBlocking() }
        let ready = request
        group.mailboxes.first?.post { loop in
            WebSocketClient.connect(ready, on: loop, handler: ScriptedHandler(journal, script)) {
                if case .failure(let error) = $0 { journal.note("\(error)") }
            }
        }
        #expect(journal.waitForClosed() != nil)
        #expect(journal.events.contains(.text(Self.text)))
        #expect(journal.events.contains(.binary(message)))
        await server.stop()
    }

    @Test("a hixie draft has no fragments", arguments: [ProtocolVersion.hixie75, .hixie76])
    func hixie(version: ProtocolVersion) async throws {
        let journal = Journal()
        let server = try TestServer(
            .quiet { $0.protocols = .all },
            script: Script(opened: { socket in
                journal.note("\(socket.sendFragment("one ", isFinal: false))")
                journal.note("\(socket.isSendingFragments)")
                socket.close()
            })
        )
        var request = try ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/")
        request.protocolVersion = version
        request.origin = "http://127.0.0.1"
        let ready = request
        let group = try LoopGroup(count: 1)
        defer { group.stopBlocking() }
        let ended = Journal()
        group.mailboxes.first?.post { loop in
            WebSocketClient.connect(ready, on: loop, handler: ScriptedHandler(ended, .echo)) { _ in
            }
        }
        #expect(ended.waitForClosed() != nil)
        #expect(journal.events == [.note("unsupported"), .note("false")])
        await server.stop()
    }

    @Test("what begins a message and does not end it may still close")
    func unfinished() async throws {
        let journal = Journal()
        let server = try TestServer(
            script: Script(received: { _, socket in
                _ = socket.sendFragment("half", isFinal: false)
                socket.close(.internalError)
                journal.note("\(socket.sendFragment("rest", isFinal: true))")
                return false
            })
        )
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("go"))
        #expect(try peer.receiveFrame().first == 0x01)
        #expect(try peer.receiveFrame().closeCode == 1011)
        #expect(journal.events == [.note("dropped")])
        peer.close()
        await server.stop()
    }
}
