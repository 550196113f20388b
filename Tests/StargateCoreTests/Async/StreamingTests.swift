// Messages that are taken part by part, by servers and clients, of every kind of connection.

import Glibc
import Synchronization
import Testing

@testable import StargateCore

@Suite("Messages in parts", .serialized, .ownThreads)
struct StreamingTests {
    /// A server that tells of each message what it was: its type, its length and a checksum.
    private static func countingServer(
        _ configuration: Server.Configuration = .quiet,
        maxMessageSize: Int? = nil,
        credit: ReceiveCredit = ReceiveCredit()
    ) throws -> Server {
        let server = Server(configuration: configuration)
        server.streamingWebSocket(
            "/*",
            origin: .any,
            maxMessageSize: maxMessageSize,
            receiveCredit: credit
        ) { socket, messages in
            for try await message in messages {
                var sum = Checksum()
                for try await part in message {
                    guard !part.isEmpty else { throw CancellationError() }
                    sum.add(part)
                }
                try await socket.send("\(message.isText ? "text" : "binary") \(sum)")
            }
        }
        try server.start()
        return server
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test("a message arrives whole, however its frames and the reads are cut")
    func cuts() async throws {
        let server = try Self.countingServer()
        let address = try #require(server.addresses.first)
        let peer = try RawPeer.open(address)
        for length in [0, 1, 125, 126, 65_535, 65_536, 65_537, 700_000] {
            let payload = Self.bytes(length)
            let expected = "binary \(Checksum(payload))"
            try peer.send(frame(0x82, payload))
            #expect(try peer.receiveFrame().text == expected)
            for fragment in [1000, 70_000] where length > fragment {
                var wire: [UInt8] = []
                for start in stride(from: 0, to: length, by: fragment) {
                    let end = min(length, start + fragment)
                    let isLast = end == length
                    let opcode: UInt8 = start == 0 ? 2 : 0
                    wire += frame((isLast ? 0x80 : 0) | opcode, Array(payload[start..<end]))
                    // A ping between the fragments is answered at once.
                    if start == 0 { wire += frame(0x89, [7]) }
                }
                try peer.send(wire)
                #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [7]))
                #expect(try peer.receiveFrame().text == expected)
            }
        }
        // Empty fragments at every place.
        try peer.send(
            frame(0x01) + frame(0x00) + frame(0x00, [0x61]) + frame(0x00) + frame(0x80)
        )
        #expect(try peer.receiveFrame().text == "text \(Checksum([0x61]))")
        await server.stop()
    }

    @Test("every split of two short messages")
    func everySplit() async throws {
        let server = try Self.countingServer()
        let address = try #require(server.addresses.first)
        let peer = try RawPeer.open(address)
        let text = Array("grüße 🌍".utf8)
        let wire =
            frame(0x01, Array(text[..<3])) + frame(0x80, Array(text[3...])) + frame(0x82, [1, 2])
        for split in 1..<wire.count {
            try peer.send(Array(wire[..<split]))
            usleep(300)
            try peer.send(Array(wire[split...]))
            #expect(try peer.receiveFrame().text == "text \(Checksum(text))")
            #expect(try peer.receiveFrame().text == "binary \(Checksum([1, 2]))")
        }
        await server.stop()
    }

    @Test("what is not text is refused where it stops being it; a limit of one's own holds")
    func refusals() async throws {
        let server = try Self.countingServer(maxMessageSize: 100_000)
        let address = try #require(server.addresses.first)
        let cases: [(bytes: [UInt8], code: UInt16)] = [
            (frame(0x01, [0x61, 0xFF]), 1007),
            (frame(0x01, [0xC3]) + frame(0x80, [0x28]), 1007),
            (frame(0x81, [0xC3]), 1007),
            (frame(0x01, [0xC3]) + frame(0x80), 1007),
            (frame(0x82, announced: 100_001), 1009),
            (frame(0x02, Self.bytes(60_000)) + frame(0x80, announced: 40_001), 1009),
            (frame(0x80), 1002),
            (frame(0x01) + frame(0x81), 1002),
        ]
        for (bytes, code) in cases {
            let peer = try RawPeer.open(address)
            try peer.send(bytes)
            #expect(try peer.receiveFrame().closeCode == code)
        }
        let peer = try RawPeer.open(address)
        try peer.send(frame(0x02, Self.bytes(60_000)) + frame(0x80, Self.bytes(40_000)))
        #expect(try peer.receiveFrame().text.hasPrefix("binary 100000 "))
        await server.stop()
    }

    @Test("a message far longer than any buffer is held back by credit, and nothing is missing")
    func credit() async throws {
        let gate = Gate()
        let most = Atomic<Int>(0)
        let server = Server(configuration: .quiet { $0.keepAliveInterval = nil })
        server.streamingWebSocket(
            "/*",
            origin: .any,
            receiveCredit: ReceiveCredit(byteCount: 128 << 10)
        ) { socket, messages in
            for try await message in messages {
                try await gate.wait()
                var sum = Checksum()
                for try await part in message {
                    sum.add(part)
                    let loop = socket.socket?.eventLoop?.loop
                    most.max(loop?.state.buffers.lentByteCount ?? 0, ordering: .relaxed)
                }
                try await socket.send("\(sum)")
            }
        }
        try server.start()
        let address = try #require(server.addresses.first)
        let peer = try RawPeer.open(address)
        let payload = Self.bytes(16 << 20)
        let wire = frame(0x82, payload)
        var sent = 0
        var refusals = 0
        while refusals < 20, sent < wire.count {
            let count = peer.sendWhatFits(Array(wire[sent..<min(sent + 65_536, wire.count)]))
            sent += count
            refusals = count == 0 ? refusals + 1 : 0
            if count == 0 { usleep(10_000) }
        }
        #expect(sent < wire.count)
        gate.open()
        while sent < wire.count {
            let end = min(sent + 65_536, wire.count)
            try peer.send(Array(wire[sent..<end]))
            sent = end
        }
        #expect(try peer.receiveFrame().text == "\(Checksum(payload))")
        // What one read brought and could not be handed on: never the message.
        #expect(most.load(ordering: .relaxed) <= 2 << 20)
        await server.stop()
    }

    @Test("a bomb is inflated as its parts are taken", arguments: [false, true])
    func bomb(takeover: Bool) async throws {
        let server = try Self.countingServer(
            .quiet { $0.compression = PerMessageDeflate() },
            credit: ReceiveCredit(byteCount: 64 << 10)
        )
        let address = try #require(server.addresses.first)
        let extra =
            "Sec-WebSocket-Extensions: permessage-deflate"
            + (takeover ? "" : "; client_no_context_takeover") + "\r\n"
        let peer = try RawPeer.open(address, extra: extra)
        let payload = [UInt8](repeating: 0, count: 16 << 20)
        var deflater = Deflater(
            windowBits: 15,
            memoryLevel: 8,
            level: 6,
            hasContextTakeover: takeover
        )
        for _ in 0..<2 {
            let compressed = compress(&deflater, payload).payload
            #expect(compressed.count < 40_000)
            let half = compressed.count / 2
            try peer.send(frame(0x42, Array(compressed[..<half])))
            try peer.send(frame(0x80, Array(compressed[half...])))
            #expect(try peer.receiveFrame().text == "binary \(Checksum(payload))")
        }
        let text = [[UInt8]](repeating: Array("grüße ".utf8), count: 40).flatMap { $0 }
        try peer.send(frame(0xC1, compress(&deflater, text).payload))
        #expect(try peer.receiveFrame().text == "text \(Checksum(text))")
        // Text that is not, once it is inflated.
        try peer.send(frame(0xC1, compress(&deflater, text + [0xC3]).payload))
        #expect(try peer.receiveFrame().closeCode == 1007)
        await server.stop()
    }

    @Test("a handler may skip a message, or the rest of it")
    func skipping() async throws {
        let server = Server(configuration: .quiet)
        server.streamingWebSocket("/*", origin: .any) { socket, messages in
            for try await message in messages {
                var pieces = message.text.makeAsyncIterator()
                var text = try await pieces.next() ?? ""
                if text.hasPrefix("skip") { continue }
                if text.hasPrefix("collect") {
                    text += "\(try await message.collect(upTo: 10).byteCount)"
                }
                while let piece = try await pieces.next() { text += piece }
                try await socket.send(text)
            }
        }
        try server.start()
        let peer = try RawPeer.open(try #require(server.addresses.first))
        try peer.send(frame(0x01, Array("skip".utf8)) + frame(0x80, [0x61]))
        try peer.send(frame(0x81) + textFrame("skip it") + textFrame("taken"))
        #expect(try peer.receiveFrame().text == "")
        #expect(try peer.receiveFrame().text == "taken")
        // A character that is cut is put together.
        try peer.send(frame(0x01, [0x61, 0xF0, 0x9F]))
        usleep(20_000)
        try peer.send(frame(0x80, [0x8C, 0x8D]))
        #expect(try peer.receiveFrame().text == "a🌍")
        // More than is collected.
        let collect = frame(0x01, Array("collect".utf8))
        for count in [10, 11] {
            try peer.send(collect)
            usleep(20_000)
            try peer.send(frame(0x80, [UInt8](repeating: 0x62, count: count)))
            if count == 10 { #expect(try peer.receiveFrame().text == "collect10") }
        }
        #expect(try peer.receiveFrame().closeCode == 1009)
        await server.stop()
    }

    @Test("a connection that ends within a message is an error there", arguments: [true, false])
    func cutOff(saysGoodbye: Bool) async throws {
        let journal = Journal()
        let server = Server(configuration: .quiet)
        server.streamingWebSocket("/*", origin: .any) { _, messages in
            for try await message in messages {
                do {
                    for try await _ in message { journal.note("part") }
                } catch let end as WebSocketClosed {
                    journal.note("\(end.code.rawValue)")
                }
            }
        }
        try server.start()
        let peer = try RawPeer.open(try #require(server.addresses.first))
        try peer.send(frame(0x02, [1, 2, 3]))
        #expect(journal.wait(for: .note("part")))
        if saysGoodbye { try peer.send(closeFrame(1000)) } else { peer.close() }
        #expect(journal.wait(for: .note(saysGoodbye ? "1000" : "1006")))
        await server.stop()
    }

    @Test(
        "a client streams to a server that streams back, in every protocol",
        arguments: [ProtocolVersion.rfc6455, .hybi8, .hybi7, .hixie76, .hixie75]
    )
    func bothWays(version: ProtocolVersion) async throws {
        let server = Server(configuration: .quiet { $0.protocols = .all })
        server.streamingWebSocket("/*", origin: .any) { socket, messages in
            for try await message in messages {
                try await socket.withTextWriter { writer in
                    for try await piece in message.text { try await writer.write(piece) }
                }
            }
        }
        try server.start()
        let loops = try LoopGroup(count: 1)
        var request = try ClientRequest(url: "ws://\(try #require(server.addresses.first))/")
        request.protocolVersion = version
        request.origin = "http://localhost"
        let block = String(repeating: "Größe €5 🌍 ", count: 5_000)
        let count = try await WebSocketClient(loops: loops).withStreamingConnection(request) {
            socket,
            messages in
            try await socket.withTextWriter { writer in
                for _ in 0..<8 { try await writer.write(block) }
            }
            var received = 0
            for try await message in messages {
                for try await piece in message.text { received += piece.utf8.count }
                break
            }
            return received
        }
        #expect(count == 8 * block.utf8.count)
        await server.stop()
        await loops.stop()
    }

    @Test(
        "a streamed message is compressed as one, unless it must not be",
        arguments: [PerMessageDeflate.shared, .dedicated],
        [true, false]
    )
    func compressedStream(options: PerMessageDeflate, compress: Bool) async throws {
        let server = Server(configuration: .quiet { $0.compression = options })
        let block = String(repeating: "Größe €5 🌍 ", count: 1000)
        server.webSocket("/*", origin: .any) { (socket: AsyncWebSocket) in
            for _ in 0..<2 {
                try await socket.withTextWriter(compress: compress) { writer in
                    for _ in 0..<4 { try await writer.write(block) }
                }
            }
            try await socket.send(block)
        }
        try server.start()
        let peer = try RawPeer.open(
            try #require(server.addresses.first),
            extra: "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        )
        var inflater = Inflater(windowBits: 15, hasContextTakeover: options == .dedicated)
        for count in [4, 4, 1] {
            let isCompressed = compress || count == 1
            let first: UInt8 = (isCompressed ? 0x41 : 0x01) | (count == 1 ? 0x80 : 0)
            var pieces: [[UInt8]] = []
            repeat {
                let frame = try peer.receiveFrame()
                #expect(frame.first & 0x7F == (pieces.isEmpty ? first & 0x7F : 0))
                pieces.append(frame.payload)
                if frame.first & 0x80 != 0 { break }
            } while true
            let message = Array(String(repeating: block, count: count).utf8)
            if isCompressed {
                #expect(pieces.joined().count < message.count / 4)
                #expect(inflate(&inflater, pieces).bytes == message)
            } else {
                #expect(Array(pieces.joined()) == message)
            }
        }
        #expect(try peer.receiveFrame().closeCode == 1000)
        peer.close()
        await server.stop()
    }

    @Test("nothing comes between the fragments of a message that is being sent")
    func publicationsWait() async throws {
        let gate = Gate()
        let journal = Journal()
        let server = Server(configuration: .quiet)
        server.webSocket("/*", origin: .any) { (socket: AsyncWebSocket) in
            socket.socket?.subscribe(to: "t")
            try await socket.withTextWriter { writer in
                try await writer.write("one ")
                journal.note("begun")
                try await gate.wait()
                journal.note("\(socket.socket?.send("between") ?? .unsupported)")
                try await writer.write("message")
            }
            for try await _ in socket.messages {}
        }
        try server.start()
        let peer = try RawPeer.open(try #require(server.addresses.first))
        #expect(journal.wait(for: .note("begun")))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x01, payload: Array("one ".utf8)))
        server.publish("published", to: "t")
        // The publication is with the connection when this comes back.
        #expect(await server.forEachConnection { _ in } == 1)
        gate.open()
        #expect(try peer.receiveFrame() == RawFrame(first: 0, payload: Array("message".utf8)))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x80, payload: []))
        #expect(try peer.receiveFrame().text == "published")
        #expect(journal.events.contains(.note("unfinished")))
        await server.stop()
    }
}

/// The length of some bytes and what tells them from others, made part by part.
private struct Checksum: CustomStringConvertible {
    private var count = 0
    private var hash: UInt32 = 2_166_136_261

    init(_ bytes: [UInt8] = []) { add(bytes) }

    mutating func add(_ bytes: [UInt8]) {
        // Every seventh byte of the whole: enough to find what is missing, twice or elsewhere.
        var index = (7 - count % 7) % 7
        count += bytes.count
        while index < bytes.count {
            hash = (hash ^ UInt32(bytes[index])) &* 16_777_619
            index += 7
        }
    }

    var description: String { "\(count) \(hash)" }
}
