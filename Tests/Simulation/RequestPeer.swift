internal import StargateTesting

/// A client of plain HTTP: several requests on one connection, each answered in order, or a refusal
/// and the end.
final class RequestPeer: SimulatedPeer {
    private unowned let simulation: Simulation
    private let number: Int
    private let wire: SimulatedWire
    private var expected: [(status: Int, text: String)] = []
    private var hasFailed = false

    init(_ simulation: Simulation, _ number: Int) {
        self.simulation = simulation
        self.number = number
        wire = SimulatedWire(simulation)
    }

    private func ask() {
        guard expected.count < 10 else { return }
        if simulation.random.oneIn(2) {
            wire.send(Array("GET /health HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            expected.append((200, "ok"))
        } else if simulation.random.oneIn(5) {
            wire.send(Array("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            expected.append((404, ""))
        } else {
            let size = simulation.random.size(upTo: 5000)
            let head = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n"
            wire.send(Array(head.utf8) + [UInt8](repeating: 120, count: size))
            expected.append((200, "\(size)"))
        }
    }

    func act() {
        if simulation.random.oneIn(3) { ask() }
        wire.move(limit: simulation.random.size(upTo: 10_000) + 1)
        wire.read(limit: simulation.random.size(upTo: 10_000) + 1)
        takeIn()
    }

    private func takeIn() {
        var rest = wire.received[...]
        while let response = TestResponse.take(from: &rest, hasBody: true) {
            guard !hasFailed else { break }
            // The server may end it for its own reasons: a deadline, or its end.
            if [408, 503].contains(response.status) {
                hasFailed = true
                break
            }
            guard !expected.isEmpty else {
                return simulation.check(false, "peer \(number) is answered and has not asked")
            }
            let (status, text) = expected.removeFirst()
            simulation.check(
                response.status == status && (status != 200 || response.text == text),
                "peer \(number) got \(response.status) \(response.text), not \(status) \(text)"
            )
        }
        wire.keep(rest)
    }

    func conclude() {
        wire.end()
        wire.move(limit: .max)
        wire.read(limit: .max)
        takeIn()
    }

    func listen() {
        wire.move(limit: .max)
        wire.read(limit: .max)
        takeIn()
    }

    var isQuiet: Bool { wire.isQuiet }
    var isOver: Bool { wire.isSilent || wire.isAtEnd }
    func fallSilent() { wire.fallSilent() }
    func cut() { wire.cut() }
    func finish() {}
}
