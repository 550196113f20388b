@testable import StargateCore

/// A whole connection of a server, from the first byte to the last, over a transport in memory: what
/// arrives in pieces leads to what arrives at once leads to, what is written is HTTP or frames, and
/// nothing is left of it in the end.
func fuzzConnection(_ input: consuming FuzzInput) {
    let plan = ConnectionPlan(&input)
    let cuts = input.cuts()
    let bytes = plan.opening + Array(input.rest()) + plan.ending
    let whole = ConnectionRun(plan, bytes, Cuts(lengths: []), window: .max)
    let pieces = ConnectionRun(plan, bytes, cuts, window: .max)
    pieces.compare(with: whole, "in pieces of \(cuts.lengths)")
    // A peer that reads slowly gets other things, but nothing that is broken.
    if let window = plan.window { _ = ConnectionRun(plan.limited, bytes, cuts, window: window) }
}

/// How a server is set up, and how the connection begins.
struct ConnectionPlan {
    var configuration = Server.Configuration()
    let subscribes: Bool
    /// How much a slow peer takes in a turn.
    let window: Int?
    let opening: [UInt8]
    /// Whether the last head may be left open. What is wrong with one that never ends is said, or is
    /// not, depending on how much of it came at once.
    let mayEndInHead: Bool
    var ending: [UInt8] { opening.isEmpty && !mayEndInHead ? Array("\r\n\r\n".utf8) : [] }
    private let isHurried: Bool
    private let isNarrow: Bool

    /// With the limits that are judged read by read, and so mean something else for pieces.
    var limited: ConnectionPlan {
        var plan = self
        if isHurried { plan.configuration.maxMessagesPerSecond = 5 }
        if isNarrow {
            plan.configuration.outputSoftLimit = 1000
            plan.configuration.outputHardLimit = 4000
        }
        return plan
    }

    init(_ input: inout FuzzInput) {
        let flags = input.byte()
        let limits = input.byte()
        configuration.protocols = ProtocolSet(rawValue: input.byte() & ProtocolSet.all.rawValue)
        configuration.compression =
            [nil, .shared, .dedicated, PerMessageDeflate(serverMaxWindowBits: 9)][Int(flags & 3)]
        subscribes = flags & 4 != 0
        window = flags & 8 == 0 ? nil : input.number(in: 1...100)
        if flags & 16 != 0, let range = AddressRange("127.0.0.0/8") {
            configuration.trustedProxies = [range]
        }
        if limits & 1 != 0 { configuration.maxMessageSize = 100 }
        if limits & 2 != 0 { configuration.maxFragmentCount = 3 }
        isNarrow = limits & 4 != 0
        if limits & 8 != 0 { configuration.publicationQueueCount = 2 }
        if limits & 16 != 0 { configuration.slowConsumerPolicy = .dropOldest }
        if limits & 32 != 0 { configuration.maxBodySize = 10 }
        isHurried = limits & 64 != 0
        // What is asked of the system, or said to people.
        configuration.memoryBudget = nil
        configuration.maxConnections = 10
        configuration.watchdogLimit = nil
        configuration.log = { _ in }
        mayEndInHead = flags & 32 != 0
        let openings = Self.openings
        opening = openings[Int(input.byte()) % openings.count]
    }

    /// What the fuzzer would have to find by chance; the first is nothing.
    private static let openings: [[UInt8]] = {
        let start = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: "
        let key =
            "websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        let deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        let keys =
            "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
        let texts = [
            "", start + key + "13\r\n\r\n", start + key + "13\r\n" + deflate + "\r\n",
            start + key + "8\r\n\r\n", start + key + "7\r\n\r\n",
            start + "WebSocket\r\nOrigin: http://h\r\n" + keys + "\r\n^n:ds[4U",
            start + "WebSocket\r\nOrigin: http://h\r\n\r\n",
        ]
        return texts.map { Array($0.utf8) }
    }()
}

/// Does what the first byte of a message says; sends everything else back.
private final class FuzzHandler: WebSocketHandler {
    private unowned let run: ConnectionRun
    private let subscribes: Bool

    init(_ run: ConnectionRun, subscribes: Bool) {
        self.run = run
        self.subscribes = subscribes
    }

    func opened(_ socket: WebSocket) {
        run.note("opened")
        run.isHixie = socket.protocolVersion.isHixie
        if subscribes { socket.subscribe(to: "t") }
    }

    func received(_ message: Message, on socket: WebSocket) {
        let bytes: [UInt8]
        switch message {
        case .text(let text):
            bytes = Array(String(copying: text).utf8)
            run.note("text \(bytes)")
            require(ReferenceUTF8.isValid(bytes), "text that is no UTF-8 was delivered")
        case .binary(let span):
            bytes = span.withUnsafeBytes { Array($0) }
            run.note("binary \(bytes)")
        }
        switch bytes.first {
        case UInt8(ascii: "p"):
            run.publish(PreparedMessage(message), bytes)
        case UInt8(ascii: "c"):
            let code =
                UInt16(bytes.dropFirst().first ?? 0) << 8 | UInt16(bytes.dropFirst(2).first ?? 0)
            socket.close(CloseCode(rawValue: code), reason: "fuzz")
        case UInt8(ascii: "x"):
            run.note("terminates")
            socket.terminate()
        case UInt8(ascii: "g"): socket.ping()
        case UInt8(ascii: "b"): socket.send(String(repeating: "big ", count: 2000))
        case UInt8(ascii: "z"):
            socket.pause()
            _ = socket.eventLoop?.schedule(after: .milliseconds(1)) { _ in socket.resume() }
        default: socket.send(message)
        }
    }

    func ponged(_ payload: RawSpan, on socket: WebSocket) {
        run.note("pong \(payload.withUnsafeBytes { Array($0) })")
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        run.note("closed \(code.rawValue) \(Array(reason.utf8))")
        run.closed()
    }
}

/// One connection, and what became of it. Sendable only because routes have to be.
private final class ConnectionRun: @unchecked Sendable {
    /// More turns mean that something goes on for ever.
    private static let turnCountMax = 20_000
    /// The longest time that a peer that says nothing may be kept: every deadline in a row.
    private static let patience: UInt64 = 200_000

    private var events: [String] = []
    private var publications: [[UInt8]] = []
    private var closedCount = 0
    var isHixie = false
    private var isOpen: Bool { events.contains("opened") }
    private let plan: ConnectionPlan
    private let clock = VirtualClock()
    private let server: Server
    private var output: ReferenceOutput?

    func note(_ event: String) {
        require(closedCount == 0, "\(event) after the end")
        events.append(event)
    }

    func publish(_ message: PreparedMessage, _ bytes: [UInt8]) {
        if server.publish(message, to: "t") { publications.append(bytes) }
    }

    func closed() { closedCount += 1 }

    init(_ plan: ConnectionPlan, _ bytes: [UInt8], _ cuts: Cuts, window: Int) {
        self.plan = plan
        server = Server(configuration: plan.configuration)
        do {
            try run(bytes, cuts, window: window)
        } catch {
            require(false, "no server: \(error)")
        }
        requireEqual(closedCount, isOpen ? 1 : 0, "how often the handler was closed")
        requireEqual(VirtualLoop.publishedByteCount(of: server), 0, "bytes of publications")
    }

    private func run(_ bytes: [UInt8], _ cuts: Cuts, window: Int) throws {
        let loop = try VirtualLoop(clock: clock, seed: 1)
        addRoutes()
        try server.start(on: [loop])
        var socket: FuzzSocket?
        loop.turn {
            loop.accept(for: server) { connection in
                let accepted = FuzzSocket(connection, bytes, cuts, window: window)
                socket = accepted
                return accepted
            }
        }
        guard let socket else { return require(false, "not accepted") }
        drive(loop, socket)
        output = ReferenceOutput(
            socket.output,
            mayOmitBodies: String(decoding: bytes, as: UTF8.self).contains("HEAD "),
            isCut: window < .max || events.contains("terminates") || socket.isReset
        )
        checkAccounts(loop)
        loop.stop()
    }

    private func addRoutes() {
        let subscribes = plan.subscribes
        for path in ["/", "/chat", "/demo"] {
            server.webSocket(path) { [unowned self] _ in
                .accept { FuzzHandler(self, subscribes: subscribes) }
            }
        }
        server.get("/plain") { _ in .text("plain") }
        server.post("/body") { request in .text("\(request.body.count)") }
    }

    /// Lets happen what can happen, then the end, then time.
    private func drive(_ loop: VirtualLoop, _ socket: FuzzSocket) {
        let end = clock.now + Self.patience
        for _ in 0..<Self.turnCountMax {
            if socket.isClosed, !loop.hasWork { return }
            if loop.hasWork || socket.hasEvent {
                loop.turn { socket.deliver() }
            } else if let due = loop.nextDue, due <= clock.now + 1 {
                clock.now = due
            } else if socket.hasEnd {
                loop.turn { socket.deliverEnd() }
            } else {
                guard let due = loop.nextDue else { break }
                clock.now = max(clock.now, due)
                require(clock.now < end, "the connection is kept for ever")
            }
        }
        require(socket.isClosed, "the connection is never closed")
    }

    private func checkAccounts(_ loop: VirtualLoop) {
        clock.now += 120_000
        for _ in 0..<3 { loop.turn() }
        requireEqual(loop.account, VirtualLoop.Account(), "what is left")
        requireEqual(loop.topicCount(of: server), 0, "topics")
        requireEqual(loop.counters.connectionsActive, 0, "connections")
    }

    // MARK: Comparing

    /// The same was heard and said. What was published may come later between what was sent, and not
    /// at all when the end came first; and who is terminated may lose what was not written yet.
    func compare(with other: ConnectionRun, _ subject: String) {
        let isAmbiguous = endsAmbiguously && other.endsAmbiguously
        requireEqual(
            isAmbiguous ? events.dropLast() : events[...],
            isAmbiguous ? other.events.dropLast() : other.events[...],
            "what the handler heard \(subject)"
        )
        guard let output, let others = other.output, isOpen || !plan.mayEndInHead else { return }
        requireEqual(output.responses, others.responses, "the responses \(subject)")
        let isCompared = { (frame: ReferenceOutput.Frame) in
            !self.isPublication(frame) && !(isAmbiguous && frame.opcode == 8)
        }
        let sent = output.frames.filter(isCompared)
        let otherSent = others.frames.filter(isCompared)
        if events.contains("terminates") {
            require(
                sent.starts(with: otherSent) || otherSent.starts(with: sent),
                "what was sent before the termination \(subject)"
            )
        } else {
            requireEqual(sent, otherSent, "what was sent \(subject)")
        }
        for run in [self, other] {
            let arrived = run.output?.frames.filter(isPublication).map(\.payload) ?? []
            let due = plan.subscribes ? run.publications : []
            require(
                due.starts(with: arrived),
                "other publications than those that are due \(subject)"
            )
        }
    }

    /// A message that is too long and no text, whose length is not said before: which is found first
    /// depends on how much is inflated, or of a hixie draft's frame scanned, at once.
    private var endsAmbiguously: Bool {
        guard plan.configuration.compression != nil || isHixie, let end = events.last else {
            return false
        }
        return end.hasPrefix("closed 1007") || end.hasPrefix("closed 1009")
    }

    private func isPublication(_ frame: ReferenceOutput.Frame) -> Bool {
        frame.opcode < 8 && frame.payload.first == UInt8(ascii: "p")
    }
}
