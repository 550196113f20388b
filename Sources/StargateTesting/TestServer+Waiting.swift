public import StargateCore
internal import Synchronization

// What handlers and tests wait for outside of the test's own thread: by the clock on the wall.

extension TestServer {
    /// Runs asynchronous code that needs the server to go on, such as `server.send(_:to:)`, and
    /// drives the server until it is done.
    ///
    ///     let isClosed = try await app.run { server in await server.close(id) }
    ///
    /// - Returns: what the closure returns.
    public func run<Value: Sendable>(
        _ work: @escaping @Sendable (Server) async throws -> Value
    ) async throws -> Value {
        let outcome = Outcome<Value>()
        let task = Task(executorPreference: firstLoop.taskExecutor) { [server] in
            do {
                outcome.set(.success(try await work(server)))
            } catch {
                outcome.set(.failure(error))
            }
        }
        while true {
            settle()
            if let result = outcome.result { return try result.get() }
            await sleepUntilWoken(atMost: .seconds(1))
            if Task.isCancelled { task.cancel() }
        }
    }

    /// Drives the server until `condition` holds or the time is over.
    func wait(_ limit: Duration, until condition: () throws -> Bool) async throws {
        let end = ContinuousClock.now.advanced(by: limit)
        while true {
            settle()
            let left = ContinuousClock.now.duration(to: end)
            if try condition() || left <= .zero { return }
            await sleepUntilWoken(atMost: left)
        }
    }

    /// Returns when other threads have left something to do for the server.
    private func sleepUntilWoken(atMost limit: Duration) async {
        let (wakes, continuation) = AsyncStream.makeStream(
            of: Void.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        whenWoken { continuation.yield() }
        defer { whenWoken(nil) }
        // It may have been woken before it was listened to.
        if hasWork { return }
        let alarm = Task {
            try? await Task.sleep(for: limit)
            continuation.yield()
        }
        defer { alarm.cancel() }
        for await _ in wakes { return }
    }
}

/// What became of a task, for the thread that drives the loops.
private final class Outcome<Value: Sendable>: Sendable {
    private let stored = Lock<Result<Value, any Error>?>(nil)

    var result: Result<Value, any Error>? { stored.withLock { $0 } }

    func set(_ result: Result<Value, any Error>) { stored.withLock { $0 = result } }
}
