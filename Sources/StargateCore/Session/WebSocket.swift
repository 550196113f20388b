/// A handle to one WebSocket connection, for use on the connection's loop.
///
/// A small value: keep as many copies as you like. It never dangles: when the connection is over,
/// ``isOpen`` is false and sending does nothing, even after the memory behind it serves another
/// connection. It is not Sendable; from other threads, use the connection's ``id``.
@safe
public struct WebSocket {
    private let connection: Connection
    private let generation: UInt32

    init(_ connection: Connection) {
        self.connection = connection
        generation = connection.state.generation
    }

    /// The connection, unless its block has become another's.
    var current: Connection? {
        connection.state.generation == generation && connection.state.phase != .free
            ? connection : nil
    }

    /// Whether messages can be sent: the opening handshake is done and no Close frame was sent.
    public var isOpen: Bool { current?.state.phase == .open }

    // MARK: Sending

    /// Sends a message that is lent, such as the one just received.
    ///
    /// Header and payload are copied to the loop's write buffer, or written at once when they are
    /// large: `message` is not needed after the call.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - compress: false to leave this message uncompressed, for instance because it holds a
    ///     secret next to what an attacker chose; without effect where nothing is compressed.
    /// - Returns: what became of it.
    @discardableResult
    public func send(_ message: Message, compress: Bool = true) -> SendResult {
        switch message {
        case .text(let text): send(text, compress: compress)
        case .binary(let bytes): send(bytes, compress: compress)
        }
    }

    /// Sends a text message.
    @discardableResult
    @inline(never)  // The standard library's call for the span needs registers saved.
    public func send(_ text: UTF8Span, compress: Bool = true) -> SendResult {
        unsafe send(.text, text.span.bytes, compress)
    }

    /// Sends a binary message.
    @discardableResult
    public func send(_ bytes: RawSpan, compress: Bool = true) -> SendResult {
        send(.binary, bytes, compress)
    }

    @inline(__always)
    private func send(_ opcode: Opcode, _ bytes: RawSpan, _ compress: Bool) -> SendResult {
        // A block that has no connection is not open either.
        guard connection.state.generation == generation else { return .dropped }
        // They are lent for the whole call.
        let start = unsafe bytes.withUnsafeBytes { $0.baseAddress }
        return unsafe connection.sendMessage(
            opcode,
            start,
            count: bytes.byteCount,
            mayCompress: compress
        )
    }

    /// Sends a text message.
    @discardableResult
    public func send(_ text: String, compress: Bool = true) -> SendResult {
        guard let current else { return .dropped }
        var text = text
        return text.withUTF8 {
            unsafe current.sendMessage(
                .text,
                UnsafeRawBufferPointer($0),
                mayCompress: compress
            )
        }
    }

    /// The bytes that were sent and have not left this process yet.
    public var bufferedAmount: Int { current?.bufferedAmount ?? 0 }

    /// Sends a ping; the answer comes as ``WebSocketHandler/ponged(_:on:)-(RawSpan,_)``.
    ///
    /// - Parameter payload: at most 125 bytes; a longer one is cut. RFC 6455 section 5.5.
    public func ping(_ payload: RawSpan) {
        guard let current else { return }
        unsafe payload.withUnsafeBytes {
            unsafe current.ping(UnsafeRawBufferPointer(rebasing: $0.prefix(125)))
        }
    }

    /// Sends a ping without a payload.
    public func ping() {
        unsafe current?.ping(unsafe UnsafeRawBufferPointer(start: nil, count: 0))
    }

    // MARK: Receiving

    /// Stops receiving: no message is delivered until ``resume()``, not even one that has arrived
    /// already. The peer soon notices that it cannot send. Control frames wait too, so a paused
    /// connection does not notice the peer's closing.
    public func pause() {
        guard let current, current.receivesFrames else { return }
        current.state.flags.insert(.isPausedByApplication)
        current.pauseReading()
    }

    /// Receives again, beginning with what had arrived before ``pause()``.
    public func resume() {
        guard let current, current.state.flags.contains(.isPausedByApplication) else { return }
        current.state.flags.remove(.isPausedByApplication)
        current.resumeReading()
    }

    // MARK: Closing

    /// Begins the closing handshake: everything sent before still arrives, nothing can be sent
    /// after. The handler's `closed` is called when the peer has answered, or has not in time.
    ///
    /// - Parameters:
    ///   - code: 1000 to 1003, 1007 to 1014, or 3000 to 4999; with any other the Close frame
    ///     carries no code, because it would break the protocol.
    ///   - reason: for people who debug; at most 123 bytes of UTF-8, cut at a character.
    public func close(_ code: CloseCode = .normalClosure, reason: String = "") {
        current?.close(code, reason)
    }

    /// Cuts the connection without a closing handshake. The handler's `closed` is called soon,
    /// with 1006.
    public func terminate() {
        current?.condemn()
    }

    // MARK: About the connection

    /// A name for this connection that may leave the loop.
    public var id: ConnectionID {
        ConnectionID(
            loop: connection.state.loopIndex,
            slot: connection.state.slot,
            generation: generation
        )
    }

    /// The generation of the protocol that was agreed on.
    public var protocolVersion: ProtocolVersion { current?.state.version ?? .rfc6455 }

    /// The subprotocol that was agreed on, or nil if there is none. RFC 6455 section 1.9.
    public var subprotocol: String? { current?.withContext { $0.subprotocol } ?? nil }

    /// How long the latest ping of the keep-alive took to be answered, in whole milliseconds; nil
    /// while none has been: a peer that is never silent is never pinged.
    ///
    /// It includes what both ends had to do in between, and is therefore an upper limit for the
    /// network's part.
    public var roundTripTime: Duration? {
        guard let current, current.state.roundTrip > 0 else { return nil }
        return .milliseconds(Int64(current.state.roundTrip))
    }

    /// The loop that owns this connection, or nil when the connection is over.
    public var eventLoop: EventLoop? { current?.loop.eventLoop }

    /// The client's address, or nil when the connection is over. Where a trusted proxy told it, it is
    /// what that said; see ``Server/Configuration/trustedProxies``.
    public var remoteAddress: SocketAddress? {
        guard let current else { return nil }
        let told = current.withContext { $0.owner?.clientAddress(of: current) } ?? nil
        return told ?? peerAddress
    }

    /// The address of the socket's other end, which may be a proxy's, or nil when the connection is
    /// over.
    public var peerAddress: SocketAddress? {
        guard let current else { return nil }
        return current.loop.withTransport { $0.remoteAddress(current) }
    }
}

extension WebSocket: Hashable {
    /// Whether both are handles of the same connection.
    public static func == (left: WebSocket, right: WebSocket) -> Bool {
        left.connection == right.connection && left.generation == right.generation
    }

    /// Hashes what tells connections of a loop apart.
    public func hash(into hasher: inout Hasher) {
        unsafe hasher.combine(connection.block)
        hasher.combine(generation)
    }
}

@available(*, unavailable)
extension WebSocket: Sendable {}
