internal import StargateCore

/// The engine's own client: both ends of its connection are the engine's.
final class ClientPeer: SimulatedPeer {
    private final class Handler: WebSocketHandler {
        unowned let peer: ClientPeer
        unowned let simulation: Simulation
        init(_ peer: ClientPeer, _ simulation: Simulation) {
            self.peer = peer
            self.simulation = simulation
        }

        func opened(_ socket: WebSocket) { peer.socket = socket }

        func received(_ message: Message, on socket: WebSocket) {
            peer.received(message.copied)
        }

        func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
            simulation.check(peer.socket != nil, "client \(peer.number) was closed and not opened")
            peer.closedCount += 1
        }
    }

    private unowned let simulation: Simulation
    private let number: Int
    private let loop: Int
    private let version: ProtocolVersion
    fileprivate var socket: WebSocket?
    fileprivate var closedCount = 0
    private var outcomeCount = 0
    private var hasStarted = false
    private var isSilent = false
    private let messageCountMax: Int
    private var sentCount = 0
    private var echoCount = 0
    private var publications = ReceivedPublications()

    init(_ simulation: Simulation, _ number: Int) {
        self.simulation = simulation
        self.number = number
        version = ProtocolVersion.allCases.randomElement(using: &simulation.random) ?? .rfc6455
        loop = Int.random(in: 0..<simulation.loops.count, using: &simulation.random)
        messageCountMax = Int.random(in: 0...12, using: &simulation.random)
    }

    private func start() {
        hasStarted = true
        let route = ["echo", "later", "task"].randomElement(using: &simulation.random) ?? "echo"
        let scheme = simulation.settings.tls == nil ? "ws" : "wss"
        let url = "\(scheme)://sim.example/\(route)/\(number)"
        guard var request = try? ClientRequest(url: url) else { return }
        request.protocolVersion = version
        if let tls = simulation.settings.tls { request.tls = tls.client }
        if simulation.random.oneIn(2) {
            request.compression = simulation.settings.configuration.compression
        }
        simulation.loops[loop].turn {
            WebSocketClient.connect(
                request,
                on: simulation.loops[loop].eventLoop,
                handler: Handler(self, simulation)
            ) { [unowned self] _ in outcomeCount += 1 }
        }
    }

    func act() {
        guard hasStarted else { return start() }
        guard !isSilent, let socket, socket.isOpen else { return }
        simulation.loops[loop].turn {
            if simulation.random.oneIn(20) { return socket.close() }
            if simulation.random.oneIn(20) { return socket.ping() }
            guard sentCount < messageCountMax else { return }
            let size = simulation.random.size(upTo: simulation.settings.messageSizeMax)
            let bytes = Payload.make("M", number, sentCount, count: size)
            guard bytes.count <= simulation.settings.configuration.maxMessageSize else { return }
            if socket.send(String(decoding: bytes, as: UTF8.self)) != .dropped { sentCount += 1 }
        }
    }

    func conclude() {
        guard let socket, socket.isOpen else { return }
        simulation.loops[loop].turn { socket.close() }
    }

    private var record: HandlerRecord? {
        simulation.handlers.first { $0.sender == number }
    }

    /// Its loop does everything by itself.
    func listen() {}

    var isQuiet: Bool {
        simulation.sockets.allSatisfy { $0.isClosed || !$0.isClient || $0.isQuiet }
    }

    var debt: String? {
        guard let socket, socket.isOpen, let record, record.isOpened, record.closedCount == 0
        else { return nil }
        return publications.debt(to: record, from: simulation.handlers)
            .map { "client \(number): \($0)" }
    }

    var isOver: Bool { !hasStarted || outcomeCount > 0 && (socket == nil || closedCount > 0) }

    func fallSilent() { isSilent = true }

    func cut() {
        guard let socket else { return }
        simulation.loops[loop].turn { socket.terminate() }
    }

    fileprivate func received(_ bytes: [UInt8]) {
        simulation.check(closedCount == 0, "client \(number) received after its end")
        guard let head = Payload.check(bytes) else {
            return simulation.check(false, "client \(number) received \(bytes.count) wrong bytes")
        }
        if head.kind == UInt8(ascii: "P") {
            simulation.totals.publications += 1
            if let fault = publications.take(head, record) {
                simulation.check(false, "client \(number): \(fault)")
            }
        } else if head.kind == UInt8(ascii: "M") {
            simulation.totals.echoes += 1
            let accepted = record?.accepted ?? []
            let expected = echoCount < accepted.count ? accepted[echoCount] : -1
            simulation.check(
                head.number == expected && head.sender == number,
                "client \(number) received \(head.number) instead of \(expected)"
            )
            echoCount += 1
        }
    }

    func finish() {
        guard hasStarted else { return }
        simulation.check(outcomeCount == 1, "client \(number) has \(outcomeCount) outcomes")
        simulation.check(
            closedCount == (socket == nil ? 0 : 1),
            "client \(number) was closed \(closedCount) times"
        )
    }
}
