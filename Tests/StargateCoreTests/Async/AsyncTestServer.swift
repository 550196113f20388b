// A server of the structured tier, with one asynchronous handler on every path.

import Glibc
import Synchronization

@testable import StargateCore

struct AsyncTestServer: ~Copyable {
    let server: Server
    let address: SocketAddress
    /// What was logged, beside what is only for those who want to know everything.
    let log: Journal

    init(
        _ configuration: Server.Configuration = .quiet,
        credit: ReceiveCredit = ReceiveCredit(),
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Void
    ) throws {
        let log = Journal()
        var configuration = configuration
        configuration.log = { if $0.level != .info { log.note("\($0)") } }
        server = Server(configuration: configuration)
        server.webSocket("/*", origin: .any, receiveCredit: credit, handler: handler)
        try server.start()
        guard let address = server.addresses.first else { throw RawPeerError.timedOut }
        self.address = address
        self.log = log
    }

    /// A state of the server's only loop.
    func inspect<Value: Sendable>(
        _ ask: @escaping @Sendable (EventLoop) -> Value
    ) async -> Value? {
        guard let mailbox = server.mailboxes.first else { return nil }
        return await withCheckedContinuation { continuation in
            let isPosted = mailbox.post { continuation.resume(returning: ask($0)) }
            if !isPosted { continuation.resume(returning: nil) }
        }
    }

    /// The handlers that run at this moment.
    func activeHandlerCount() async -> Int? {
        await inspect { $0.executor.activeHandlerCount }
    }

    /// Waits until no handler runs. Returns whether it came to that.
    func handlersEnded() async -> Bool {
        for _ in 0..<1000 {
            if await activeHandlerCount() == 0 { return true }
            usleep(10_000)
        }
        return false
    }
}

/// The thread that runs this, as a number.
func currentThread() -> UInt { UInt(pthread_self()) }
