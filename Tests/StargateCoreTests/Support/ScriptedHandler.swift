// A handler that writes down everything and does what the test wants done.

import Glibc

@testable import StargateCore

/// What a handler of a test does beside writing down.
struct Script: Sendable {
    var opened: @Sendable (WebSocket) -> Void = { _ in }
    /// Returns whether the message is to be echoed.
    var received: @Sendable (HandlerEvent, WebSocket) -> Bool = { _, _ in true }
    var drained: @Sendable (WebSocket) -> Void = { _ in }
    var closed: @Sendable (WebSocket) -> Void = { _ in }
    /// Whether messages are written down; if not, they are echoed and nothing else.
    var writesMessagesDown = true

    static let echo = Script()
}

final class ScriptedHandler: WebSocketHandler {
    private let journal: Journal
    private let script: Script

    init(_ journal: Journal, _ script: Script) {
        self.journal = journal
        self.script = script
    }

    func opened(_ socket: WebSocket) {
        journal.append(.opened)
        script.opened(socket)
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard script.writesMessagesDown else {
            // No copy either: this is for tests that count what a message costs.
            socket.send(message)
            return
        }
        let event = HandlerEvent(message)
        journal.append(event)
        if script.received(event, socket) { socket.send(message) }
    }

    func drained(_ socket: WebSocket) {
        journal.append(.drained)
        script.drained(socket)
    }

    func ponged(_ payload: RawSpan, on socket: WebSocket) {
        journal.append(.ponged(payload.withUnsafeBytes(Array.init)))
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        journal.append(.closed(code.rawValue, reason))
        script.closed(socket)
    }
}

extension HandlerEvent {
    init(_ message: Message) {
        switch message {
        case .text(let text): self = .text(String(copying: text))
        case .binary(let bytes): self = .binary(bytes.withUnsafeBytes(Array.init))
        }
    }
}

/// A server with one scripted WebSocket on every path, and what its handlers lived through.
struct TestServer: ~Copyable {
    let server: Server
    let journal = Journal()
    let address: SocketAddress

    init(
        _ configuration: Server.Configuration = .quiet,
        script: Script = .echo,
        routes: (Server) -> Void = { _ in }
    ) throws {
        server = Server(configuration: configuration)
        let journal = journal
        server.webSocket("/*", origin: .any) { _ in
            .accept { ScriptedHandler(journal, script) }
        }
        routes(server)
        try server.start()
        guard let address = server.addresses.first else { throw RawPeerError.timedOut }
        self.address = address
    }

    /// Stops the server, after which nothing is written down any more.
    func stop() async { await server.stop() }

    /// A state of the server's loops, asked for on each of them.
    func inspect<Value: Sendable>(
        _ ask: @escaping @Sendable (EventLoop) -> Value
    ) async -> [Value] {
        var values: [Value] = []
        for mailbox in server.mailboxes {
            let value: Value? = await withCheckedContinuation { continuation in
                let isPosted = mailbox.post { continuation.resume(returning: ask($0)) }
                if !isPosted { continuation.resume(returning: nil) }
            }
            if let value { values.append(value) }
        }
        return values
    }
}

extension Server.Configuration {
    /// Any free port, one loop, nothing logged, and no patience with peers when it is stopped.
    static var quiet: Server.Configuration {
        var configuration = Server.Configuration(port: 0, loopCount: 1)
        configuration.log = { _ in }
        configuration.shutdownTimeout = .milliseconds(50)
        // The same tests on the transport for other systems: Scripts/portable-tests.sh.
        if getenv("STARGATE_PORTABLE_TRANSPORT") != nil { configuration.transport = .portable }
        return configuration
    }

    /// As ``quiet``, changed.
    static func quiet(_ change: (inout Server.Configuration) -> Void) -> Server.Configuration {
        var configuration = quiet
        change(&configuration)
        return configuration
    }
}
