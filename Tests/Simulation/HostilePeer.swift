internal import StargateCore
internal import StargateTesting

/// A client that keeps to the protocol as long as it likes, then breaks it in one of many ways. What
/// it sends behind a violation must never reach a handler.
final class HostilePeer: SimulatedPeer {
    /// Begins every message that is sent behind a violation.
    static let forbidden = Array("FORBIDDEN".utf8)

    private unowned let simulation: Simulation
    private let wire: SimulatedWire
    private var hasViolated = false
    private var isHixie = false
    private let version: ProtocolVersion
    private let compresses: Bool

    init(_ simulation: Simulation, _ number: Int) {
        self.simulation = simulation
        wire = SimulatedWire(simulation)
        let versions: [ProtocolVersion] = [.hybi7, .hybi8, .rfc6455, .rfc6455]
        version = versions.randomElement(using: &simulation.random) ?? .rfc6455
        compresses = simulation.random.oneIn(2)
        if simulation.random.oneIn(6) { sendGarbage() } else { sendHandshake() }
    }

    private func sendHandshake() {
        // To a hixie server the frames below are something else, but not always a violation.
        isHixie = simulation.random.oneIn(6)
        let handshake = try? ScriptedHandshake(
            url: "ws://127.0.0.1/any",
            version: isHixie ? .hixie76 : version,
            origin: nil,
            subprotocols: [],
            extensions: compresses ? "permessage-deflate; client_max_window_bits" : nil,
            headers: simulation.random.oneIn(8)
                ? [("X-Much", String(repeating: "y", count: 20_000))] : [],
            using: &simulation.random
        )
        var request = handshake?.request ?? []
        if simulation.random.oneIn(6), !request.isEmpty {
            // One byte of the request is another one.
            let index = Int.random(in: 0..<request.count, using: &simulation.random)
            request[index] = UInt8.random(in: 0...255, using: &simulation.random)
        }
        wire.send(request)
    }

    private func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &simulation.random) }
    }

    private func sendGarbage() {
        hasViolated = true
        let garbage = bytes(simulation.random.size(upTo: 5000))
        if simulation.random.oneIn(2) { wire.sendRaw(garbage) } else { wire.send(garbage) }
    }

    func act() {
        if simulation.random.oneIn(2) {
            if hasViolated { sendForbidden() } else { sendSomething() }
        }
        wire.move(limit: simulation.random.size(upTo: 10_000) + 1)
        if simulation.random.oneIn(3) {
            wire.read(limit: simulation.random.size(upTo: 10_000))
            wire.keep([])
        }
    }

    private func send(_ frame: TestFrame) { wire.send(frame.encoded(maskingKey: bytes(4))) }

    private func sendForbidden() {
        send(TestFrame(.text, Self.forbidden))
    }

    /// Anything that is allowed, or one of the things that are not.
    private func sendSomething() {
        switch Int.random(in: 0..<8, using: &simulation.random) {
        case 0...2: send(TestFrame(.text, "fair"))
        case 3:
            send(TestFrame(.text, "in ", isFinal: false))
            send(TestFrame(.ping, [UInt8](repeating: 1, count: 125)))
            send(TestFrame(.continuation, "pieces"))
        case 4: for _ in 0..<20 { send(TestFrame(.ping, bytes(simulation.random.size(upTo: 125)))) }
        case 5: send(TestFrame(.pong, "unasked"))
        default:
            violate()
            hasViolated = !isHixie
            if hasViolated { sendForbidden() }
        }
    }

    private func violate() {
        switch Int.random(in: 0..<16, using: &simulation.random) {
        case 0: send(TestFrame(.text, Array("unmasked".utf8), isMasked: false))
        case 1: send(TestFrame(.text, Array("rsv".utf8), reservedBits: 2))
        case 2: send(TestFrame(.init(rawValue: 3), "reserved"))
        case 3: send(TestFrame(.init(rawValue: 11), "reserved"))
        case 4: send(TestFrame(.ping, bytes(126)))
        case 5: send(TestFrame(.ping, "fragmented", isFinal: false))
        case 6: send(TestFrame(.continuation, "of nothing"))
        case 7:
            send(TestFrame(.text, "one", isFinal: false))
            send(TestFrame(.text, "two"))
        case 8: send(TestFrame(.text, [0xFF, 0xFE]))
        case 9: send(TestFrame(.close, [0x03]))
        case 10: send(.close(CloseCode(rawValue: 1005)))
        case 11: wire.send([0x81, 0xFE, 0x00, 0x05, 1, 2, 3, 4, 5, 5, 5, 5, 5])
        case 12: wire.send([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4])
        case 13: wire.send([0x82, 0xFF, 0, 0, 0, 0x7F, 0, 0, 0, 0, 1, 2, 3, 4])
        case 14 where simulation.settings.tls != nil:
            // A record that says something, and is not what the keys say it is.
            wire.sendRaw([0x17, 0x03, 0x03, 0x00, 0x40] + bytes(64))
        default:
            // A compressed message that is none, or the reserved bit of an extension not agreed on.
            send(TestFrame(.text, [0xFF] + bytes(20), reservedBits: 4))
        }
    }

    func conclude() {
        wire.end()
        wire.move(limit: .max)
        wire.read(limit: .max)
        wire.keep([])
    }

    func listen() {
        wire.move(limit: .max)
        wire.read(limit: .max)
        wire.keep([])
    }

    var isQuiet: Bool { wire.isQuiet }
    var isOver: Bool { wire.isSilent || wire.isAtEnd }
    func fallSilent() { wire.fallSilent() }
    func cut() { wire.cut() }
    func finish() {}
}
