// Connections that come through a proxy: their first bytes tell where the client sits.

extension ServerLoop {
    /// Whether a connection comes from a trusted proxy.
    func expectsProxyHeader(_ connection: Connection) -> Bool {
        guard !configuration.trustedProxies.isEmpty,
            let peer = peerAddress(of: connection)
        else { return false }
        return configuration.trustsProxy(at: peer)
    }

    func proxyHeaderReceived(_ header: ProxyHeader?, on connection: Connection) {
        guard let header else {
            return refuse(
                connection,
                HTTPRefusal(.badRequest, "The connection does not begin with a PROXY header.")
            )
        }
        proxied[connection.state.slot] = header.addresses
        guard admitClient(header, on: connection) else { return }
        _ = beginTLS(connection)
    }

    /// Judges the client by its own address, now that it is known. Returns whether it is let in.
    private func admitClient(_ header: ProxyHeader, on connection: Connection) -> Bool {
        guard let source = header.addresses?.source else { return true }
        do throws(AdmissionRefusal) {
            let seat = try server.admission.seat(for: source, now: eventLoop.driver.now)
            if let seat { connection.state.seat = seat }
            return true
        } catch {
            eventLoop.loop.state.counters[error] &+= 1
            // Words are for those who understand them before TLS has begun.
            guard tls == nil else {
                connection.abort()
                return false
            }
            let refusal = refusalDesk.refusal
            unsafe ResponseEncoder.encode(refusal).withUnsafeBytes {
                unsafe connection.sendRaw($0)
            }
            connection.finishHandshake()
            return false
        }
    }

    func clientAddress(of connection: Connection) -> SocketAddress? {
        hasProxied ? proxied[connection.state.slot]?.source : nil
    }
}

extension Connection {
    /// Takes in bytes of a connection whose PROXY header is not whole yet.
    func receivedProxied(_ inbound: Inbound, _ bytes: UnsafeRawBufferPointer) {
        loop.state.buffers.reserve(bytes.count, in: &inbound.state.head)
        unsafe inbound.state.head.append(bytes)
        let scan = unsafe ProxyHeader.scan(UnsafeRawBufferPointer(inbound.state.head.bytes))
        if case .incomplete = scan { return }
        var head = inbound.state.head
        inbound.state.head = .empty
        inbound.state.awaitsProxyHeader = false
        releaseIdleInbound()
        defer { loop.state.buffers.give(&head) }
        guard let owner = withContext({ $0.owner }) ?? nil else { return }
        guard case .complete(let header) = scan else {
            return corked { owner.proxyHeaderReceived(nil, on: self) }
        }
        owner.proxyHeaderReceived(header, on: self)
        let restByteCount = head.count &- header.byteCount
        guard restByteCount > 0, state.phase == .handshake else { return }
        if let session = state.tls {
            let all = unsafe UnsafeRawBufferPointer(head.bytes)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[header.byteCount...])
            return unsafe receivedEncrypted(rest, session)
        }
        // What follows is received as if it had just arrived. It fits: all but the start of the
        // header arrived in this buffer.
        unsafe loop.state.receiveBuffer.start.copyMemory(
            from: unsafe UnsafeRawBufferPointer(head.bytes).baseAddress.unsafelyUnwrapped
                + header.byteCount,
            byteCount: restByteCount
        )
        received(restByteCount)
    }
}
