import Testing

@testable import StargateCore

@Suite("Messages, over a socket", .serialized)
struct MessageFlowTests {
    static let sizes = [
        0, 1, 125, 126, 127, 1000, 32767, 32768, 65535, 65536, 200_000, 600_000, 1 << 20,
    ]

    @Test("messages of every size come back as they were", arguments: sizes)
    func anySize(size: Int) async throws {
        let server = try TestServer(script: Script(writesMessagesDown: false))
        let peer = try RawPeer.open(server.address)
        let payload = [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            for index in 0..<size { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 &>> 3) }
            count = size
        }
        let text = [UInt8](repeating: 0x61, count: size)
        for (first, bytes) in [(UInt8(0x82), payload), (0x81, text)] {
            try peer.send(frame(first, bytes))
            let echo = try peer.receiveFrame()
            #expect(echo.first == first && echo.maskingKey == nil)
            #expect(echo.payload == bytes)
        }
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("frames glued behind the handshake are received after it")
    func glued() async throws {
        let server = try TestServer()
        let peer = try RawPeer(server.address)
        try peer.send(Array(upgradeRequest().utf8) + textFrame("first") + frame(0x89, [7]))
        #expect(try peer.receiveStatus().contains(" 101 "))
        #expect(try peer.receiveFrame().text == "first")
        #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [7]))
        await server.stop()
    }

    @Test("a handshake cut anywhere with frames behind it", arguments: [1, 2, 20, 100, 165])
    func gluedAndCut(cut: Int) async throws {
        let server = try TestServer()
        let bytes = Array(upgradeRequest().utf8) + textFrame("first") + textFrame("second")
        for place in stride(from: cut, to: bytes.count, by: 37) {
            let peer = try RawPeer(server.address)
            try peer.send(Array(bytes[..<place]))
            try peer.send(Array(bytes[place...]))
            #expect(try peer.receiveStatus().contains(" 101 "))
            #expect(try peer.receiveFrame().text == "first")
            #expect(try peer.receiveFrame().text == "second")
        }
        await server.stop()
    }

    @Test("a whole session, one byte at a time")
    func byteByByte() async throws {
        let server = try TestServer()
        let peer = try RawPeer(server.address)
        let long = String(repeating: "ü", count: 200)
        let bytes =
            Array(upgradeRequest().utf8) + textFrame("a") + frame(0x89, [1, 2, 3])
            + frame(0x01, [0xE2]) + frame(0x89, [4]) + frame(0x00, []) + frame(0x80, [0x98, 0x83])
            + textFrame(long) + frame(0x82, []) + closeFrame(1000, "done")
        for byte in bytes { try peer.send([byte]) }
        #expect(try peer.receiveStatus().contains(" 101 "))
        #expect(try peer.receiveFrame().text == "a")
        #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [1, 2, 3]))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [4]))
        #expect(try peer.receiveFrame().text == "☃")
        #expect(try peer.receiveFrame().text == long)
        #expect(try peer.receiveFrame() == RawFrame(first: 0x82, payload: []))
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        #expect(
            server.journal.events == [
                .opened, .text("a"), .text("☃"), .text(long), .binary([]), .closed(1000, "done"),
            ]
        )
    }

    @Test("a thousand messages in one segment are all answered, in order")
    func manyInOneSegment() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        try peer.send((0..<1000).flatMap { textFrame("message \($0)") })
        for index in 0..<1000 { #expect(try peer.receiveFrame().text == "message \(index)") }
        await server.stop()
        #expect(server.journal.events.count == 1002)
    }

    @Test(
        "fragments with control frames between them, in segments of every size",
        arguments: [1, 3, 10, 1000]
    )
    func fragments(segment: Int) async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        let bytes =
            frame(0x01, Array("one ".utf8)) + frame(0x89, [1]) + frame(0x8A, [9])
            + frame(0x00, Array("two ".utf8)) + frame(0x89, [UInt8](repeating: 5, count: 125))
            + frame(0x80, Array("three".utf8)) + textFrame("after")
        try peer.sendAsFarAsTaken(bytes, segment: segment)
        #expect(try peer.receiveFrame() == RawFrame(first: 0x8A, payload: [1]))
        #expect(
            try peer.receiveFrame()
                == RawFrame(first: 0x8A, payload: [UInt8](repeating: 5, count: 125))
        )
        #expect(try peer.receiveFrame().text == "one two three")
        #expect(try peer.receiveFrame().text == "after")
        // A Close frame may come in the middle of a message, which is then forgotten.
        try peer.send(frame(0x01, [0x61]) + closeFrame(1000))
        #expect(try peer.receiveFrame().closeCode == 1000)
        await server.stop()
        #expect(
            server.journal.events == [
                .opened, .ponged([9]), .text("one two three"), .text("after"), .closed(1000, ""),
            ]
        )
    }

    @Test("random traffic in random segments comes back exactly", arguments: UInt64(1)...4)
    func randomTraffic(seed: UInt64) async throws {
        let server = try TestServer(script: Script(writesMessagesDown: false))
        let peer = try RawPeer.open(server.address)
        var generator = SeededGenerator(state: seed)
        for _ in 0..<15 {
            var messages: [[UInt8]] = []
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let size = Int.random(
                    in: 0...(1 << Int.random(in: 1...16, using: &generator)),
                    using: &generator
                )
                let payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                messages.append(payload)
                bytes += Self.fragmented(payload, &generator)
            }
            let segment = Int.random(in: 1...max(1, bytes.count / 8), using: &generator)
            try peer.sendAsFarAsTaken(bytes, segment: segment)
            for payload in messages { #expect(try peer.receiveFrame().payload == payload) }
        }
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        #expect(lent == [0])
        await server.stop()
    }

    /// A message in up to four fragments.
    private static func fragmented(
        _ payload: [UInt8],
        _ generator: inout SeededGenerator
    ) -> [UInt8] {
        let cuts = (0..<Int.random(in: 0...3, using: &generator))
            .map { _ in Int.random(in: 0...payload.count, using: &generator) }.sorted()
        var bytes: [UInt8] = []
        var start = 0
        for (index, end) in (cuts + [payload.count]).enumerated() {
            let fin: UInt8 = index == cuts.count ? 0x80 : 0
            let key = (0..<4).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            bytes += frame(fin | (index == 0 ? 2 : 0), Array(payload[start..<end]), key: key)
            start = end
        }
        return bytes
    }

    @Test("the handle knows its connection, and outlives it")
    func handles() async throws {
        let journal = Journal()
        let script = Script(
            opened: { socket in
                journal.note(
                    "\(socket.isOpen) \(socket.protocolVersion) \(socket.subprotocol ?? "-")"
                )
                let isThere = socket.eventLoop != nil && socket.remoteAddress != nil
                journal.note("\(isThere)")
            },
            closed: { socket in
                let loop = socket.eventLoop
                loop?.schedule(after: .zero) { [id = socket.id] _ in
                    socket.resume()
                    socket.pause()
                    socket.ping()
                    socket.close()
                    socket.terminate()
                    let isSame = socket.id == id && socket == socket
                    journal.note(
                        "\(socket.isOpen) \(socket.send("x")) \(socket.bufferedAmount) \(isSame)"
                    )
                }
            }
        )
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        try peer.send(closeFrame(1000))
        #expect(try peer.receiveFrame().closeCode == 1000)
        peer.close()
        journal.wait { $0.count == 3 }
        await server.stop()
        #expect(
            journal.events == [
                .note("true rfc6455 -"), .note("true"), .note("false dropped 0 true"),
            ]
        )
    }
}
