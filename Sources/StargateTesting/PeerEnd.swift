internal import StargateCore

/// The scripted end of a connection: takes in what the server sends, and answers by itself what
/// every endpoint answers.
final class PeerEnd {
    /// From the server.
    let input = ByteStream()
    /// To the server.
    let output = ByteStream()

    /// How the bytes from the server are to be understood.
    enum Language {
        /// As they come: before a handshake, and after one that the test made by hand.
        case bytes
        /// As frames of a version of the protocol.
        case frames(ProtocolVersion, ScriptedDeflate?)
    }

    private(set) var language = Language.bytes
    /// Bytes that are not understood as frames, or the start of a frame.
    private(set) var received: [UInt8] = []
    /// Frames that the test has not asked for.
    var frames: [TestFrame] = []
    /// The payloads of pings that the test has not asked for.
    var pings: [[UInt8]] = []
    private(set) var close: TestClose?
    private(set) var hasSentClose = false
    private var hasSeenEnd = false

    var isReading = true
    var answers = true
    var maskingKeys = SplitMix64(state: 1)

    /// Whether nothing can come any more.
    var isOver: Bool { hasSeenEnd && (output.isEnded || output.isReset) }

    /// Takes in what has arrived. Returns whether anything has.
    func takeInput() -> Bool {
        guard isReading, !hasSeenEnd else { return false }
        if input.isReset {
            hasSeenEnd = true
            output.isEnded = true
            return true
        }
        guard input.count > 0 || input.isAtEnd else { return false }
        received += input.readAll()
        takeFrames()
        if input.isAtEnd {
            hasSeenEnd = true
            if answers { output.isEnded = true }
        }
        return true
    }

    /// Takes the bytes that were not understood as frames.
    func takeReceived() -> [UInt8] {
        defer { received = [] }
        return received
    }

    /// Keeps what is behind something that was taken from the bytes.
    func keep(_ rest: ArraySlice<UInt8>) { received = Array(rest) }

    /// Understands what arrives as frames from here on, and what has arrived behind a response.
    func speak(_ version: ProtocolVersion, _ deflate: ScriptedDeflate?, rest: ArraySlice<UInt8>) {
        language = .frames(version, deflate)
        received = Array(rest)
        takeFrames()
    }

    private func takeFrames() {
        guard case .frames(let version, _) = language else { return }
        var rest = received[...]
        while let frame = version.isHixie
            ? TestFrame.takeHixie(from: &rest) : TestFrame.take(from: &rest)
        {
            take(frame, version)
        }
        received = Array(rest)
    }

    private func take(_ frame: TestFrame, _ version: ProtocolVersion) {
        frames.append(frame)
        switch frame.opcode {
        case .ping:
            pings.append(frame.payload)
            if answers, !hasSentClose { send(TestFrame(.pong, frame.payload)) }
        case .close where close == nil:
            close = TestClose(frame.payload)
            if answers, !hasSentClose { send(TestFrame(.close, Array(frame.payload.prefix(2)))) }
        default: break
        }
    }

    func send(_ frame: TestFrame) {
        if frame.opcode == .close { hasSentClose = true }
        if case .frames(let version, _) = language, version.isHixie {
            return output.write(frame.hixieEncoded)
        }
        let word = UInt32(truncatingIfNeeded: maskingKeys.next())
        let key = (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        output.write(frame.encoded(maskingKey: key))
    }
}

extension TestClose {
    fileprivate init(_ payload: [UInt8]) {
        guard payload.count >= 2 else {
            self.init(code: .noStatusReceived, reason: "")
            return
        }
        self.init(
            code: CloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1])),
            reason: String(decoding: payload[2...], as: UTF8.self)
        )
    }
}
