// A server whose connections do with topics what their peers tell them to.

import Synchronization

@testable import StargateCore

/// What the handlers of a test have in common.
final class TopicLog: Sendable {
    let journal = Journal()
    let droppedCount = Atomic<Int>(0)
    let closeCodes = Lock<[UInt16]>([])
    /// The names of connections, in the order in which they came.
    let connections = Lock<[ConnectionID]>([])
}

/// Takes commands as text messages and answers each of them:
/// `+FILTER` subscribes, `-FILTER` unsubscribes, `>TOPIC TEXT` publishes, `<` unsubscribes from
/// everything, `x>TOPIC TEXT` closes and publishes, `?` tells loop and topics.
final class TopicHandler: WebSocketHandler {
    private let log: TopicLog
    private let policy: SlowConsumerPolicy?
    /// What is published when the connection is over.
    private var lastWords: String?

    init(_ log: TopicLog, _ policy: SlowConsumerPolicy?) {
        self.log = log
        self.policy = policy
    }

    func opened(_ socket: WebSocket) {
        log.connections.withLock { $0.append(socket.id) }
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message else { return }
        let command = String(copying: text)
        let argument = command.dropFirst()
        switch command.first {
        case "+": socket.send(subscribe(String(argument), socket))
        case "-":
            guard let filter = try? TopicFilter(String(argument)) else { return }
            socket.send("\(socket.unsubscribe(matching: filter))")
        case ">": publish(argument, socket)
        case "<":
            for filter in socket.topics { socket.unsubscribe(matching: filter) }
            socket.send("\(socket.topicCount)")
        case "!": lastWords = String(argument)
        case "x":
            publish(argument.dropFirst(), socket)
            socket.close()
        default: socket.send("\(socket.id.loop) \(socket.topics.map(\.name).sorted())")
        }
    }

    private func subscribe(_ name: String, _ socket: WebSocket) -> String {
        guard let filter = try? TopicFilter(name) else { return "no filter" }
        return "\(socket.subscribe(matching: filter, policy: policy))"
    }

    private func publish(_ argument: Substring, _ socket: WebSocket) {
        let parts = argument.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let topic = try? Topic(String(parts[0])) else { return }
        socket.publish(String(parts[1]), to: topic)
    }

    func dropped(_ count: Int, on socket: WebSocket) {
        log.droppedCount.wrappingAdd(count, ordering: .relaxed)
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        if let lastWords { publish(lastWords[...], socket) }
        log.closeCodes.withLock { $0.append(code.rawValue) }
        log.journal.append(.closed(code.rawValue, reason))
    }
}

struct TopicServer: ~Copyable {
    let server: Server
    let log = TopicLog()
    let address: SocketAddress

    init(
        _ configuration: Server.Configuration = .quiet,
        policy: SlowConsumerPolicy? = nil,
        before: (Server) -> Void = { _ in }
    ) throws {
        var configuration = configuration
        // These peers do not answer pings.
        configuration.keepAliveInterval = nil
        server = Server(configuration: configuration)
        let log = log
        server.webSocket("/*", origin: .any) { _ in .accept { TopicHandler(log, policy) } }
        before(server)
        try server.start()
        guard let address = server.addresses.first else { throw RawPeerError.timedOut }
        self.address = address
    }

    /// Connects a peer and subscribes it.
    func subscriber(
        _ filters: String...,
        receiveBuffer: Int32? = nil,
        extra: String = ""
    ) throws -> RawPeer {
        let peer = try RawPeer.open(address, extra: extra, receiveBuffer: receiveBuffer)
        for filter in filters {
            guard try peer.ask("+\(filter)") == "subscribed" else { throw RawPeerError.timedOut }
        }
        return peer
    }

    func stop() async { await server.stop() }
}

extension RawPeer {
    /// Sends a command and returns the next message.
    func ask(_ command: String) throws -> String {
        try send(textFrame(command))
        return try receiveFrame().text
    }

    /// The next message.
    var nextText: String {
        get throws { try receiveFrame().text }
    }
}

extension RawFrame {
    /// The numbers that a message begins with; what follows may be long and is not looked at.
    var numbers: [Int] {
        let start = String(decoding: payload.prefix(24), as: UTF8.self)
        return start.split(separator: " ").prefix { Int($0) != nil }.compactMap { Int($0) }
    }
}

extension Server.Configuration {
    /// As ``quiet``, with two loops.
    static var twoLoops: Server.Configuration { .quiet { $0.loopCount = 2 } }
}
