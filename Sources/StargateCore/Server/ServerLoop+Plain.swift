// Plain HTTP beside the WebSockets: a head, a body that is gathered, an answer, and the next
// request. One request at a time: the next is not looked at before the answer to this one is on
// its way, however many a client sends ahead.

extension ServerLoop {
    /// Begins with a plain request. `rest` is what arrived behind its head.
    func respond(
        _ head: RequestHead,
        _ view: HeadView,
        _ rest: UnsafeRawBufferPointer,
        _ connection: Connection
    ) -> HandshakeProgress {
        do throws(HTTPRefusal) {
            if let refusal = HostHeader.validate(view, head) { throw refusal }
            guard let match = routes.resources.match(head.target.path, in: view),
                let respond = match.endpoint.respond(to: head.method)
            else {
                refusePlain(head, view, connection)
                return .used(head.byteCount)
            }
            var body = try BodyReceiver(view.bodyFraming, limit: configuration.maxBodySize)
            let awaitsContinue = try view.expectsContinue
            let used = unsafe body.isComplete ? 0 : try body.receive(rest)
            let record = RequestRecord(
                copying: view,
                head: head,
                names: match.names,
                captures: match.captures
            )
            noteOrigin(of: record, connection)
            let plain = PlainRequest(
                request: Request(record),
                respond: respond,
                pattern: match.endpoint.pattern,
                mark: match.endpoint.mark,
                keepsAlive: !view.asksToClose
            )
            if body.isComplete {
                answer(plain, with: body.bytes, connection)
            } else {
                connection.exchange = Exchange(.receivingBody(body, plain))
                connection.setDeadline(after: configuration.bodyTimeout)
                // RFC 9110 section 10.1.1: not needed when the body is on its way already.
                if awaitsContinue, rest.count == 0 { sendContinue(connection) }
            }
            return .used(head.byteCount + used)
        } catch {
            refuse(connection, error, omittingBody: head.method == .head)
            return .used(head.byteCount)
        }
    }

    /// Takes in bytes of a body.
    func receiveBody(
        _ bytes: UnsafeRawBufferPointer,
        _ exchange: Exchange,
        _ connection: Connection
    ) -> HandshakeProgress {
        guard case .receivingBody(var body, let plain) = exchange.stage else {
            return .used(bytes.count)
        }
        // The only copy of the body, so that it grows in place.
        exchange.stage = .answering(plain)
        do throws(HTTPRefusal) {
            let used = try unsafe body.receive(bytes)
            if body.isComplete {
                connection.exchange = nil
                answer(plain, with: body.bytes, connection)
            } else {
                connection.accountBody(body.bytes.capacity)
                exchange.stage = .receivingBody(body, plain)
            }
            return .used(used)
        } catch {
            refuse(connection, error)
            return .used(bytes.count)
        }
    }

    private func sendContinue(_ connection: Connection) {
        let bytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
    }

    // MARK: The answer

    /// Has the application answer a request that is whole.
    private func answer(_ plain: PlainRequest, with body: [UInt8], _ connection: Connection) {
        plain.request.storage.body = body
        switch plain.respond {
        case .immediate(let respond):
            loop.note(.request, route: plain.mark)
            do {
                send(try respond(plain.request), to: plain, connection)
            } catch {
                fail(error, plain, connection)
            }
        case .eventual(let respond):
            let request = plain.request
            let exchange = Exchange(.answering(plain))
            connection.exchange = exchange
            connection.state.phase = .answering
            connection.setDeadline(after: configuration.responseTimeout)
            let id = connection.id
            exchange.start(on: eventLoop, of: server) {
                try await respond(request)
            } finish: { serverLoop, outcome in
                serverLoop.answered(outcome, id)
            }
        }
    }

    /// A task has made a response.
    private func answered(_ outcome: Result<Response, any Error>, _ id: ConnectionID) {
        guard let (connection, stage) = endWaiting(id), case .answering(let plain) = stage else {
            return
        }
        connection.corked {
            switch outcome {
            case .success(let response): send(response, to: plain, connection)
            case .failure(let error): fail(error, plain, connection)
            }
        }
        connection.resumeAfterWaiting()
    }

    private func fail(_ error: any Error, _ plain: PlainRequest, _ connection: Connection) {
        send(response(to: error, in: plain.pattern), to: plain, connection, isLast: true)
    }

    private func send(
        _ response: Response,
        to plain: PlainRequest,
        _ connection: Connection,
        isLast: Bool = false
    ) {
        loop.state.counters[Counter.requestsAnswered] &+= 1
        let request = plain.request
        let keepsAlive = plain.keepsAlive && !isLast && !isDraining
        let bytes = ResponseEncoder.encode(
            response.isKnown(to: request) ? response.notModified : response,
            omittingBody: request.method == .head,
            keepAlive: keepsAlive
        )
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        if keepsAlive {
            connection.setDeadline(after: configuration.requestIdleTimeout)
        } else {
            connection.finishHandshake()
        }
    }

    // MARK: No answer

    /// There is nothing for this plain request at its path.
    private func refusePlain(_ head: RequestHead, _ view: HeadView, _ connection: Connection) {
        let path = head.target.path
        let isWebSocket = routes.webSockets.match(path, in: view) != nil
        var methods = routes.resources.match(path, in: view)?.endpoint.methods ?? []
        let isHead = head.method == .head
        if isWebSocket, head.method == .get {
            return refuse(connection, .webSocketOnly(offering: configuration.protocols))
        }
        if isWebSocket, !methods.contains(.get) { methods.insert(.get, at: 0) }
        guard !methods.isEmpty else {
            let refusal = HTTPRefusal(.notFound, "There is nothing at this path.")
            return refuse(connection, refusal, omittingBody: isHead)
        }
        refuse(connection, .methodNotAllowed(allowing: methods), omittingBody: isHead)
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

    /// Whether the client sends its body only when it is told to. RFC 9110 section 10.1.1.
    fileprivate var expectsContinue: Bool {
        get throws(HTTPRefusal) {
            switch soleField("expect") {
            case .none: return false
            case .one(let value) where view(value).equalsIgnoringCase("100-continue"): return true
            case .one, .several:
                throw HTTPRefusal(.expectationFailed, "Only 100-continue can be expected here.")
            }
        }
    }
}
