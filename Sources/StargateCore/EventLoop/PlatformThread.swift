internal import Glibc

/// A thread of the system that runs one closure.
///
/// Whoever starts one ends it with exactly one call: ``join()`` or ``detach()``.
package struct PlatformThread: Sendable {
    private let handle: pthread_t

    /// What the new thread is handed.
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread.
    ///
    /// - Throws: the system's reason not to have another one. `body` is released then.
    package init(_ body: @escaping @Sendable () -> Void) throws(LoopError) {
        let start = unsafe Unmanaged.passRetained(Start(body))
        var handle = pthread_t()
        let status = unsafe pthread_create(
            &handle,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        guard status == 0 else {
            unsafe start.release()
            throw LoopError(-status)
        }
        self.handle = handle
    }

    /// Waits until the closure has returned. Not to be called on the thread itself.
    package func join() { pthread_join(handle, nil) }

    /// Leaves the thread to itself: it ends when the closure returns.
    package func detach() { pthread_detach(handle) }
}
