internal import Glibc
internal import StargateCore
internal import Synchronization

/// Subscribers that read, in a child process: `readers URL COUNT PUBLISHERS MESSAGES BYTES`.
///
/// Says `ready`, and when its standard input has a line, or the readers have everything,
/// `received wrong complete`.
struct Readers {
    private let url: String
    private let count: Int
    private let plan: Plan
    private let tally = Tally()

    struct Plan: Sendable {
        let publisherCount: Int
        let messageCount: Int
        let byteCount: Int
    }

    final class Tally: Sendable {
        let received = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        let complete = Atomic<Int>(0)
    }

    init(_ arguments: [String]) {
        let numbers = arguments.dropFirst().compactMap { Int($0) }
        guard let url = arguments.first, numbers.count == 4 else { exit(2) }
        self.url = url
        count = numbers[0]
        plan = Plan(publisherCount: numbers[1], messageCount: numbers[2], byteCount: numbers[3])
    }

    /// Counts what comes of each publisher, which must be in order.
    private final class Reader: WebSocketHandler {
        private let plan: Plan
        private let tally: Tally
        private var next: [Int]
        private var left: Int

        init(_ plan: Plan, _ tally: Tally) {
            self.plan = plan
            self.tally = tally
            next = Array(repeating: 0, count: plan.publisherCount)
            left = plan.publisherCount * plan.messageCount
        }

        func received(_ message: Message, on socket: WebSocket) {
            tally.received.add(1, ordering: .relaxed)
            guard case .binary(let bytes) = message, bytes.byteCount == plan.byteCount else {
                return fail()
            }
            let publisher = Int(bytes.unsafeLoadUnaligned(as: UInt32.self))
            let number = Int(bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self))
            guard next.indices.contains(publisher), next[publisher] == number else { return fail() }
            next[publisher] += 1
            left -= 1
            if left == 0 { tally.complete.add(1, ordering: .relaxed) }
        }

        func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
            if left > 0 { fail() }
        }

        private func fail() { tally.wrong.add(1, ordering: .relaxed) }
    }

    func run() async {
        guard let loops = try? LoopGroup(count: 1), let request = try? ClientRequest(url: url)
        else {
            exit(2)
        }
        let client = WebSocketClient(loops: loops)
        for first in stride(from: 0, to: count, by: 100) {
            let isDone = await withTaskGroup(of: Bool.self) { group in
                for _ in first..<min(count, first + 100) {
                    group.addTask { [plan, tally] in
                        (try? await client.connect(request) { Reader(plan, tally) }) != nil
                    }
                }
                return await group.allSatisfy { $0 }
            }
            guard isDone else { exit(3) }
        }
        say("ready")
        // A line, or its end, comes when the parent has waited long enough.
        let input = Task.detached { _ = readLine() }
        while tally.complete.load(ordering: .relaxed) < count {
            try? await Task.sleep(for: .milliseconds(20))
            if tally.wrong.load(ordering: .relaxed) > 0 { break }
        }
        let received = tally.received.load(ordering: .relaxed)
        let wrong = tally.wrong.load(ordering: .relaxed)
        say("\(received) \(wrong) \(tally.complete.load(ordering: .relaxed))")
        await input.value
        exit(0)
    }
}

/// Says a line to the parent.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
