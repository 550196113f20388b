// What handlers lived through, for a test on another thread to wait for and to judge.

import Glibc

@testable import StargateCore

/// One call of a handler.
enum HandlerEvent: Equatable, Sendable {
    case opened
    case text(String)
    case binary([UInt8])
    case drained
    case ponged([UInt8])
    case closed(UInt16, String)
    /// What a script of the test wrote down.
    case note(String)

    var isClosed: Bool { if case .closed = self { true } else { false } }
}

/// A list that one thread appends to and another waits for.
final class Journal: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var list: [HandlerEvent] = []

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
    }

    func append(_ event: HandlerEvent) {
        pthread_mutex_lock(mutex)
        list.append(event)
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    func note(_ text: String) { append(.note(text)) }

    var events: [HandlerEvent] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return list
    }

    var closings: [HandlerEvent] { events.filter(\.isClosed) }

    /// Waits until the list is as wanted. Returns whether it came to that in good time.
    @discardableResult
    func wait(until isAsWanted: ([HandlerEvent]) -> Bool) -> Bool {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += RawPeer.patience
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isAsWanted(list) {
            if pthread_cond_timedwait(changed, mutex, &limit) != 0 { return isAsWanted(list) }
        }
        return true
    }

    /// Waits for an event.
    @discardableResult
    func wait(for event: HandlerEvent) -> Bool { wait { $0.contains(event) } }

    /// Waits until a handler was told the end. Returns what it was told first.
    func waitForClosed() -> HandlerEvent? {
        wait { $0.contains(where: \.isClosed) }
        return closings.first
    }
}
