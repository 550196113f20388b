// Many publishers, many subscribers, two loops. In the normal run a few hundred; with
// `STARGATE_LARGE_TESTS=1` ten thousand, or as many as the limit of file descriptors allows: both
// ends are in this process. `make large-tests` does the same with clients in other processes.

import Glibc
import Synchronization
import Testing

@testable import StargateCore

@Suite("Fan-out, with some who do not read", .serialized, .ownThreads)
struct FanOutTests {
    private static let isLarge = getenv("STARGATE_LARGE_TESTS") != nil

    private struct Size {
        let subscriberCount: Int
        let publisherCount: Int
        let messageCount: Int
        let byteCount: Int
    }

    private static var size: Size {
        guard isLarge else {
            return Size(subscriberCount: 300, publisherCount: 20, messageCount: 80, byteCount: 1024)
        }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let possible = (Int(clamping: limit.rlim_cur) - 150) / 2
        return Size(
            subscriberCount: min(10_000, possible),
            publisherCount: 100,
            messageCount: 3,
            byteCount: 1024
        )
    }

    /// What became of one run.
    private final class Tally: Sendable {
        let received = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        let done = Atomic<Int>(0)
    }

    /// A subscriber that reads: it counts what comes of each publisher, which must be in order.
    private final class Reader: WebSocketHandler {
        private let tally: Tally
        private let size: Size
        private var next: [Int]
        private var left: Int

        init(_ tally: Tally, _ size: Size) {
            self.tally = tally
            self.size = size
            next = Array(repeating: 0, count: size.publisherCount)
            left = size.publisherCount * size.messageCount
        }

        func received(_ message: Message, on socket: WebSocket) {
            guard case .binary(let bytes) = message, bytes.byteCount == size.byteCount else {
                tally.wrong.add(1, ordering: .relaxed)
                return
            }
            let publisher = Int(bytes.unsafeLoadUnaligned(as: UInt32.self))
            let number = Int(bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self))
            if next[publisher] == number {
                next[publisher] += 1
            } else {
                tally.wrong.add(1, ordering: .relaxed)
            }
            tally.received.add(1, ordering: .relaxed)
            left -= 1
            if left == 0 { tally.done.add(1, ordering: .relaxed) }
        }
    }

    /// What the server keeps about one run.
    private final class Counts: Sendable {
        let dropped = Atomic<Int>(0)
        let closed = Lock<[UInt16]>([])
    }

    private final class Subscriber: WebSocketHandler {
        private let counts: Counts
        private let policy: SlowConsumerPolicy
        private let isStalled: Bool

        init(_ counts: Counts, _ policy: SlowConsumerPolicy, isStalled: Bool) {
            self.counts = counts
            self.policy = policy
            self.isStalled = isStalled
        }

        func opened(_ socket: WebSocket) {
            socket.subscribe(to: "news", policy: policy)
            if isStalled { socket.subscribe(to: "ballast", policy: .dropOldest) }
        }

        func received(_ message: Message, on socket: WebSocket) {}
        func dropped(_ count: Int, on socket: WebSocket) {
            counts.dropped.add(count, ordering: .relaxed)
        }
        func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
            counts.closed.withLock { $0.append(code.rawValue) }
        }
    }

    @Test(
        "every reader gets all, in order per publisher, while one in a hundred does not read",
        arguments: [SlowConsumerPolicy.close, .dropNewest, .dropOldest, .latest, .wait]
    )
    func policies(policy: SlowConsumerPolicy) async throws {
        try await run(Self.size, policy, stalledCount: Self.size.subscriberCount / 100)
    }

    @Test("one who does not read changes nothing for a thousand others")
    func one() async throws {
        let size = Size(
            subscriberCount: Self.isLarge ? 1000 : 200,
            publisherCount: 4,
            messageCount: 400,
            byteCount: 1024
        )
        try await run(size, .dropOldest, stalledCount: 1)
    }

    private func run(
        _ size: Size,
        _ policy: SlowConsumerPolicy,
        stalledCount: Int
    ) async throws {
        let counts = Counts()
        let server = Server(
            configuration: .quiet {
                $0.loopCount = 2
                $0.keepAliveInterval = nil
                $0.publicationQueueSize = 256 << 10
                // Whoever waits for those who never read must not have to for long.
                $0.slowPeerTimeout = .seconds(policy.isWait ? 1 : 600)
            }
        )
        // Only those who do not read have the policy; the others must never need one.
        server.webSocket("/slow", origin: .any) { _ in
            .accept { Subscriber(counts, policy, isStalled: true) }
        }
        let readerCounts = Counts()
        server.webSocket("/", origin: .any) { _ in
            // A loaded machine is no slow peer: what is published fits.
            .accept { Subscriber(readerCounts, .dropNewest, isStalled: false) }
        }
        try server.start()
        let address = try #require(server.addresses.first)
        // They take what their kernel takes, and no more.
        let stalled = try (0..<stalledCount).map { _ in
            try RawPeer.open(address, path: "/slow", receiveBuffer: 4096)
        }
        let tally = Tally()
        let loops = try LoopGroup(count: 2)
        let readerCount = size.subscriberCount - stalledCount
        try await connect(readerCount, address, loops) { Reader(tally, size) }
        #expect(await server.subscriberCount(of: "news") == size.subscriberCount)

        // More than their kernels take, whatever sizes the buffers have: from here on they are slow.
        let ballast = PreparedMessage(binary: [UInt8](repeating: 0, count: 128 << 10))
        while counts.dropped.load(ordering: .relaxed) < 8 * stalledCount {
            server.publish(ballast, to: "ballast")
            await server.forEachConnection { _ in }
        }
        let droppedBefore = counts.dropped.load(ordering: .relaxed)

        await publish(size, server, tally, readerCount, waits: policy.isWait)
        let expected = readerCount * size.publisherCount * size.messageCount
        #expect(await settles { tally.received.load(ordering: .relaxed) >= expected })
        #expect(tally.received.load(ordering: .relaxed) == expected)
        #expect(tally.wrong.load(ordering: .relaxed) == 0)
        #expect(tally.done.load(ordering: .relaxed) == readerCount)
        #expect(readerCounts.dropped.load(ordering: .relaxed) == 0)
        #expect(readerCounts.closed.withLock { $0 } == [])
        withExtendedLifetime(stalled) {}
        if policy == .close || policy.isWait {
            let ended = await settles { counts.closed.withLock { $0.count } == stalledCount }
            #expect(ended)
            #expect(Set(counts.closed.withLock { $0 }) == [policy.isWait ? 1008 : 1013])
        } else {
            #expect(counts.dropped.load(ordering: .relaxed) > droppedBefore)
            #expect(await server.subscriberCount(of: "news") == size.subscriberCount)
        }
        await server.stop()
        await loops.stop()
    }

    private func connect(
        _ count: Int,
        _ address: SocketAddress,
        _ loops: LoopGroup,
        _ makeHandler: @escaping @Sendable () -> any WebSocketHandler
    ) async throws {
        let request = try ClientRequest(url: "ws://\(address)/")
        let client = WebSocketClient(loops: loops)
        var left = count
        while left > 0 {
            let batch = min(left, 200)
            try await withThrowingTaskGroup { group in
                for _ in 0..<batch {
                    group.addTask { _ = try await client.connect(request, handler: makeHandler) }
                }
                try await group.waitForAll()
            }
            left -= batch
        }
    }

    /// Publishes with many tasks at once, each in rounds: the next begins when the readers have
    /// the last, as a machine with two cores would else be the slow consumer.
    private func publish(
        _ size: Size,
        _ server: Server,
        _ tally: Tally,
        _ readerCount: Int,
        waits: Bool
    ) async {
        // 100 KiB a round for each subscriber, whatever the number of publishers is.
        let roundSize = max(1, (100 << 10) / (size.publisherCount * size.byteCount))
        for first in stride(from: 0, to: size.messageCount, by: roundSize) {
            let end = min(size.messageCount, first + roundSize)
            await withTaskGroup { group in
                for publisher in 0..<size.publisherCount {
                    group.addTask {
                        for number in first..<end {
                            let message = Self.message(publisher, number, size.byteCount)
                            if waits {
                                _ = try? await server.publishAndWait(
                                    PreparedMessage(binary: message),
                                    to: "news"
                                )
                                continue
                            }
                            while !server.publish(message, to: "news") { await Task.yield() }
                            await Task.yield()
                        }
                    }
                }
            }
            let expected = readerCount * size.publisherCount * end
            _ = await settles { tally.received.load(ordering: .relaxed) >= expected }
        }
    }

    private static func message(_ publisher: Int, _ number: Int, _ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5A, count: byteCount)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(publisher), as: UInt32.self)
            $0.storeBytes(of: UInt32(number), toByteOffset: 4, as: UInt32.self)
        }
        return bytes
    }

    /// Waits until something is so. Returns whether it came to that.
    private func settles(_ isSo: () -> Bool) async -> Bool {
        for _ in 0..<(Self.isLarge ? 24_000 : 6000) {
            if isSo() { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

extension SlowConsumerPolicy {
    fileprivate var isWait: Bool { if case .wait = self { true } else { false } }
}
