// A request becomes an answer or a WebSocket connection.

extension ServerLoop {
    func handshakeReceived(
        _ bytes: UnsafeRawBufferPointer,
        scannedByteCount: Int,
        on connection: Connection
    ) -> HandshakeProgress {
        if let exchange = connection.exchange {
            return unsafe receiveBody(bytes, exchange, connection)
        }
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
        switch judge(head, view, connection) {
        case .notAnUpgrade:
            return unsafe respond(head, view, rest, connection)
        case .refuse(let refusal):
            refuse(connection, refusal, omittingBody: head.method == .head)
            return .used(head.byteCount)
        case .accept(let handshake):
            guard let match = routes.webSockets.match(head.target.path, in: view) else {
                refuse(connection, HTTPRefusal(.notFound, "There is no WebSocket at this path."))
                return .used(head.byteCount)
            }
            return unsafe upgrade(handshake, head, match, rest, connection)
        }
    }

    /// What a request is as an opening handshake.
    @inline(__always)
    func judge(_ head: RequestHead, _ view: HeadView, _ connection: Connection) -> HandshakeDecision
    {
        HandshakeDecision(
            view,
            target: head.target.raw,
            isGet: head.method == .get,
            isHTTP11: head.minorVersion >= 1,
            isSecure: connection.state.tls != nil,
            protocols: configuration.protocols
        )
    }

    // MARK: Refusals

    func countRefusal(_ status: HTTPStatus) {
        loop.state.counters[Counter.handshakesRefused] &+= 1
        loop.state.counters[RefusalStatus(status.code)] &+= 1
    }

    /// Says why a request is not served; the connection ends behind that.
    func refuse(
        _ connection: Connection,
        _ refusal: HTTPRefusal,
        omittingBody: Bool = false
    ) {
        countRefusal(refusal.status)
        let bytes = ResponseEncoder.encode(refusal, omittingBody: omittingBody)
        unsafe bytes.withUnsafeBytes { unsafe connection.sendRaw($0) }
        connection.finishHandshake()
    }

    func refuse(
        _ connection: Connection,
        _ refusal: HandshakeRefusal,
        omittingBody: Bool = false
    ) {
        countRefusal(refusal.status)
        var writer = unsafe HandshakeWriter(scratch)
        refusal.encode(into: &writer, omittingBody: omittingBody)
        unsafe connection.sendRaw(writer.written)
        connection.finishHandshake()
    }
}
