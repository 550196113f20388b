internal import CUV

/// One attempt to connect: from the name of the host to the open connection, or to the reason why
/// there is none. It owns the connection until it is open.
final class ClientAttempt: ConnectionOwner {
    private let request: ClientRequest
    private unowned let eventLoop: EventLoop
    private let handler: any WebSocketHandler
    private let connected: (() -> Void)?
    private let secured: (() -> Void)?
    private var completion: ((Result<WebSocket, ClientError>) -> Void)?
    private var handshake: ClientHandshake?
    /// The other addresses of the host, to be tried when one refuses.
    private var addresses: [SocketAddress] = []
    private var timer: LoopTimer?
    /// The connection being made.
    private var socket: WebSocket?

    init(
        _ request: ClientRequest,
        on eventLoop: EventLoop,
        handler: any WebSocketHandler,
        connected: (() -> Void)?,
        secured: (() -> Void)? = nil,
        completion: @escaping (Result<WebSocket, ClientError>) -> Void
    ) {
        self.request = request
        self.eventLoop = eventLoop
        self.handler = handler
        self.connected = connected
        self.secured = secured
        self.completion = completion
    }

    func start() {
        var generator = LoopRandomness(eventLoop.loop)
        do throws(ClientHandshakeFailure) {
            handshake = try ClientHandshake(
                url: request.url,
                version: request.protocolVersion,
                origin: request.origin,
                subprotocols: request.subprotocols,
                extensions: request.compression?.offer,
                headers: request.headers,
                using: &generator
            )
        } catch {
            return finish(ClientError(.badRequest, error.reason))
        }
        if let address = SocketAddress(host: request.url.host, port: Int(request.url.port)) {
            return connect(to: address)
        }
        let host = request.url.host
        // The lookup cannot be ended, but it need not be waited for.
        timer = eventLoop.schedule(after: request.timeout) { [weak self] _ in self?.timedOut() }
        NameLookup.start(host, port: request.url.port, on: eventLoop) { [self] found in
            guard completion != nil else { return }
            addresses = found
            guard !addresses.isEmpty else {
                return finish(ClientError(.unknownHost, "the host \(host) is unknown"))
            }
            connect(to: addresses.removeFirst())
        }
    }

    private func connect(to address: SocketAddress) {
        guard !eventLoop.isStopping else {
            return finish(ClientError(.cancelled, "the loop was stopped"))
        }
        let loop = eventLoop.loop
        let connection = loop.state.slab.take(for: loop)
        connection.begin(
            ConnectionContext(limits: request.limits, owner: self),
            phase: .connecting,
            isClient: true
        )
        socket = WebSocket(connection)
        connection.setDeadline(after: request.timeout)
        if request.url.isSecure {
            do throws(TLSError) {
                let context = try TLSClientContext.of(request.tls)
                let (host, port) = (request.url.host, request.url.port)
                try connection.startTLS { pipe throws(TLSError) in
                    try context.makeSession(host: host, port: port, pipe)
                }
            } catch {
                finish(ClientError(.tls(error.kind), error.description))
            }
        }
        let local = request.localHost.flatMap { SocketAddress(host: $0, port: 0) }
        let status = loop.withTransport { $0.connect(connection, to: address, from: local) }
        if status != 0 { connection.transportEnded(status) }
    }

    // MARK: The handshake

    func transportConnected(_ connection: Connection) { connected?() }

    func handshakeConnected(_ connection: Connection) {
        if request.url.isSecure { secured?() }
        guard let handshake else { return connection.condemn() }
        connection.state.phase = .handshake
        unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { memory in
            var writer = unsafe HandshakeWriter(memory)
            handshake.encode(into: &writer)
            if writer.hasOverflowed {
                finish(ClientError(.badRequest, "the request is longer than 64 KiB"))
                return connection.condemn()
            }
            unsafe connection.sendRaw(writer.written)
        }
        connection.resumeReading()
    }

    func handshakeReceived(
        _ bytes: UnsafeRawBufferPointer,
        scannedByteCount: Int,
        on connection: Connection
    ) -> HandshakeProgress {
        let limits = HeadLimits()
        return unsafe withUnsafeTemporaryAllocation(
            of: HeadField.self,
            capacity: limits.fieldCount
        ) { fields in
            let scan = unsafe ResponseHeadScanner.scan(
                bytes,
                previouslyScanned: scannedByteCount,
                limits: limits,
                into: fields
            )
            switch scan {
            case .incomplete:
                return .incomplete(scannedByteCount: bytes.count)
            case .malformed(let fault):
                fail(connection, ClientError(.invalidResponse, "\(fault)"))
                return .used(bytes.count)
            case .complete(let head):
                let view = unsafe HeadView(
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
                    fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
                )
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[head.byteCount...])
                return unsafe judge(head, view, rest, connection)
            }
        }
    }

    /// RFC 6455 section 4.1: the client checks everything before it believes the server.
    private func judge(
        _ head: ResponseHead,
        _ view: HeadView,
        _ rest: UnsafeRawBufferPointer,
        _ connection: Connection
    ) -> HandshakeProgress {
        guard let handshake else { return .used(head.byteCount) }
        let status = Int(head.statusCode)
        if status != 101 {
            let message = "the server answered with status \(status) instead of 101"
            fail(connection, ClientError(.refused(status: status), message))
            return .used(head.byteCount)
        }
        switch handshake.check(status: status, head: view) {
        case .failed(let failure):
            fail(connection, ClientError(.invalidResponse, failure.reason))
            return .used(head.byteCount)
        case .accepted(let subprotocol, let extensions):
            let answerByteCount = handshake.answerByteCount
            guard rest.count >= answerByteCount else {
                return .incomplete(scannedByteCount: 0)
            }
            if answerByteCount > 0, unsafe !handshake.isAnswer(Array(rest[..<answerByteCount])) {
                fail(
                    connection,
                    ClientError(.invalidResponse, "the server did not answer the challenge")
                )
                return .used(head.byteCount)
            }
            do throws(ClientError) {
                open(connection, subprotocol, try agreeOnCompression(extensions, view))
            } catch {
                fail(connection, error)
            }
            return .used(head.byteCount + answerByteCount)
        }
    }

    /// RFC 7692 section 7.1: what the server accepted must be what was offered, once.
    private func agreeOnCompression(
        _ extensions: [HeadRange],
        _ view: HeadView
    ) throws(ClientError) -> ConnectionCompression? {
        guard !extensions.isEmpty else { return nil }
        var accepted: [ExtensionOffer] = []
        for range in extensions {
            do throws(HandshakeRefusal) {
                accepted += try Extensions.parse(view.view(range))
            } catch {
                throw ClientError(.invalidResponse, error.reason)
            }
        }
        guard let options = request.compression, accepted.count == 1,
            let answer = accepted.first, let parameters = options.check(answer)
        else {
            throw ClientError(
                .invalidResponse,
                "the server accepted an extension that was not offered"
            )
        }
        return ConnectionCompression(
            parameters,
            options: options,
            shared: eventLoop.clientCompression(options),
            isClient: true
        )
    }

    private func open(
        _ connection: Connection,
        _ subprotocol: String?,
        _ compression: ConnectionCompression?
    ) {
        let context = ConnectionContext(
            limits: request.limits,
            owner: nil,
            subprotocol: subprotocol,
            frameReader: request.offersFrames ? handler as? any FrameReader : nil
        )
        connection.open(
            request.protocolVersion,
            context,
            handler,
            compression: compression
        ) { [self] in
            finish(.success(WebSocket(connection)))
        }
    }

    // MARK: The end

    /// Gives up, if the connection is not open yet.
    func cancel() {
        guard completion != nil else { return }
        addresses = []
        finish(ClientError(.cancelled, "the attempt was cancelled"))
        socket?.terminate()
    }

    private func fail(_ connection: Connection, _ error: ClientError) {
        finish(error)
        connection.condemn()
    }

    func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd) {
        switch end {
        case .endOfStream:
            finish(ClientError(.closed, "the server ended the connection before it answered"))
        case .error(let status):
            if !addresses.isEmpty { return connect(to: addresses.removeFirst()) }
            finish(
                ClientError(
                    .notConnected(-status),
                    "\(request.url.host):\(request.url.port): \(systemErrorMessage(status))"
                )
            )
        case .tls(let error):
            finish(ClientError(.tls(error.kind), "\(request.url.host): \(error)"))
        case .aborted:
            finish(ClientError(.cancelled, "the loop was stopped"))
        }
    }

    func handshakeTimedOut(_ connection: Connection) {
        timedOut()
        connection.abort()
    }

    private func timedOut() {
        addresses = []
        finish(ClientError(.timedOut, "the server did not answer within \(request.timeout)"))
    }

    func connectionBegun() {}

    func connectionReleased() {}

    private func finish(_ error: ClientError) { finish(.failure(error)) }

    private func finish(_ result: Result<WebSocket, ClientError>) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        timer = nil
        completion(result)
    }
}
