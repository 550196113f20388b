import Testing

@testable import StargateCore

@Suite("Compressed messages that arrive in pieces, over a socket", .ownThreads)
struct InflatedInPiecesTests {
    private static let extensionField =
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    private static let options: [PerMessageDeflate] = [.shared, .dedicated]

    /// A compressor as a client has it.
    private static func deflater() -> Deflater {
        // With takeover even what does not shrink is compressed.
        Deflater(windowBits: 12, memoryLevel: 8, level: 9, hasContextTakeover: true)
    }

    /// A message that stands for itself.
    private static func compressed(_ message: [UInt8]) -> [UInt8] {
        var deflater = deflater()
        return compress(&deflater, message).payload
    }

    private static func open(_ server: borrowing TestServer) throws -> RawPeer {
        try RawPeer.open(server.address, extra: extensionField)
    }

    @Test(
        "THREATS 75: a bomb that is never finished is refused when it goes off",
        arguments: options
    )
    func bomb(options: PerMessageDeflate) async throws {
        let server = try TestServer(.quiet { $0.compression = options })
        let bomb = Self.compressed([UInt8](repeating: 0, count: 16 << 20))
        #expect(bomb.count < 64 << 10)
        let half = Array(bomb[..<(bomb.count / 2)])
        let unfinished = [
            // A fragment without an end, and a frame of which the rest does not come.
            frame(0x42, bomb),
            frame(0xC2, half, announced: 500_000),
            frame(0x42, Array(bomb[..<100])) + frame(0x00, Array(bomb[100...])),
        ]
        for bytes in unfinished {
            let peer = try Self.open(server)
            try peer.send(bytes)
            #expect(try peer.receiveFrame().closeCode == 1009)
            peer.close()
        }
        await server.stop()
        #expect(server.journal.closings.count == 3)
        #expect(!server.journal.events.contains { if case .binary = $0 { true } else { false } })
    }

    @Test("bad UTF-8 in a message that is not finished is refused at once", arguments: options)
    func badText(options: PerMessageDeflate) async throws {
        let server = try TestServer(.quiet { $0.compression = options })
        let peer = try Self.open(server)
        try peer.send(frame(0x41, Self.compressed(Array("good so far ".utf8) + [0xC0, 0x80])))
        #expect(try peer.receiveFrame().closeCode == 1007)
        peer.close()
        await server.stop()
    }

    @Test("messages in fragments and segments of every size come back", arguments: options)
    func pieces(options: PerMessageDeflate) async throws {
        let server = try TestServer(.quiet { $0.compression = options })
        let takesOver = options == .dedicated
        var deflater = Self.deflater()
        var generator = SeededGenerator(state: 11)
        let peer = try Self.open(server)
        var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
        for length in [0, 1, 100, 5000, 70_000, 300_000, 1 << 20] {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 / 7 % 120) }
            if !takesOver { deflater = Self.deflater() }
            let payload = compress(&deflater, message).payload
            var bytes: [UInt8] = []
            var start = 0
            var first: UInt8 = 0x42
            while start < payload.count {
                let end = min(payload.count, start + .random(in: 1...20_000, using: &generator))
                bytes += frame(first, Array(payload[start..<end]))
                // A ping between the fragments disturbs nothing.
                if first == 0x42 { bytes += frame(0x89, [1]) }
                first = 0
                start = end
            }
            bytes += frame(first | 0x80, [])
            var sent = 0
            while sent < bytes.count {
                let end = min(bytes.count, sent + .random(in: 1...30_000, using: &generator))
                try peer.send(Array(bytes[sent..<end]))
                sent = end
            }
            var answer = try peer.receiveFrame()
            if answer.opcode == 0xA { answer = try peer.receiveFrame() }
            let echoed =
                answer.first & 0x40 == 0
                ? answer.payload : inflate(&inflater, [answer.payload], limit: 1 << 21).bytes
            #expect(echoed == message, "\(length) bytes came back as \(echoed.count)")
        }
        // Nothing is lent, and no context but the connection's own is accounted for.
        let left = await server.inspect {
            ($0.loop.state.buffers.lentByteCount, $0.loop.state.memory.compression)
        }
        #expect(left.allSatisfy { $0.0 == 0 && (takesOver || $0.1 == 0) })
        peer.close()
        await server.stop()
    }

    @Test("what an unfinished message holds is on the accounts, and gone with its connection")
    func accounts() async throws {
        let server = try TestServer(.quiet { $0.compression = .shared })
        let message = [UInt8](repeating: 65, count: 500_000)
        let peer = try Self.open(server)
        try peer.send(frame(0x41, Self.compressed(message)) + frame(0x89, [7]))
        #expect(try peer.receiveFrame().payload == [7])
        let held = await server.inspect {
            ($0.loop.state.buffers.lentByteCount, $0.loop.state.memory.compression)
        }
        #expect(held.contains { $0.0 >= 500_000 && $0.1 > 30_000 })
        peer.close()
        server.journal.wait { $0.contains(where: \.isClosed) }
        let left = await server.inspect {
            $0.loop.state.buffers.lentByteCount + $0.loop.state.memory.compression
        }
        #expect(left.allSatisfy { $0 == 0 })
        await server.stop()
    }
}
