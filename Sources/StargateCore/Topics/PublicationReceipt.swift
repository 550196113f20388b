// How a publisher waits for slow subscribers. Nobody signs a receipt and nobody counts: whoever has
// something to do with a publication before the next one may follow holds a reference to it, and
// when the last is gone, by whatever way, the publisher goes on.

internal import Synchronization

/// Held for a publication by every loop that has not delivered it yet, and by every subscriber
/// with ``SlowConsumerPolicy/wait`` whose queue is full.
final class PublicationReceipt: Sendable {
    private let patience: PublisherPatience

    init(_ patience: PublisherPatience) {
        self.patience = patience
    }

    deinit { patience.end() }
}

/// The publisher's side of a receipt, which it must not hold itself.
final class PublisherPatience: Sendable {
    private enum State {
        case pending
        case waiting(CheckedContinuation<Void, Never>)
        case over
    }

    private let state = Lock(State.pending)

    /// The publisher need not wait any longer. On any thread, as often as one likes.
    func end() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .over }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }

    /// Waits until nobody holds the receipt, or the task is cancelled.
    nonisolated(nonsending) func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if case .over = state { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            end()
        }
    }
}

/// What waits for a loop: a publication, and what its publisher waits for, if it does.
struct PublicationDelivery {
    let publication: Publication
    let receipt: PublicationReceipt?
}

extension TopicRegistry {
    /// Publishes, and waits until every loop has delivered it and every subscriber with
    /// ``SlowConsumerPolicy/wait`` has room for more. Returns whether all loops took it.
    ///
    /// - Throws: `CancellationError`; what was published by then stays published.
    nonisolated(nonsending) func publishAndWait(_ publication: Publication) async throws -> Bool {
        try Task.checkCancellation()
        let patience = PublisherPatience()
        let isTaken = publish(publication, heldBy: patience)
        await patience.wait()
        try Task.checkCancellation()
        return isTaken
    }

    /// Not within the asynchronous function: the receipt must be gone before that waits.
    @inline(never)
    private func publish(_ publication: Publication, heldBy patience: PublisherPatience) -> Bool {
        publish(publication, PublicationReceipt(patience))
    }
}
