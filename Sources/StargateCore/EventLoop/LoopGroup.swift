internal import CUV
internal import Glibc
internal import Synchronization

/// Event loops, each on a thread of its own.
///
/// A server starts the group it runs on; clients are given one. A group that is no longer used must
/// be stopped: its threads keep it alive.
public final class LoopGroup: Sendable {
    /// The doors of the loops, one for each.
    public let mailboxes: [Mailbox]
    /// What the loops count.
    let meters: [Meter]
    private let threads: [LoopThread]
    /// What the loops are doing.
    var activities: [LoopActivity] { threads.map(\.activity) }

    /// The number of processors that are online, at least 1.
    public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    private let next = Atomic<Int>(0)

    /// The loops in turn.
    func nextMailbox() -> Mailbox {
        let turn = next.wrappingAdd(1, ordering: .relaxed).newValue
        return mailboxes[Int(UInt(bitPattern: turn) % UInt(mailboxes.count))]
    }

    /// Starts the loops.
    ///
    /// - Parameter count: how many; one per processor if none is given.
    /// - Throws: ``LoopError`` when the system refuses a thread or a descriptor; nothing is left
    ///   running then.
    public convenience init(count: Int? = nil) throws(LoopError) {
        try self.init(count: count, transport: .native)
    }

    /// Starts the loops, on a transport of the caller's choice.
    init(count: Int?, transport: TransportChoice) throws(LoopError) {
        let count = max(1, count ?? Self.processorCount)
        var threads: [LoopThread] = []
        do throws(LoopError) {
            for index in 0..<count {
                threads.append(try LoopThread(index: index, transport: transport))
            }
        } catch {
            for thread in threads { thread.stop() }
            throw error
        }
        self.threads = threads
        mailboxes = threads.map(\.mailbox)
        meters = threads.map(\.meter)
    }

    /// Loops that somebody else drives and stops.
    init(driven eventLoops: [EventLoop]) {
        threads = []
        mailboxes = eventLoops.map(\.mailbox)
        meters = eventLoops.map(\.meter)
    }

    /// Stops every loop, cutting the connections that are left, and waits until the threads ended.
    ///
    /// Must not be called on a loop of the group. Calling it again does nothing.
    public func stop() async {
        for thread in threads {
            await withCheckedContinuation { continuation in
                thread.whenEnded { continuation.resume() }
                thread.requestStop()
            }
            thread.stop()
        }
    }

    /// As ``stop()``, for programs without concurrency: blocks the calling thread.
    public func stopBlocking() {
        for thread in threads { thread.requestStop() }
        for thread in threads { thread.stop() }
    }
}

/// The thread of one loop.
private final class LoopThread: Sendable {
    let mailbox: Mailbox
    let activity: LoopActivity
    let meter: Meter
    private let life: Lock<Life>

    private struct Life {
        var thread: PlatformThread?
        var hasEnded = false
        var onEnd: [@Sendable () -> Void] = []
    }

    /// What the new thread is handed.
    private final class Start: @unchecked Sendable {
        let eventLoop: EventLoop
        weak var thread: LoopThread?
        init(_ eventLoop: EventLoop) { self.eventLoop = eventLoop }
    }

    init(index: Int, transport: TransportChoice) throws(LoopError) {
        let eventLoop = try EventLoop(index: index, transport: transport)
        mailbox = eventLoop.mailbox
        activity = eventLoop.activity
        meter = eventLoop.meter
        life = Lock(Life())
        let start = Start(eventLoop)
        start.thread = self
        let thread = try PlatformThread { LoopThread.main(start) }
        life.withLock { $0.thread = thread }
    }

    private static func main(_ start: Start) {
        // A peer that is gone must end a write with EPIPE, not the process with a signal.
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe sigaddset(&blocked, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
        let thread = start.thread
        start.eventLoop.run()
        thread?.ended()
    }

    private func ended() {
        let actions = life.withLock { life in
            life.hasEnded = true
            let actions = life.onEnd
            life.onEnd = []
            return actions
        }
        for action in actions { action() }
    }

    /// Runs `action` when the loop has ended, at once if it has.
    func whenEnded(_ action: @escaping @Sendable () -> Void) {
        let isOver = life.withLock { life in
            if !life.hasEnded { life.onEnd.append(action) }
            return life.hasEnded
        }
        if isOver { action() }
    }

    func requestStop() {
        mailbox.post { $0.stop() }
    }

    /// Asks the loop to stop and waits for its thread; does nothing the second time.
    func stop() {
        requestStop()
        let thread = life.withLock { life in
            let thread = life.thread
            life.thread = nil
            return thread
        }
        thread?.join()
    }
}
