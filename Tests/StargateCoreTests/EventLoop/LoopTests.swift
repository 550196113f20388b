import Glibc
import Testing

@testable import StargateCore

@Suite("Mailboxes and loops")
struct LoopTests {
    @Test("what each thread posted runs in the order it posted it, all on one thread")
    func order() async throws {
        let group = try LoopGroup(count: 1)
        let mailbox = try #require(group.mailboxes.first)
        let log = Log()
        await withTaskGroup(of: Void.self) { tasks in
            for sender in 0..<8 {
                tasks.addTask {
                    for number in 0..<500 {
                        let isTaken = mailbox.post { _ in log.append(sender, number) }
                        #expect(isTaken)
                    }
                }
            }
        }
        await withCheckedContinuation { continuation in
            mailbox.post { _ in continuation.resume() }
        }
        let entries = log.entries
        #expect(entries.count == 4000)
        for sender in 0..<8 {
            #expect(entries.filter { $0.sender == sender }.map(\.number) == Array(0..<500))
        }
        #expect(Set(entries.map(\.thread)).count == 1)
        await group.stop()
    }

    @Test("a loop that has stopped takes no work; what it took before has run", arguments: [1, 3])
    func refusal(count: Int) async throws {
        let group = try LoopGroup(count: count)
        let log = Log()
        for mailbox in group.mailboxes {
            for number in 0..<100 { mailbox.post { _ in log.append(0, number) } }
        }
        await group.stop()
        #expect(log.entries.count == 100 * count)
        for mailbox in group.mailboxes {
            let isTaken = mailbox.post { _ in log.append(0, -1) }
            #expect(!isTaken)
        }
        await group.stop()
        group.stopBlocking()
        #expect(log.entries.count == 100 * count)
    }

    @Test("work may post work, and the loops know their places")
    func nested() async throws {
        let group = try LoopGroup(count: 3)
        for (index, mailbox) in group.mailboxes.enumerated() {
            let found = await withCheckedContinuation { continuation in
                mailbox.post { loop in
                    loop.mailbox.post { continuation.resume(returning: $0.index) }
                }
            }
            #expect(found == index)
        }
        #expect(Set((0..<30).map { _ in ObjectIdentifier(group.nextMailbox()) }).count == 3)
        group.stopBlocking()
    }

    @Test("timers run, repeat, and can be cancelled")
    func timers() async throws {
        let group = try LoopGroup(count: 1)
        let mailbox = try #require(group.mailboxes.first)
        let journal = Journal()
        mailbox.post { loop in
            var count = 0
            let cancelled = loop.schedule(after: .milliseconds(1)) { _ in journal.note("cancelled")
            }
            cancelled.cancel()
            cancelled.cancel()
            journal.note("\(cancelled.isScheduled)")
            loop.schedule(after: .zero) { _ in journal.note("once") }
            var repeating: LoopTimer?
            repeating = loop.schedule(every: .milliseconds(1)) { loop in
                count += 1
                journal.note("\(count) \(repeating?.isScheduled ?? false)")
                guard count == 3 else { return }
                repeating?.cancel()
                repeating = nil
                loop.schedule(after: .milliseconds(20)) { _ in journal.note("end") }
            }
            loop.schedule(after: .seconds(3600)) { _ in journal.note("never") }
            loop.schedule(every: .seconds(3600)) { _ in journal.note("never") }
        }
        #expect(journal.wait(for: .note("end")))
        await group.stop()
        #expect(Set(journal.events.map { "\($0)" }).count == journal.events.count)
        #expect(journal.events.count == 6)
        #expect(journal.events.contains(.note("3 true")) && journal.events.contains(.note("once")))
        #expect(journal.events.first == .note("false") && journal.events.last == .note("end"))
    }

    @Test(
        "a group that stops cuts its connections; each handler hears of it once",
        arguments: [true, false]
    )
    func liveConnections(isBlocking: Bool) async throws {
        let server = try TestServer()
        let group = try LoopGroup(count: 2)
        let journal = Journal()
        let client = WebSocketClient(loops: group)
        let request = try ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/")
        for _ in 0..<10 { try await client.connect(request) { ScriptedHandler(journal, .echo) } }
        if isBlocking { group.stopBlocking() } else { await group.stop() }
        #expect(journal.closings == Array(repeating: .closed(1006, ""), count: 10))
        #expect(server.journal.wait { $0.filter(\.isClosed).count == 10 })
        await #expect(throws: ClientError.self) {
            try await client.connect(request) { ScriptedHandler(journal, .echo) }
        }
        await server.stop()
        #expect(server.journal.closings.count == 10)
    }

    @Test("loops leave no descriptor behind, seen in a process of their own")
    func descriptorsAlone() async {
        await #expect(processExitsWith: .success) {
            for round in 0..<6 {
                let server = try TestServer(.quiet { $0.loopCount = 2 })
                let peer = try RawPeer.open(server.address)
                let refused = try RawPeer(server.address)
                try refused.send("nonsense\r\n\r\n")
                _ = try refused.receiveRest()
                peer.close()
                refused.close()
                await server.stop()
                if round == 0 { baseline = LoopTests.openDescriptorCount }
            }
            let isSame = LoopTests.openDescriptorCount == baseline
            exit(isSame ? 0 : 1)
        }
    }

    static var openDescriptorCount: Int {
        (0..<1024).count { fcntl($0, F_GETFD) != -1 }
    }
}

private nonisolated(unsafe) var baseline = 0

/// What ran, in order.
private final class Log: @unchecked Sendable {
    struct Entry: Equatable {
        var sender: Int
        var number: Int
        var thread: UInt
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var list: [Entry] = []

    init() { pthread_mutex_init(mutex, nil) }

    deinit { mutex.deallocate() }

    func append(_ sender: Int, _ number: Int) {
        pthread_mutex_lock(mutex)
        list.append(Entry(sender: sender, number: number, thread: UInt(pthread_self())))
        pthread_mutex_unlock(mutex)
    }

    var entries: [Entry] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return list
    }
}
