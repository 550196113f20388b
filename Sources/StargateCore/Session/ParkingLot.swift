// How a handler waits without a continuation, which would take it through Swift's pool of threads,
// or cost a second job: its task hops to an executor that runs nothing.

/// Where the task of one session waits. The executor of this actor gives every job to the session,
/// and the loop runs it from there, as if it were on the loop's own executor already, which it is.
@usableFromInline
@safe
actor ParkingLot {
    private let executor: Executor
    @usableFromInline nonisolated let unownedExecutor: UnownedSerialExecutor
    private var count = 0

    @safe
    final class Executor: SerialExecutor, @unchecked Sendable {
        /// The state of the session, which keeps this lot, and which every task in it keeps.
        fileprivate let session: UnsafeMutablePointer<AsyncSession.State>

        init(_ session: UnsafeMutablePointer<AsyncSession.State>) {
            unsafe self.session = session
        }

        func enqueue(_ job: consuming ExecutorJob) {
            unsafe session.pointee.park(UnownedJob(job))
        }
    }

    init(_ executor: Executor) {
        self.executor = executor
        unsafe unownedExecutor = executor.asUnownedSerialExecutor()
    }

    /// Suspends the calling task: it stops before it gets here, and arrives when it is to go on.
    ///
    /// What it does is of no use, but a compiler must not find that out: it would not hop here then.
    @inline(never)
    func park() {
        count &+= 1
    }

    /// Suspends the calling task until there is a message for it, or none to come.
    ///
    /// That is looked up here, before the hop back to the loop's actor, so that the caller has nothing
    /// left to do and hops once.
    @usableFromInline
    @inline(never)
    func next() throws -> OwnedMessage? {
        count &+= 1
        guard let waiting = unsafe executor.session.pointee.session else { return nil }
        return try unsafe waiting._withUnsafeGuaranteedRef { try $0.takeAwaited() }
    }
}
