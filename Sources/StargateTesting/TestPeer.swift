public import StargateCore

/// The other end of a connection to a ``TestServer``: what it sends and when it reads is the
/// test's own decision.
///
/// By itself it does what every endpoint does: it answers pings and Close frames, and ends its half
/// of the connection when the server has ended the other; set ``answersByItself`` to false to do
/// that by hand, or not at all.
///
/// What it has received stays until it is asked for, in the order in which it came.
public final class TestPeer {
    let app: TestServer
    let end: PeerEnd
    /// The response to the opening handshake; nil before it, and for a connection that was opened
    /// without one.
    public internal(set) var response: TestResponse?

    init(_ app: TestServer, _ end: PeerEnd) {
        self.app = app
        self.end = end
        end.maskingKeys = SplitMix64(state: app.generator.next())
    }

    /// The subprotocol that the server has chosen. RFC 6455 section 1.9.
    public var subprotocol: String? {
        response?["Sec-WebSocket-Protocol"] ?? response?["WebSocket-Protocol"]
    }

    /// Whether pings, Close frames and the end of the stream are answered.
    public var answersByItself: Bool {
        get { end.answers }
        set { end.answers = newValue }
    }

    // MARK: Sending

    /// Sends a text message in one frame; compressed, if that was agreed on and makes it shorter.
    public func send(_ text: String) {
        sendMessage(.text, Array(text.utf8))
    }

    /// Sends a binary message in one frame; compressed, if that was agreed on and makes it shorter.
    public func send(_ bytes: [UInt8]) {
        sendMessage(.binary, bytes)
    }

    private func sendMessage(_ opcode: TestFrame.Opcode, _ payload: [UInt8]) {
        var frame = TestFrame(opcode, payload)
        if case .frames(_, let deflate?) = end.language, let compressed = deflate.deflate(payload) {
            frame.payload = compressed
            frame.reservedBits = 4
        }
        send(frame)
    }

    /// Sends one frame, as it is.
    public func send(_ frame: TestFrame) {
        end.send(frame)
        app.settle()
    }

    /// Sends bytes, whatever they are. They arrive in one read if the server has room for them.
    public func send(raw bytes: [UInt8]) {
        end.output.write(bytes)
        app.settle()
    }

    /// Sends bytes in pieces of at most `byteCount`, each of which arrives in a read of its own.
    public func send(raw bytes: [UInt8], inPiecesOf byteCount: Int) {
        var rest = bytes[...]
        while !rest.isEmpty {
            send(raw: Array(rest.prefix(max(1, byteCount))))
            rest = rest.dropFirst(max(1, byteCount))
        }
    }

    /// Sends a ping. RFC 6455 section 5.5.2.
    public func ping(_ text: String = "") {
        send(TestFrame(.ping, text))
    }

    // MARK: Receiving

    /// The next message. Control frames in front of it are passed over.
    ///
    /// - Throws: ``TestFailure`` when the server has sent none, though it had done all it could;
    ///   see ``receive(within:)`` for handlers that wait for something outside of the test.
    public func receive() throws -> TestMessage {
        app.settle()
        if let message = try nextMessage() { return message }
        throw TestFailure("expected a message, but \(situation)")
    }

    /// As ``receive()``, and waits, by the clock on the wall, for what other threads and tasks do
    /// first.
    public func receive(within limit: Duration) async throws -> TestMessage {
        var message: TestMessage?
        try await app.wait(limit) {
            message = try nextMessage()
            return message != nil
        }
        if let message { return message }
        throw TestFailure("expected a message within \(limit), but \(situation)")
    }

    /// Throws if the server has sent a message that was not asked for yet.
    public func expectNothing() throws {
        app.settle()
        if let message = try nextMessage() {
            throw TestFailure("expected nothing, but received \(message)")
        }
    }

    /// All messages that were received and not asked for, in order.
    public func receiveAll() throws -> [TestMessage] {
        app.settle()
        var messages: [TestMessage] = []
        while let message = try nextMessage() { messages.append(message) }
        return messages
    }

    /// The next frame of any kind.
    ///
    /// - Throws: ``TestFailure`` when there is none.
    public func receiveFrame() throws -> TestFrame {
        app.settle()
        guard !end.frames.isEmpty else { throw TestFailure("expected a frame, but \(situation)") }
        return end.frames.removeFirst()
    }

    /// The payload of the next ping, which may have been answered already.
    ///
    /// - Throws: ``TestFailure`` when there is none.
    @discardableResult
    public func receivePing() throws -> [UInt8] {
        app.settle()
        guard !end.pings.isEmpty else { throw TestFailure("expected a ping, but \(situation)") }
        return end.pings.removeFirst()
    }

    /// All bytes that were received and not asked for, of a connection that is not a WebSocket.
    public func receiveRaw() -> [UInt8] {
        app.settle()
        return end.takeReceived()
    }

    /// Takes the frames of the next message, if it is whole.
    private func nextMessage() throws -> TestMessage? {
        guard let last = end.frames.firstIndex(where: { $0.isFinal && !$0.opcode.isControl }) else {
            return nil
        }
        let frames = end.frames[...last].filter { !$0.opcode.isControl }
        end.frames.removeSubrange(...last)
        guard let first = frames.first else { return nil }
        var payload = frames.flatMap(\.payload)
        if first.reservedBits & 4 != 0, case .frames(_, let deflate?) = end.language {
            guard let message = deflate.inflate(payload) else {
                throw TestFailure("a compressed message cannot be inflated")
            }
            payload = message
        }
        guard first.opcode == .text else { return .binary(payload) }
        guard let text = String(validating: payload, as: UTF8.self) else {
            throw TestFailure("a text message of \(payload.count) bytes is not UTF-8")
        }
        return .text(text)
    }

    /// What there is instead of what was expected.
    private var situation: String {
        if let close = end.close {
            let reason = close.reason.isEmpty ? "" : " \"\(close.reason)\""
            return "the server closed with \(close.code.rawValue)\(reason)"
        }
        if end.input.isReset { return "the server reset the connection" }
        if end.input.isEnded { return "the server ended the connection" }
        if !end.isReading { return "the peer does not read" }
        return "the server has sent nothing more"
    }

    // MARK: Not reading

    /// Stops reading: what the server sends fills the buffers between the two, and then its queue.
    ///
    /// - Parameter byteCount: how much fits into those buffers, which belong to the kernels and the
    ///   network in production.
    public func stopReading(afterBuffering byteCount: Int = 64 << 10) {
        app.settle()
        end.isReading = false
        end.input.window = byteCount
    }

    /// Reads again, first what was sent meanwhile.
    public func resumeReading() {
        end.isReading = true
        end.input.window = .max
        app.settle()
    }

    // MARK: The end

    /// Begins the closing handshake, or completes it. RFC 6455 section 7.1.2.
    ///
    /// A hixie peer has no code to send; one of draft-hixie-75 just ends the stream.
    public func close(_ code: CloseCode = .normalClosure, reason: String = "") {
        if case .frames(.hixie75, _) = end.language { return endStream() }
        send(.close(code, reason: reason))
    }

    /// Ends this peer's half of the connection, without a word about it.
    public func endStream() {
        end.output.isEnded = true
        app.settle()
    }

    /// Cuts the connection, as a process that is killed, or a network that is gone and says so.
    public func reset() {
        end.output.reset()
        end.input.reset()
        app.settle()
    }

    /// The Close frame that the server has sent; nil if there was none.
    public var receivedClose: TestClose? {
        app.settle()
        return end.close
    }

    /// Whether the server has ended its half of the connection, or has cut it.
    public var isEnded: Bool {
        app.settle()
        return end.input.isEnded || end.input.isReset
    }

    /// Whether the server has cut the connection with bytes of either side still under way.
    public var isReset: Bool {
        app.settle()
        return end.input.isReset
    }
}

@available(*, unavailable)
extension TestPeer: Sendable {}
