import Synchronization
import Testing

@testable import StargateCore

@Suite("The spread of connections over loops", .serialized)
struct SpreadTests {
    private final class Counting: WebSocketHandler {
        private let counts: Counts
        init(_ counts: Counts) { self.counts = counts }
        func opened(_ socket: WebSocket) {
            counts.byLoop.withLock { $0[Int(socket.id.loop)] += 1 }
        }
        func received(_ message: Message, on socket: WebSocket) { socket.send(message) }
    }

    private final class Counts: Sendable {
        let byLoop: Lock<[Int]>
        init(loopCount: Int) { byLoop = Lock(Array(repeating: 0, count: loopCount)) }
    }

    @Test("is even: no loop has less than half or more than twice its share", arguments: [2, 4])
    func even(loopCount: Int) async throws {
        // The kernel chooses a loop's socket by a hash of the addresses: with a hundred for each
        // loop, twice too many or half too few is six times the standard deviation.
        let connectionCount = 100 * loopCount
        let counts = Counts(loopCount: loopCount)
        let server = Server(configuration: .quiet { $0.loopCount = loopCount })
        server.webSocket("/", origin: .any) { _ in .accept { Counting(counts) } }
        try server.start()
        let address = try #require(server.addresses.first)
        let peers = try (0..<connectionCount).map { _ in try RawPeer.open(address) }
        for peer in peers {
            try peer.send(textFrame("there?"))
            #expect(try peer.receiveFrame().text == "there?")
        }
        let byLoop = counts.byLoop.withLock { $0 }
        #expect(byLoop.reduce(0, +) == connectionCount)
        #expect(byLoop.allSatisfy { (50...200).contains($0) }, "\(byLoop)")
        await server.stop()
    }
}
