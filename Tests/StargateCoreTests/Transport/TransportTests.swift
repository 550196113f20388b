import Glibc
import Testing

@testable import StargateCore

/// What every way to serve sockets has to do alike. On Linux the portable one is not used otherwise;
/// `Scripts/portable-tests.sh` runs whole suites on it.
@Suite("Transports, over a socket", .ownThreads)
struct TransportTests {
    private static let choices: [TransportChoice] = [.native, .portable]

    private static func server(
        _ choice: TransportChoice,
        script: Script = .echo,
        change: (inout Server.Configuration) -> Void = { _ in }
    ) throws -> TestServer {
        try TestServer(
            .quiet {
                $0.transport = choice
                change(&$0)
            },
            script: script
        )
    }

    @Test("messages of every size come back, in segments of every size", arguments: choices)
    func echo(choice: TransportChoice) async throws {
        let server = try Self.server(choice)
        let peer = try RawPeer.open(server.address)
        for size in [0, 1, 125, 126, 5000, 65_535, 65_536, 300_000, 1 << 20] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let bytes = frame(0x82, payload)
            let segment = size < 200 ? 1 : 30_011
            for start in stride(from: 0, to: bytes.count, by: segment) {
                try peer.send(Array(bytes[start..<min(bytes.count, start + segment)]))
            }
            #expect(try peer.receiveFrame().payload == payload)
        }
        let batch = (0..<5000).flatMap { textFrame("message \($0)") }
        try peer.send(batch)
        for index in 0..<5000 { #expect(try peer.receiveFrame().text == "message \(index)") }
        peer.close()
        await server.stop()
        #expect(server.journal.closings == [.closed(1006, "")])
    }

    @Test("a peer that does not read is not read from, and loses nothing", arguments: choices)
    func backpressure(choice: TransportChoice) async throws {
        let server = try Self.server(choice, script: Script(writesMessagesDown: false)) {
            $0.slowPeerTimeout = .seconds(120)
        }
        let peer = try RawPeer.open(server.address, receiveBuffer: 64 << 10)
        let message = frame(0x82, [UInt8](repeating: 5, count: 10_000))
        let bytes = (0..<3000).flatMap { _ in message }
        var sent = 0
        var standstill = 0
        while standstill < 3, sent < bytes.count {
            let taken = peer.sendWhatFits(Array(bytes[sent...].prefix(1 << 20)))
            sent += taken
            let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
            #expect((lent.first ?? .max) < 4 << 20)
            standstill = taken == 0 ? standstill + 1 : 0
        }
        #expect(sent < bytes.count)
        for _ in 0..<(sent / message.count) {
            let count = try peer.receiveFrame().payload.count
            guard count == 10_000 else {
                Issue.record("\(count) bytes came back")
                break
            }
        }
        peer.close()
        await server.stop()
    }

    @Test("every kind of end leaves nothing behind, and is heard of once", arguments: choices)
    func ends(choice: TransportChoice) async throws {
        let server = try Self.server(choice) { $0.closeTimeout = .milliseconds(300) }
        for round in 0..<12 {
            let peer = try RawPeer.open(server.address)
            switch round % 4 {
            case 0:
                try peer.send(closeFrame(1000))
                #expect(try peer.receiveFrame().closeCode == 1000)
                #expect(try peer.receiveRest().isEmpty)
            case 1: peer.shutDown()
            case 2: peer.reset()
            default: try peer.send(frame(0x83, []))
            }
            if round % 4 != 2 { _ = try? peer.receiveRest() }
            #expect(server.journal.wait { $0.count(where: \.isClosed) == round + 1 })
            peer.close()
        }
        while server.server.admission.connectionCount > 0 { await Task.yield() }
        #expect(await server.inspect { $0.loop.state.slab.activeCount } == [0])
        await server.stop()
        #expect(server.journal.closings.count == 12)
    }

    @Test("a stop tells everybody, and no descriptor is left", arguments: choices)
    func stop(choice: TransportChoice) async throws {
        let server = try Self.server(choice) { $0.shutdownTimeout = .seconds(10) }
        let peers = try (0..<20).map { _ in try RawPeer.open(server.address) }
        let mailboxes = server.server.mailboxes.count
        #expect(mailboxes == 1)
        server.server.beginStopping(cutsWhenDraining: false)
        for peer in peers {
            #expect(try peer.receiveFrame().closeCode == 1001)
            try peer.send(closeFrame(1001))
            #expect(try peer.receiveRest().isEmpty)
            peer.close()
        }
        #expect(await server.server.stop().closedCount == 20)
    }
}
