import CTestSupport
import Synchronization
import Testing

@testable import StargateCore

/// What a loop's thread had done when it was asked.
private struct Account: Sendable {
    var allocations: UInt64
    var writes: UInt64
    var counters: LoopCounters
}

@Suite(
    "Budgets",
    .serialized,
    .enabled(if: counters_work(), "a sanitizer brings its own allocator")
)
struct BudgetTests {
    private func account(_ server: borrowing TestServer) async throws -> Account {
        let accounts = await server.inspect { loop in
            let counts = current_thread_counts()
            return Account(
                allocations: counts.allocations,
                writes: counts.writes,
                counters: LoopCounters(loop.loop.state.counters)
            )
        }
        return try #require(accounts.first)
    }

    @Test("the counters count")
    func counters() {
        let before = current_thread_counts().allocations
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 100, alignment: 16)
        let after = current_thread_counts().allocations
        memory.deallocate()
        #expect(after == before + 1)
    }

    struct Traffic: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// What is sent at once, and answered before it is sent again.
        var bytes: [UInt8]
        var messageCount: Int
        /// How the bytes are cut.
        var segment = Int.max
    }

    static let traffic: [Traffic] = [
        Traffic(testDescription: "a short text", bytes: textFrame("0123456789"), messageCount: 1),
        Traffic(
            testDescription: "1000 bytes",
            bytes: frame(0x82, [UInt8](repeating: 1, count: 1000)),
            messageCount: 1
        ),
        Traffic(
            testDescription: "a batch of 100 texts",
            bytes: (0..<100).flatMap { textFrame("message \($0)") },
            messageCount: 100
        ),
        Traffic(
            testDescription: "40,000 bytes, written from where they lie",
            bytes: frame(0x82, [UInt8](repeating: 1, count: 40_000)),
            messageCount: 1
        ),
        Traffic(
            testDescription: "a batch cut anywhere",
            bytes: (0..<20).flatMap { textFrame("message \($0)") },
            messageCount: 20,
            segment: 7
        ),
        Traffic(
            testDescription: "a message that spans reads",
            bytes: frame(0x82, [UInt8](repeating: 1, count: 20_000)),
            messageCount: 1,
            segment: 3000
        ),
        Traffic(
            testDescription: "fragments with a ping between them",
            bytes: frame(0x01, [0x61]) + frame(0x89, [1]) + frame(0x80, [0x62]),
            messageCount: 1
        ),
    ]

    /// Echoes, and writes down what the loop's thread had allocated when a message came: to ask from
    /// outside costs allocations itself, and not always as many.
    private final class Scales: Sendable {
        let first = Atomic<UInt64>(0)
        let last = Atomic<UInt64>(0)

        func weigh() {
            let count = current_thread_counts().allocations
            last.store(count, ordering: .relaxed)
            _ = first.compareExchange(expected: 0, desired: count, ordering: .relaxed)
        }
    }

    private final class WeighedEcho: WebSocketHandler {
        private let scales: Scales
        init(_ scales: Scales) { self.scales = scales }

        func received(_ message: Message, on socket: WebSocket) {
            scales.weigh()
            socket.send(message)
        }
    }

    @Test("an echoed message costs no allocation", arguments: traffic)
    func allocations(_ traffic: Traffic) async throws {
        let server = Server(configuration: .quiet)
        let scales = Scales()
        server.webSocket("/*", origin: .any) { _ in .accept { WeighedEcho(scales) } }
        try server.start()
        let address = try #require(server.addresses.first)
        let peer = try RawPeer.open(address)
        let rounds = 50
        for _ in 0..<10 { try exchange(traffic, peer) }
        scales.first.store(0, ordering: .relaxed)
        for _ in 0..<rounds { try exchange(traffic, peer) }
        let first = scales.first.load(ordering: .relaxed)
        let last = scales.last.load(ordering: .relaxed)
        // What is cut arrives in other pieces on a busy machine, and a buffer of another size may be
        // made then, once: an allocation for each message would show fifty times.
        let allowance: UInt64 = traffic.segment == .max ? 0 : 4
        #expect(first > 0 && last - first <= allowance, "\(last - first) in \(rounds) rounds")
        peer.close()
        await server.stop()
    }

    static let asyncTraffic: [(traffic: Traffic, allocationCount: UInt64)] = [
        // The array it is in.
        (traffic[1], 1),
        (
            Traffic(
                testDescription: "a short message",
                bytes: frame(0x82, [UInt8](repeating: 1, count: 100)),
                messageCount: 1
            ), 0
        ),
    ]

    @Test("a message costs an asynchronous handler its array, if long", arguments: asyncTraffic)
    func asyncAllocations(_ traffic: Traffic, allocationCount: UInt64) async throws {
        let server = Server(configuration: .quiet)
        let scales = Scales()
        server.webSocket("/*", origin: .any) { (socket: AsyncWebSocket) in
            for try await message in socket.messages {
                scales.weigh()
                try await socket.send(message)
            }
        }
        try server.start()
        let peer = try RawPeer.open(try #require(server.addresses.first))
        let rounds: UInt64 = 50
        // Until every place of the pool has its array.
        for _ in 0..<20 { try exchange(traffic, peer) }
        scales.first.store(0, ordering: .relaxed)
        for _ in 0..<rounds { try exchange(traffic, peer) }
        let count = scales.last.load(ordering: .relaxed) - scales.first.load(ordering: .relaxed)
        #expect(count == (rounds - 1) * allocationCount)
        peer.close()
        await server.stop()
    }

    private func exchange(_ traffic: Traffic, _ peer: RawPeer) throws {
        try peer.sendAsFarAsTaken(traffic.bytes, segment: traffic.segment)
        var echoes = 0
        while echoes < traffic.messageCount {
            if try peer.receiveFrame().opcode < 8 { echoes += 1 }
        }
    }

    @Test("whatever one read brings is answered with one write", arguments: [1, 10, 1000])
    func writes(count: Int) async throws {
        let server = try TestServer(script: .silent)
        let peer = try RawPeer.open(server.address)
        let batch = (0..<count).flatMap { frame($0 % 3 == 0 ? 0x89 : 0x81, Array("m\($0)".utf8)) }
        let before = try await account(server)
        for _ in 0..<10 {
            try peer.send(batch)
            for _ in 0..<count { _ = try peer.receiveFrame() }
        }
        let after = try await account(server)
        let reads = after.counters.reads - before.counters.reads
        let writes = after.counters.writes - before.counters.writes
        #expect(writes <= reads)
        #expect(reads >= 10)
        // The loop's own count is that of the system calls, but for the wake-ups of its mailbox.
        #expect(after.writes - before.writes <= writes + 2)
        #expect(after.writes - before.writes >= writes)
        peer.close()
        await server.stop()
    }

    @Test("an idle connection has nothing but its block")
    func idle() async throws {
        let server = try TestServer(script: .silent)
        let peers = try (0..<50).map { _ in try RawPeer.open(server.address) }
        for peer in peers {
            try peer.sendAsFarAsTaken(frame(0x01, [0x61]) + frame(0x80, [0x62]), segment: 3)
            #expect(try peer.receiveFrame().text == "ab")
        }
        let held = await server.inspect { loop in
            loop.loop.state.slab.active.count { connection in
                connection.state.inbound != nil || connection.state.outbound != nil
            }
        }
        #expect(held == [0])
        #expect(await server.inspect { $0.loop.state.buffers.lentByteCount } == [0])
        #expect(ConnectionSlab.transportOffset <= 192)
        await server.stop()
    }
}

/// An echo that does nothing else, because writing down costs memory.
extension Script {
    fileprivate static let silent = Script(writesMessagesDown: false)
}
