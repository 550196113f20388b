// A request becomes an answer or a WebSocket connection.

extension ServerLoop {
    func handshakeReceived(
        _ bytes: UnsafeRawBufferPointer,
        scannedByteCount: Int,
        on connection: Connection
    ) -> HandshakeProgress {
        let scan = unsafe RequestHeadScanner.scan(
            bytes,
            previouslyScanned: scannedByteCount,
            limits: headLimits,
            into: fields
        )
        switch scan {
        case .incomplete:
            return .incomplete(scannedByteCount: bytes.count)
        case .refused(let refusal):
            refuse(connection, refusal)
            return .used(bytes.count)
        case .complete(let head):
            let view = unsafe HeadView(
                bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
                fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
            )
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[head.byteCount...])
            return unsafe serve(head, view, rest, connection)
        }
    }

    /// Answers a complete head. `rest` is what arrived behind it.
    private func serve(
        _ head: RequestHead,
        _ view: HeadView,
        _ rest: UnsafeRawBufferPointer,
        _ connection: Connection
    ) -> HandshakeProgress {
        let decision = HandshakeDecision(
            view,
            target: head.target.raw,
            isGet: head.method == .get,
            isHTTP11: head.minorVersion >= 1,
            isSecure: false,
            protocols: configuration.protocols
        )
        switch decision {
        case .notAnUpgrade:
            return respond(head, view, connection)
        case .refuse(let refusal):
            refuse(connection, refusal)
            return .used(head.byteCount)
        case .accept(let handshake):
            guard let match = routes.webSockets.match(head.target.path, in: view) else {
                refuse(connection, HTTPRefusal(.notFound, "There is no WebSocket at this path."))
                return .used(head.byteCount)
            }
            return unsafe upgrade(handshake, head, match, rest, connection)
        }
    }

    // MARK: Plain HTTP

    private func respond(
        _ head: RequestHead,
        _ view: HeadView,
        _ connection: Connection
    ) -> HandshakeProgress {
        if let refusal = HostHeader.validate(view, head) {
            refuse(connection, refusal)
            return .used(head.byteCount)
        }
        guard let match = routes.gets.match(head.target.path, in: view) else {
            refusePlain(head, view, connection)
            return .used(head.byteCount)
        }
        guard head.method == .get || head.method == .head else {
            refuse(connection, .methodNotAllowed(allowing: [.get, .head]))
            return .used(head.byteCount)
        }
        let request = Request(
            copying: view,
            head: head,
            names: match.names,
            captures: match.captures,
            remoteAddress: connection.loop.withTransport { $0.remoteAddress(connection) }
        )
        let hasBody = view.bodyFraming != .none
        let keepAlive = !hasBody && !view.asksToClose
        let bytes = ResponseEncoder.encode(
            match.endpoint(request),
            omittingBody: head.method == .head,
            keepAlive: keepAlive
        )
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        if keepAlive {
            connection.setDeadline(after: configuration.requestIdleTimeout)
        } else {
            connection.finishHandshake()
        }
        return .used(head.byteCount)
    }

    /// There is nothing for plain HTTP here.
    private func refusePlain(
        _ head: RequestHead,
        _ view: HeadView,
        _ connection: Connection
    ) {
        guard routes.webSockets.match(head.target.path, in: view) != nil else {
            return refuse(connection, HTTPRefusal(.notFound, "There is nothing at this path."))
        }
        if head.method == .get {
            refuse(connection, .webSocketOnly(offering: configuration.protocols))
        } else {
            refuse(connection, .methodNotAllowed(allowing: [.get]))
        }
    }

    /// Says why a request is not served; the connection ends behind that.
    func refuse(_ connection: Connection, _ refusal: HTTPRefusal) {
        eventLoop.loop.state.counters.handshakesRefused &+= 1
        let bytes = ResponseEncoder.encode(refusal)
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        connection.finishHandshake()
    }

    func refuse(_ connection: Connection, _ refusal: HandshakeRefusal) {
        eventLoop.loop.state.counters.handshakesRefused &+= 1
        var writer = unsafe HandshakeWriter(scratch)
        refusal.encode(into: &writer)
        unsafe connection.sendRaw(writer.written)
        connection.finishHandshake()
    }

    // MARK: The opening handshake

    private func upgrade(
        _ handshake: OpeningHandshake,
        _ head: RequestHead,
        _ match: RouteMatch<WebSocketRoute>,
        _ rest: UnsafeRawBufferPointer,
        _ connection: Connection
    ) -> HandshakeProgress {
        var proofByteCount = 0
        if case .hixie76 = handshake.proof {
            proofByteCount = Hixie76Keys.key3ByteCount
            // draft-hixie-76 section 5.2: eight bytes follow the head, in whatever segments.
            if rest.count < proofByteCount { return .incomplete(scannedByteCount: 0) }
        }
        let used = HandshakeProgress.used(head.byteCount + proofByteCount)
        do throws(HandshakeRefusal) {
            let offered = try handshake.offeredSubprotocols()
            if let refusal = handshake.refusal(by: match.endpoint.origin) { throw refusal }
            let request = UpgradeRequest(
                request: Request(
                    copying: handshake.head,
                    head: head,
                    names: match.names,
                    captures: match.captures,
                    remoteAddress: connection.loop.withTransport { $0.remoteAddress(connection) }
                ),
                protocolVersion: handshake.version,
                subprotocols: offered
            )
            switch match.endpoint.upgrade(request).storage {
            case .reject(let status, let headers, let body):
                reject(connection, status, headers, body)
            case .accept(let chosen, let headers, let makeHandler):
                // RFC 6455 section 4.2.2: without an agreement there is no subprotocol.
                let subprotocol = chosen.flatMap { offered.contains($0) ? $0 : nil }
                let proof = unsafe UnsafeRawBufferPointer(rebasing: rest[..<proofByteCount])
                let agreement = try negotiateCompression(handshake)
                try unsafe sendAcceptance(
                    handshake,
                    subprotocol,
                    offered,
                    agreement?.answer,
                    headers,
                    proof,
                    connection
                )
                connection.open(
                    handshake.version,
                    context(subprotocol: subprotocol),
                    makeHandler(),
                    compression: agreement.flatMap(makeCompression)
                )
            }
        } catch {
            refuse(connection, error)
        }
        return used
    }

    private func sendAcceptance(
        _ handshake: OpeningHandshake,
        _ subprotocol: String?,
        _ offered: [String],
        _ extensions: String?,
        _ headers: [(String, String)],
        _ proof: UnsafeRawBufferPointer,
        _ connection: Connection
    ) throws(HandshakeRefusal) {
        var writer = unsafe HandshakeWriter(scratch)
        let refusal = handshake.encodeResponse(
            subprotocol: subprotocol,
            offered: offered,
            extensions: extensions,
            headers: headers,
            into: &writer
        )
        if let refusal { throw refusal }
        if case .hixie76(let keys) = handshake.proof {
            guard unsafe keys.appendAnswer(key3: ByteView(proof), to: &writer) else {
                throw .mistake("The handshake could not be answered.")
            }
        }
        unsafe connection.sendRaw(writer.written)
        eventLoop.loop.state.counters.handshakesAccepted &+= 1
    }

    /// RFC 6455 section 9.1: a malformed list is refused, even where no extension is accepted.
    private func negotiateCompression(
        _ handshake: OpeningHandshake
    ) throws(HandshakeRefusal) -> PerMessageDeflate.Agreement? {
        guard handshake.fields.extensions.isPresent else { return nil }
        let offers = try handshake.extensionOffers()
        return configuration.compression?.accept(offers)
    }

    private func makeCompression(
        _ agreement: PerMessageDeflate.Agreement
    ) -> ConnectionCompression? {
        guard let options = configuration.compression, let compression else { return nil }
        return ConnectionCompression(
            agreement.parameters,
            options: options,
            shared: compression,
            isClient: false
        )
    }

    /// The application said no.
    private func reject(
        _ connection: Connection,
        _ status: HTTPStatus,
        _ headers: [(String, String)],
        _ body: String
    ) {
        eventLoop.loop.state.counters.handshakesRefused &+= 1
        var response = Response.text(body, status: status)
        response.headers += headers.map { (name: $0.0, value: $0.1) }
        let bytes = ResponseEncoder.encode(response, omittingBody: false, keepAlive: false)
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        connection.finishHandshake()
    }
}

extension HeadView {
    /// Whether the client wants no further request on the connection. RFC 9112 section 9.6.
    fileprivate var asksToClose: Bool {
        var asks = false
        forEachValue(of: "connection") { value in
            asks = asks || view(value).listContains("close")
            return true
        }
        return asks
    }
}

extension Connection {
    /// The opening handshake is done: the response is on its way, and messages follow it.
    func open(
        _ version: ProtocolVersion,
        _ context: ConnectionContext,
        _ handler: any WebSocketHandler,
        compression: ConnectionCompression? = nil,
        whenOpen: () -> Void = {}
    ) {
        let before = unsafe state.context
        unsafe state.context = Unmanaged.passRetained(context)
        unsafe before?.release()
        state.version = version
        state.compression = compression
        if version.isHixie || compression != nil { state.flags.insert(.isTransformed) }
        state.handler = handler
        state.phase = .open
        state.lastHeard = loop.currentTick()
        armKeepAlive()
        whenOpen()
        handler.opened(WebSocket(self))
    }
}
