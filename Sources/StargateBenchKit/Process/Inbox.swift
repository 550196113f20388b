// How loops answer the thread that conducts the run: it has no loop and may block.

internal import Glibc
internal import StargateCore
internal import Synchronization

/// A letter box with a bell: any thread puts something in, one thread waits for it.
final class Inbox<Item: Sendable>: Sendable {
    private let items = Lock<[Item]>([])
    /// Without it, for want of descriptors, the waiting thread looks every 50 ms.
    private let bell = PipeEnds(isBlocking: false)

    deinit {
        guard let bell else { return }
        close(bell.reading)
        close(bell.writing)
    }

    func put(_ item: Item) {
        items.withLock { $0.append(item) }
        guard let bell else { return }
        var byte: UInt8 = 1
        _ = write(bell.writing, &byte, 1)
    }

    /// Waits until so many items are there, and takes them; nil when they did not come in time.
    func take(_ count: Int, timeoutMilliseconds: Int) -> [Item]? {
        let deadline = MonotonicClock.now() + UInt64(timeoutMilliseconds) * 1_000_000
        while true {
            let taken = items.withLock { items -> [Item]? in
                guard items.count >= count else { return nil }
                defer { items.removeAll() }
                return items
            }
            if let taken { return taken }
            guard MonotonicClock.now() < deadline else { return nil }
            var waiting = pollfd(fd: bell?.reading ?? -1, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, 50) > 0, let bell {
                var bytes = [UInt8](repeating: 0, count: 64)
                _ = read(bell.reading, &bytes, bytes.count)
            }
        }
    }
}
