// Asynchronous closures in tests wait at a gate until the test has seen what it wanted to see.

import Glibc

@testable import StargateCore

/// Closed until it is opened, then open for good.
struct Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init() { (stream, end) = AsyncStream.makeStream() }

    func open() { end.finish() }

    /// Returns when the gate is open; throws when the task is cancelled before.
    func wait() async throws {
        for await _ in stream {}
        try Task.checkCancellation()
    }
}

/// What a thread is to do.
private final class Work {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Starts a thread.
private func startThread(_ body: @escaping () -> Void) {
    var thread = pthread_t()
    let status = pthread_create(
        &thread,
        nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run()
            return nil
        },
        Unmanaged.passRetained(Work(body)).toOpaque()
    )
    precondition(status == 0, "a thread can be started")
    pthread_detach(thread)
}

/// Runs blocking code on a thread of its own.
func offPool<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Gives every job a thread: other tests block the pool's few threads, and a closure that waits for
/// one of those would be late.
final class ThreadPerJob: TaskExecutor {
    static let shared = ThreadPerJob()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        startThread { job.runSynchronously(on: Self.shared.asUnownedTaskExecutor()) }
    }
}

extension RawPeer {
    /// Reads one response with a Content-Length, and leaves what follows it.
    func receiveResponse(hasBody: Bool = true) throws -> RawResponse {
        let lines = try receive(through: "\r\n\r\n").split(separator: "\r\n").map(String.init)
        var response = RawResponse(status: Int(lines[0].split(separator: " ")[1]) ?? 0)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.fields.append(
                (parts[0].lowercased(), parts[1].drop { $0 == " " }.description)
            )
        }
        guard hasBody, let length = response["content-length"].flatMap(Int.init) else {
            return response
        }
        response.body = String(decoding: try receive(exactly: length), as: UTF8.self)
        return response
    }
}

/// A response as it was on the wire.
struct RawResponse: Sendable {
    var status: Int
    var fields: [(name: String, value: String)] = []
    var body = ""

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// A server with the routes of a test.
func startServer(
    _ configuration: Server.Configuration = .quiet,
    _ routes: (Server) -> Void
) throws -> (server: Server, address: SocketAddress) {
    var configuration = configuration
    configuration.taskExecutor = ThreadPerJob.shared
    let server = Server(configuration: configuration)
    routes(server)
    try server.start()
    guard let address = server.addresses.first else { throw RawPeerError.timedOut }
    return (server, address)
}
