internal import Synchronization

/// The thread-safe door of an event loop: the only way in from another thread.
///
/// Work that is posted runs on the loop's thread, in the order in which each thread posted it.
/// However many items arrive while the loop is busy, it is woken once.
@safe
public final class Mailbox: Sendable {
    /// A piece of work for the loop.
    public typealias Work = @Sendable (EventLoop) -> Void

    private struct Contents {
        var work: [Work] = []
        var isWoken = false
        var isOpen = true
    }

    private let contents = Lock(Contents())
    /// Wakes the loop. Called under the lock and only while the mailbox is open, which ends before
    /// the loop's driver stops.
    private let wakeUp: @Sendable () -> Void

    init(wakeUp: @escaping @Sendable () -> Void) {
        self.wakeUp = wakeUp
    }

    /// Runs `work` on the loop soon. May be called on any thread, the loop's own included.
    ///
    /// - Returns: false if the loop has stopped; the work is not run then.
    @discardableResult
    public func post(_ work: @escaping Work) -> Bool {
        contents.withLock { contents in
            guard contents.isOpen else { return false }
            contents.work.append(work)
            if !contents.isWoken {
                contents.isWoken = true
                wakeUp()
            }
            return true
        }
    }

    /// Has the loop look for work soon; does nothing when it has stopped.
    func wake() {
        contents.withLock { contents in
            guard contents.isOpen, !contents.isWoken else { return }
            contents.isWoken = true
            wakeUp()
        }
    }

    /// Takes everything that was posted. On the loop's thread.
    func takeAll() -> [Work] {
        contents.withLock { contents in
            contents.isWoken = false
            var taken: [Work] = []
            swap(&taken, &contents.work)
            return taken
        }
    }

    /// Refuses work from here on, and returns what is left.
    func close() -> [Work] {
        contents.withLock { contents in
            contents.isOpen = false
            var taken: [Work] = []
            swap(&taken, &contents.work)
            return taken
        }
    }
}
