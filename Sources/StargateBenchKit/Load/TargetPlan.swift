// What the opening handshakes of a run have in common, and how their failures are counted.

internal import StargateCore

/// Whom the connections of a run go to. Made on the conducting thread, used on all loops.
struct TargetPlan: Sendable {
    var url: String
    var subprotocols: [String] = []
    var headers: [HeaderLine] = []
    var origin: String?
    var protocolVersion = ProtocolVersion.rfc6455
    var compression: PerMessageDeflate?
    var tls = TLSClientConfiguration()
    var timeout = TimeSpan(seconds: 10)
    /// The size of the messages that are exchanged, in bytes, and how many of them may wait in the
    /// client's own queue.
    var messageSize = 0
    var pipeline = 1
    /// The client's own addresses; nil for what the system chooses.
    var source: SourceRange?
    var masks = MaskChoice.random

    /// The request that a connection makes.
    ///
    /// - Parameter connection: its number, for its source address.
    /// - Returns: what the engine's client takes.
    /// - Throws: `ClientError` for a URL that the client does not take.
    func request(connection: Int = 0) throws(ClientError) -> ClientRequest {
        var request = try ClientRequest(url: url)
        request.subprotocols = subprotocols
        request.headers = headers.map { ($0.name, $0.value) }
        request.origin = origin
        request.protocolVersion = protocolVersion
        request.compression = compression
        request.tls = tls
        request.timeout = timeout.duration
        // Only a handler that reads frames is offered them.
        request.offersFrames = true
        request.masksWithZero = masks == .zero
        request.localHost = source?.address(of: connection)
        // An echo that is too long is to be seen and reported, not refused.
        request.maxMessageSize = max(1 << 20, messageSize * 2)
        request.outputHardLimit = max(16 << 20, messageSize * (pipeline + 1) * 2)
        // Pings of ours would be work that nobody asked the server to do.
        request.keepAliveInterval = nil
        return request
    }
}

/// How an attempt to connect ended.
enum ConnectOutcome {
    case open(WebSocket)
    /// With the kind of the error and an example in words.
    case failed(ErrorKind, String)

    init(_ result: Result<WebSocket, ClientError>) {
        switch result {
        case .success(let socket): self = .open(socket)
        case .failure(let error): self = .failed(ErrorKind(error.kind), error.description)
        }
    }
}

extension ErrorKind {
    /// The kind under which a failed attempt to connect is counted.
    init(_ kind: ClientError.Kind) {
        switch kind {
        case .refused: self = .handshakeRefused
        case .invalidResponse: self = .badHandshake
        case .timedOut: self = .timeout
        case .badURL, .badRequest, .unknownHost, .notConnected, .closed, .cancelled, .tls:
            self = .connect
        }
    }
}
