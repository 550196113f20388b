// The opening handshake, from a sound request to an open connection. The application decides in
// between: at once, or in a task while the connection is in its deciding phase.

extension ServerLoop {
    func upgrade(
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
        let proof = unsafe UnsafeRawBufferPointer(rebasing: rest[..<proofByteCount])
        do throws(HandshakeRefusal) {
            let offered = try handshake.offeredSubprotocols()
            if let refusal = handshake.refusal(by: match.endpoint.origin) { throw refusal }
            var record = makeRecord(handshake.head, head, match, connection)
            switch match.endpoint.upgrade {
            case .immediate(let decide):
                let decision = decision(
                    of: decide,
                    about: record,
                    handshake.version,
                    offered,
                    match.endpoint
                )
                connection.state.route = match.endpoint.mark
                unsafe complete(handshake, offered, decision, proof, connection)
                keepIfUnused(&record)
            case .eventual(let decide):
                let request = UpgradeRequest(
                    request: Request(record),
                    protocolVersion: handshake.version,
                    subprotocols: offered
                )
                let stage = unsafe Exchange.Stage.deciding(
                    request,
                    match.endpoint,
                    hixie76Proof: Array(proof)
                )
                decideLater(decide, about: request, stage, connection)
            }
        } catch {
            refuse(connection, error)
        }
        return .used(head.byteCount + proofByteCount)
    }

    // MARK: The request's memory

    /// Copies a request, into the memory of the one before if nobody has kept that.
    private func makeRecord(
        _ view: HeadView,
        _ head: RequestHead,
        _ match: RouteMatch<WebSocketRoute>,
        _ connection: Connection
    ) -> RequestRecord {
        let record =
            spareRecord(for: view, head, match)
            ?? RequestRecord(
                copying: view,
                head: head,
                names: match.names,
                captures: match.captures
            )
        noteOrigin(of: record, connection)
        return record
    }

    /// The record of the request before, if nobody has kept that and this one fits.
    private func spareRecord(
        for view: HeadView,
        _ head: RequestHead,
        _ match: RouteMatch<WebSocketRoute>
    ) -> RequestRecord? {
        guard let spare = spareRecord.take() else { return nil }
        let isFilled = spare.refill(
            copying: view,
            head: head,
            names: match.names,
            captures: match.captures
        )
        return isFilled ? spare : nil
    }

    /// The application has seen the request. What it did not keep serves the next one.
    private func keepIfUnused(_ record: inout RequestRecord) {
        guard isKnownUniquelyReferenced(&record), record.isReusable else { return }
        spareRecord = record
    }

    // MARK: The application's decision

    private func decision(
        of decide: (UpgradeRequest) throws -> UpgradeDecision,
        about record: RequestRecord,
        _ version: ProtocolVersion,
        _ offered: [String],
        _ route: WebSocketRoute
    ) -> UpgradeDecision {
        loop.note(.upgrade, route: route.mark)
        do {
            return try decide(
                UpgradeRequest(
                    request: Request(record),
                    protocolVersion: version,
                    subprotocols: offered
                )
            )
        } catch {
            return .reject(response(to: error, in: route.pattern))
        }
    }

    /// Never inlined: what a task needs would be made room for in every handshake.
    @inline(never)
    private func decideLater(
        _ decide: @escaping @Sendable (UpgradeRequest) async throws -> UpgradeDecision,
        about request: UpgradeRequest,
        _ stage: Exchange.Stage,
        _ connection: Connection
    ) {
        let exchange = Exchange(stage)
        connection.exchange = exchange
        connection.state.phase = .deciding
        connection.setDeadline(after: configuration.upgradeTimeout)
        let id = connection.id
        exchange.start(on: eventLoop, of: server) {
            try await decide(request)
        } finish: { serverLoop, outcome in
            serverLoop.decided(outcome, id)
        }
    }

    /// A task has decided about an upgrade.
    private func decided(_ outcome: Result<UpgradeDecision, any Error>, _ id: ConnectionID) {
        guard let (connection, stage) = endWaiting(id),
            case .deciding(let upgrade, let route, let proof) = stage
        else { return }
        let decision: UpgradeDecision
        switch outcome {
        case .success(let made): decision = made
        case .failure(let error): decision = .reject(response(to: error, in: route.pattern))
        }
        let request = upgrade.request
        connection.state.route = route.mark
        connection.corked {
            // The head lies in the request's own memory by now: it is looked at again there.
            request.storage.withView { view in
                guard case .accept(let handshake) = judge(request.head, view, connection) else {
                    return refuse(connection, .mistake("The handshake could not be answered."))
                }
                unsafe proof.withUnsafeBytes { proof in
                    unsafe complete(handshake, upgrade.subprotocols, decision, proof, connection)
                }
            }
        }
        connection.resumeAfterWaiting()
    }

    // MARK: The response

    /// Does what the application decided.
    private func complete(
        _ handshake: OpeningHandshake,
        _ offered: [String],
        _ decision: UpgradeDecision,
        _ proof: UnsafeRawBufferPointer,
        _ connection: Connection
    ) {
        switch decision.storage {
        case .reject(let response): reject(connection, response)
        case .accept(let chosen, let extras, let makeHandler):
            // RFC 6455 section 4.2.2: without an agreement there is no subprotocol.
            let subprotocol = chosen.flatMap { offered.contains($0) ? $0 : nil }
            do throws(HandshakeRefusal) {
                if let extras {
                    try unsafe accept(
                        handshake,
                        (subprotocol, offered),
                        extras,
                        makeHandler,
                        proof,
                        connection
                    )
                } else {
                    let agreement = try negotiateCompression(handshake, mayCompress: true)
                    try unsafe sendAcceptance(
                        handshake,
                        subprotocol,
                        offered,
                        agreement?.answer,
                        [],
                        proof,
                        connection
                    )
                    connection.open(
                        handshake.version,
                        // Without a subprotocol it is the one that the connection began with.
                        subprotocol == nil ? nil : context(subprotocol: subprotocol),
                        makeHandler(),
                        compression: agreement.flatMap(makeCompression)
                    )
                }
            } catch {
                refuse(connection, error)
            }
        }
    }

    /// Accepts with what few acceptances have: header fields, cookies, options.
    private func accept(
        _ handshake: OpeningHandshake,
        _ agreed: (subprotocol: String?, offered: [String]),
        _ extras: AcceptanceExtras,
        _ makeHandler: () -> any WebSocketHandler,
        _ proof: UnsafeRawBufferPointer,
        _ connection: Connection
    ) throws(HandshakeRefusal) {
        guard let headers = extras.fields else {
            throw .mistake("The server tried to set a cookie that cannot be sent.")
        }
        let options = extras.options
        let agreement = try negotiateCompression(
            handshake,
            mayCompress: options?.compresses != false
        )
        try unsafe sendAcceptance(
            handshake,
            agreed.subprotocol,
            agreed.offered,
            agreement?.answer,
            headers,
            proof,
            connection
        )
        let context =
            options.map { self.context(subprotocol: agreed.subprotocol, options: $0) }
            ?? self.context(subprotocol: agreed.subprotocol)
        connection.open(
            handshake.version,
            context,
            makeHandler(),
            compression: agreement.flatMap(makeCompression)
        )
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
        loop.state.counters[Counter.handshakesAccepted] &+= 1
    }

    /// RFC 6455 section 9.1: a malformed list is refused, even where no extension is accepted.
    private func negotiateCompression(
        _ handshake: OpeningHandshake,
        mayCompress: Bool
    ) throws(HandshakeRefusal) -> PerMessageDeflate.Agreement? {
        guard handshake.fields.extensions.isPresent else { return nil }
        let offers = try handshake.extensionOffers()
        guard mayCompress else { return nil }
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
    private func reject(_ connection: Connection, _ response: Response) {
        countRefusal(response.status)
        let bytes = ResponseEncoder.encode(response, omittingBody: false, keepAlive: false)
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        connection.finishHandshake()
    }
}

extension Connection {
    /// The opening handshake is done: the response is on its way, and messages follow it.
    func open(
        _ version: ProtocolVersion,
        _ context: ConnectionContext?,
        _ handler: any WebSocketHandler,
        compression: ConnectionCompression? = nil,
        whenOpen: () -> Void = {}
    ) {
        if let context {
            let before = unsafe state.context
            unsafe state.context = Unmanaged.passRetained(context)
            unsafe before?.release()
        }
        state.version = version
        state.compression = compression
        if version.isHixie || compression != nil { state.flags.insert(.isTransformed) }
        let takesFramesApart = isClient || streamsMessages
        state.wholeByteCountMax = takesFramesApart ? -1 : Int32(clamping: maxMessageSize)
        state.flags.set(
            .isUncommon,
            to: takesFramesApart || version.isHixie || frameRate != 0
        )
        state.handler = handler
        state.phase = .open
        loop.state.counters[version] &+= 1
        state.lastHeard = loop.currentTick()
        armKeepAlive()
        whenOpen()
        loop.note(.opened, route: state.route)
        handler.opened(WebSocket(self))
    }
}
