internal import StargateCore
internal import Synchronization

/// One policy, from the start of a server to its end.
final class FanOutRun {
    private let options: FanOutOptions
    private let policy: NamedPolicy
    private let counts = Counts()
    private(set) var summary = ""

    init(_ options: FanOutOptions, _ policy: NamedPolicy) {
        self.options = options
        self.policy = policy
    }

    /// What the server keeps about those who do not read.
    private final class Counts: Sendable {
        let dropped = Atomic<Int>(0)
        let closed = Lock<[UInt16]>([])
        /// The same of those who read: for them there must be nothing to tell.
        let readersDropped = Atomic<Int>(0)
        let readersClosed = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    private final class StalledSubscriber: WebSocketHandler {
        private let counts: Counts
        private let policy: SlowConsumerPolicy

        init(_ counts: Counts, _ policy: SlowConsumerPolicy) {
            self.counts = counts
            self.policy = policy
        }

        func opened(_ socket: WebSocket) {
            socket.subscribe(to: "news", policy: policy)
            socket.subscribe(to: "ballast", policy: .dropOldest)
        }
        func received(_ message: Message, on socket: WebSocket) {}
        func dropped(_ count: Int, on socket: WebSocket) {
            counts.dropped.add(count, ordering: .relaxed)
        }
        func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
            counts.closed.withLock { $0.append(code.rawValue) }
        }
    }

    /// Must have everything, so publishers wait for it when this machine is too slow.
    private final class ReadingSubscriber: WebSocketHandler {
        private let counts: Counts
        init(_ counts: Counts) { self.counts = counts }

        func opened(_ socket: WebSocket) { socket.subscribe(to: "news", policy: .wait) }
        func received(_ message: Message, on socket: WebSocket) {}
        func dropped(_ count: Int, on socket: WebSocket) {
            counts.readersDropped.add(count, ordering: .relaxed)
        }
        func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
            guard !counts.isOver.load(ordering: .relaxed) else { return }
            counts.readersClosed.add(1, ordering: .relaxed)
        }
    }

    private func makeServer() -> Server {
        var configuration = Server.Configuration(port: 0, loopCount: 2)
        configuration.keepAliveInterval = nil
        configuration.publicationQueueSize = 256 << 10
        // Only where publishers wait for those who never read, that has to end soon.
        let isWaitedFor = policy.name == "wait"
        configuration.slowPeerTimeout = .seconds(isWaitedFor ? 3 : 600)
        configuration.log = { _ in }
        let server = Server(configuration: configuration)
        let (counts, policy, messageCount) = (counts, policy.policy, options.messageCount)
        server.webSocket("/stalled", origin: .any) { _ in
            .accept { StalledSubscriber(counts, policy) }
        }
        // Those who read get their time, whatever the others are given.
        let patient = WebSocketOptions.patient
        server.webSocket("/reader", origin: .any) { _ in
            .accept(options: patient) { ReadingSubscriber(counts) }
        }
        server.webSocket("/publisher", origin: .any) { socket in
            var left = messageCount
            for try await message in socket.messages {
                try await socket.publish(message, to: "news")
                left -= 1
                if left == 0 { return }
            }
        }
        return server
    }

    /// Returns what went wrong.
    func run() async throws -> [String] {
        let begin = ContinuousClock.now
        let server = makeServer()
        try server.start()
        let port = server.addresses.first?.port ?? 0
        let url = "ws://127.0.0.1:\(port)"
        let stalled = (0..<options.stalledCount).compactMap { _ in
            StalledPeer(port: port, path: "/stalled")
        }
        let children = try startReaders(url)
        let publishers = try Child(
            [
                "publishers", url + "/publisher", "\(options.publisherCount)",
                "\(options.messageCount)", "\(options.byteCount)",
            ]
        )
        try publishers.expect("ready")
        var faults: [String] = []
        let subscriberCount = await server.subscriberCount(of: "news")
        if stalled.count != options.stalledCount || subscriberCount != options.subscriberCount {
            faults.append("there are \(subscriberCount) subscribers")
        }
        await stall(server)
        let droppedBefore = counts.dropped.load(ordering: .relaxed)
        publishers.go()
        try publishers.expect("sent")
        faults += try judgeReaders(children)
        faults += await judgeStalled(server, droppedBefore)
        counts.isOver.store(true, ordering: .relaxed)
        for child in children + [publishers] { child.end() }
        withExtendedLifetime(stalled) {}
        await server.stop()
        summary += " (\(Int((ContinuousClock.now - begin) / .seconds(1))) s)"
        return faults
    }

    private func startReaders(_ url: String) throws -> [Child] {
        let count = options.childCount
        let children = try (0..<count).map { index in
            let first = options.readerCount * index / count
            let end = options.readerCount * (index + 1) / count
            return try Child(
                [
                    "readers", url + "/reader", "\(end - first)", "\(options.publisherCount)",
                    "\(options.messageCount)", "\(options.byteCount)",
                ]
            )
        }
        for child in children { try child.expect("ready") }
        return children
    }

    /// Publishes more than the kernels take to those who do not read, whatever sizes the buffers
    /// have: from here on they are slow.
    private func stall(_ server: Server) async {
        let ballast = PreparedMessage(binary: [UInt8](repeating: 0, count: 128 << 10))
        while counts.dropped.load(ordering: .relaxed) < 8 * options.stalledCount {
            server.publish(ballast, to: "ballast")
            await server.forEachConnection { _ in }
        }
    }

    private func judgeReaders(_ children: [Child]) throws -> [String] {
        var (received, wrong, complete) = (0, 0, 0)
        for child in children {
            let line = try child.line()
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 3 else { return ["a child said: \(line)"] }
            received += numbers[0]
            wrong += numbers[1]
            complete += numbers[2]
        }
        var faults: [String] = []
        if received != options.readerCount * options.messageTotal || wrong > 0 {
            faults.append("\(received) received, \(wrong) of them wrong")
        }
        if complete != options.readerCount { faults.append("\(complete) readers have everything") }
        let dropped = counts.readersDropped.load(ordering: .relaxed)
        let closed = counts.readersClosed.load(ordering: .relaxed)
        if dropped + closed > 0 {
            faults.append("\(dropped) dropped for readers, \(closed) readers closed")
        }
        summary = """
            \(options.subscriberCount) subscribers, \(options.publisherCount) publishers; \
            \(options.readerCount) read and got all \(received) messages, in order per publisher; \
            \(options.stalledCount) did not read
            """
        return faults
    }

    private func judgeStalled(_ server: Server, _ droppedBefore: Int) async -> [String] {
        var codes: [UInt16] = []
        let expected: UInt16? =
            switch policy.policy {
            case .close: 1013
            case .wait: 1008
            default: nil
            }
        for _ in 0..<1000 {
            codes = counts.closed.withLock { $0 }
            if expected == nil || codes.count == options.stalledCount { break }
            try? await Task.sleep(for: .milliseconds(10))
        }
        if let expected {
            summary += " and were closed with \(expected)"
            let isRight = codes == Array(repeating: expected, count: options.stalledCount)
            return isRight ? [] : ["those who did not read were closed with \(codes)"]
        }
        let dropped = counts.dropped.load(ordering: .relaxed) - droppedBefore
        summary += ", and \(dropped) messages were dropped for them"
        let stayed = await server.subscriberCount(of: "news")
        if dropped < options.stalledCount { return ["only \(dropped) messages were dropped"] }
        return stayed == options.subscriberCount && codes.isEmpty ? [] : ["\(stayed) have stayed"]
    }
}

extension WebSocketOptions {
    fileprivate static var patient: WebSocketOptions {
        var options = WebSocketOptions()
        options.slowPeerTimeout = .seconds(600)
        return options
    }
}
