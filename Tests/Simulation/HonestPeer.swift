internal import StargateCore
internal import StargateTesting

/// A client of any generation that keeps to the protocol: it sends numbered messages, whole or in
/// fragments, and checks that what comes back is what the handler has accepted, in order.
final class HonestPeer: SimulatedPeer {
    private enum Phase {
        case handshake(ScriptedHandshake)
        case open
        case closing
        case over
    }

    private unowned let simulation: Simulation
    private let number: Int
    private let version: ProtocolVersion
    private let wire: SimulatedWire
    private var phase: Phase
    private var deflate: ScriptedDeflate?
    private let compression: PerMessageDeflate?
    private let messageCountMax: Int
    private var sentCount = 0
    private var echoCount = 0
    private var fragments: [TestFrame] = []
    private var publications = ReceivedPublications()
    /// The handler of this connection, once a message has come back.
    private var isAsynchronous = false

    init(_ simulation: Simulation, _ number: Int) {
        self.simulation = simulation
        self.number = number
        version = ProtocolVersion.allCases.randomElement(using: &simulation.random) ?? .rfc6455
        messageCountMax = Int.random(in: 0...12, using: &simulation.random)
        compression =
            simulation.random.oneIn(2) ? nil : simulation.settings.configuration.compression
        wire = SimulatedWire(simulation)
        let route = ["echo", "echo", "later", "task"].randomElement(using: &simulation.random)
        isAsynchronous = route == "task"
        // The hixie drafts name an origin, whose scheme must be the server's.
        let scheme = simulation.settings.tls == nil ? "ws" : "wss"
        let handshake = try? ScriptedHandshake(
            url: "\(scheme)://127.0.0.1/\(route ?? "echo")/\(number)",
            version: version,
            origin: nil,
            subprotocols: [],
            extensions: compression.map(ScriptedDeflate.offer),
            headers: [],
            using: &simulation.random
        )
        guard let handshake else {
            phase = .over
            return
        }
        phase = .handshake(handshake)
        wire.send(handshake.request)
        // An impatient client sends before it was answered.
        if simulation.random.oneIn(4), compression == nil { sendMessage() }
    }

    // MARK: Its turns

    func act() {
        switch Int.random(in: 0..<4, using: &simulation.random) {
        case 0: wire.move(limit: simulation.random.size(upTo: 100_000) + 1)
        case 1:
            wire.read(limit: simulation.random.size(upTo: 100_000) + 1)
            takeIn()
        case 2:
            if case .open = phase, sentCount < messageCountMax { sendMessage() }
        default:
            if case .open = phase, simulation.random.oneIn(12) { close() }
        }
    }

    func conclude() {
        if case .open = phase {
            while sentCount < messageCountMax { sendMessage() }
            if isComplete { close() }
        }
        wire.move(limit: .max)
        wire.read(limit: .max)
        takeIn()
        if wire.isAtEnd {
            phase = .over
            wire.end()
            wire.move(limit: .max)
        }
    }

    func listen() {
        wire.move(limit: .max)
        wire.read(limit: .max)
        takeIn()
    }

    var isQuiet: Bool { wire.isQuiet }

    var isOver: Bool {
        if case .over = phase { wire.output.isEnded || wire.output.isReset } else { wire.isSilent }
    }

    func fallSilent() { wire.fallSilent() }

    func cut() { wire.cut() }

    // MARK: Sending

    private func sendMessage() {
        let size = simulation.random.size(upTo: simulation.settings.messageSizeMax)
        var payload = Payload.make("M", number, sentCount, count: size)
        if payload.count > simulation.settings.configuration.maxMessageSize {
            payload = Payload.make("M", number, sentCount, count: 0)
        }
        sentCount += 1
        let isText = version.isHixie || simulation.random.oneIn(2)
        var frame = TestFrame(isText ? .text : .binary, payload)
        if let deflate, let compressed = deflate.deflate(payload) {
            frame.payload = compressed
            frame.reservedBits = 4
        }
        guard !version.isHixie, simulation.random.oneIn(3) else { return send(frame) }
        sendInFragments(frame)
    }

    private func sendInFragments(_ frame: TestFrame) {
        var rest = frame.payload[...]
        var isFirst = true
        let pieceCountMax = min(30, simulation.settings.configuration.maxFragmentCount)
        var pieceCount = 1
        while !rest.isEmpty, pieceCount < pieceCountMax, !simulation.random.oneIn(6) {
            let piece = rest.prefix(simulation.random.size(upTo: rest.count))
            rest = rest.dropFirst(piece.count)
            send(
                TestFrame(
                    isFirst ? frame.opcode : .continuation,
                    Array(piece),
                    isFinal: false,
                    reservedBits: isFirst ? frame.reservedBits : 0
                )
            )
            isFirst = false
            pieceCount += 1
            if simulation.random.oneIn(5) { send(TestFrame(.ping, "between")) }
        }
        send(
            TestFrame(
                isFirst ? frame.opcode : .continuation,
                Array(rest),
                reservedBits: isFirst ? frame.reservedBits : 0
            )
        )
    }

    private func send(_ frame: TestFrame) {
        if version.isHixie { return wire.send(frame.hixieEncoded) }
        let key = (0..<4).map { _ in UInt8.random(in: 0...255, using: &simulation.random) }
        wire.send(frame.encoded(maskingKey: key))
    }

    private func close() {
        phase = .closing
        if version == .hixie75 { wire.end() } else { send(.close(.normalClosure)) }
    }

    // MARK: Receiving

    private func takeIn() {
        if case .handshake(let handshake) = phase { takeResponse(handshake) }
        switch phase {
        case .open, .closing: break
        case .handshake, .over: return
        }
        var rest = wire.received[...]
        while let frame = version.isHixie
            ? TestFrame.takeHixie(from: &rest) : TestFrame.take(from: &rest)
        {
            take(frame)
        }
        wire.keep(rest)
    }

    private func takeResponse(_ handshake: ScriptedHandshake) {
        var rest = wire.received[...]
        guard let response = TestResponse.takeHead(from: &rest) else { return }
        guard response.status == 101 else {
            simulation.check(
                !simulation.faults.isCalm || response.status == 503,
                "peer \(number) is refused with \(response.status)"
            )
            phase = .over
            return
        }
        guard rest.count >= handshake.answerByteCount else { return }
        let answer = Array(rest.prefix(handshake.answerByteCount))
        if let fault = handshake.fault(in: response.head, answer: answer) {
            simulation.check(false, "peer \(number) does not like the handshake: \(fault)")
        }
        if let compression, let extensions = response["Sec-WebSocket-Extensions"] {
            deflate = ScriptedDeflate(compression, answer: extensions)
        }
        wire.keep(rest.dropFirst(answer.count))
        phase = .open
    }

    private func take(_ frame: TestFrame) {
        simulation.check(!frame.isMasked, "peer \(number) is sent a masked frame")
        switch frame.opcode {
        case .ping:
            simulation.check(frame.payload.count <= 125, "peer \(number) is sent a long ping")
            if case .open = phase { send(TestFrame(.pong, frame.payload)) }
        case .pong: break
        case .close:
            if case .open = phase { send(TestFrame(.close, Array(frame.payload.prefix(2)))) }
            phase = .closing
            // What is not read of this end's last words would reset the connection.
            if version.isHixie { wire.end() }
        case .text, .binary, .continuation:
            fragments.append(frame)
            guard frame.isFinal else { return }
            takeMessage()
        default: simulation.check(false, "peer \(number) is sent \(frame)")
        }
    }

    private func takeMessage() {
        var payload = fragments.flatMap(\.payload)
        let isCompressed = fragments.first.map { $0.reservedBits & 4 != 0 } ?? false
        fragments = []
        if isCompressed {
            guard let inflated = deflate?.inflate(payload) else {
                return simulation.check(false, "peer \(number) cannot inflate a message")
            }
            payload = inflated
        }
        guard let head = Payload.check(payload) else {
            return simulation.check(false, "peer \(number) received \(payload.count) wrong bytes")
        }
        switch head.kind {
        case UInt8(ascii: "M"): takeEcho(head)
        case UInt8(ascii: "P"): takePublication(head)
        default: break
        }
    }

    private func takeEcho(_ head: Payload.Head) {
        simulation.totals.echoes += 1
        simulation.check(head.sender == number, "peer \(number) received what is another's")
        let accepted = record?.accepted ?? []
        guard echoCount < accepted.count else {
            return simulation.check(false, "peer \(number) received more than was sent")
        }
        simulation.check(
            accepted[echoCount] == head.number,
            "peer \(number) received \(head.number) instead of \(accepted[echoCount])"
        )
        echoCount += 1
    }

    private func takePublication(_ head: Payload.Head) {
        simulation.totals.publications += 1
        if let fault = publications.take(head, record) {
            simulation.check(false, "peer \(number): \(fault)")
        }
    }

    var debt: String? {
        guard case .open = phase, let record, record.isOpened, record.closedCount == 0 else {
            return nil
        }
        return publications.debt(to: record, from: simulation.handlers)
            .map { "peer \(number): \($0)" }
    }

    private var record: HandlerRecord? {
        simulation.handlers.first { $0.sender == number }
    }

    /// Whether everything that was sent has come back, or been dropped.
    private var isComplete: Bool {
        guard let record else { return sentCount == 0 }
        return record.nextNumber == sentCount && echoCount == record.accepted.count
    }

    func finish() {
        if isComplete, sentCount > 0 { simulation.totals.completed += 1 }
        simulation.check(
            echoCount <= record?.accepted.count ?? 0,
            "peer \(number) received more than was sent"
        )
        simulation.check(
            record?.nextNumber ?? 0 <= sentCount,
            "peer \(number) has sent less than was received"
        )
    }
}
