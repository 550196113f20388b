// Connections from outside of their loops: by their names, which may be kept anywhere and for as
// long as one likes. A name whose connection is gone leads nowhere, never to another connection.

extension Server {
    /// Runs `body` with a connection, on its loop, and returns what it returns.
    ///
    /// - Parameters:
    ///   - id: the name of the connection, from ``WebSocket/id``.
    ///   - body: must not block; the handle may be kept on the loop only.
    /// - Returns: nil when the connection is gone, or never was open; `body` is not called then.
    @discardableResult
    public func withConnection<Result: Sendable>(
        _ id: ConnectionID,
        _ body: @escaping @Sendable (WebSocket) -> Result
    ) async -> Result? {
        await withCheckedContinuation { continuation in
            let isPosted = post(to: id) { socket in
                continuation.resume(returning: socket.map(body))
            }
            if !isPosted { continuation.resume(returning: nil) }
        }
    }

    /// Sends a message to a connection. From one thread, messages arrive in the order of the calls.
    ///
    /// - Returns: what became of it; nil when the connection is gone.
    @discardableResult
    public func send(_ message: PreparedMessage, to id: ConnectionID) async -> SendResult? {
        await withConnection(id) { $0.send(message) }
    }

    /// Sends a text message to a connection.
    ///
    /// - Returns: what became of it; nil when the connection is gone.
    @discardableResult
    public func send(_ text: String, to id: ConnectionID) async -> SendResult? {
        await withConnection(id) { $0.send(text) }
    }

    /// Begins the closing handshake of a connection.
    ///
    /// - Parameters:
    ///   - id: the name of the connection.
    ///   - code: as for ``WebSocket/close(_:reason:)``.
    ///   - reason: as for ``WebSocket/close(_:reason:)``.
    /// - Returns: false when the connection is gone.
    @discardableResult
    public func close(
        _ id: ConnectionID,
        code: CloseCode = .normalClosure,
        reason: String = ""
    ) async -> Bool {
        await withConnection(id) { $0.close(code, reason: reason) } != nil
    }

    /// Runs `body` with every open connection, each on its own loop, at the same time on all loops.
    ///
    /// Connections that come or go meanwhile may be left out.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func forEachConnection(
        _ body: @escaping @Sendable (WebSocket) -> Void
    ) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for mailbox in mailboxes {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let isPosted = mailbox.post { eventLoop in
                            let connections = self.openConnections(on: eventLoop)
                            for connection in connections { body(connection) }
                            continuation.resume(returning: connections.count)
                        }
                        if !isPosted { continuation.resume(returning: 0) }
                    }
                }
            }
            return await group.reduce(0, +)
        }
    }

    // MARK: On the loop

    /// Has `work` called on the loop of a connection. Returns false if there is no such loop.
    private func post(
        to id: ConnectionID,
        _ work: @escaping @Sendable (WebSocket?) -> Void
    ) -> Bool {
        let mailboxes = mailboxes
        guard let index = Int(exactly: id.loop), mailboxes.indices.contains(index) else {
            return false
        }
        return mailboxes[index].post { [self] eventLoop in
            let connection = eventLoop.loop.state.slab[id.slot]
            let isTheSame = connection.map { $0.id == id && isOpen($0, on: eventLoop) } ?? false
            work(isTheSame ? connection.map(WebSocket.init) : nil)
        }
    }

    private func openConnections(on eventLoop: EventLoop) -> [WebSocket] {
        eventLoop.loop.state.slab.active.filter { isOpen($0, on: eventLoop) }.map(WebSocket.init)
    }

    /// Whether a connection is one of this server's, and open.
    private func isOpen(_ connection: Connection, on eventLoop: EventLoop) -> Bool {
        guard connection.state.phase == .open,
            let mine = eventLoop.residents[ObjectIdentifier(self)]
        else { return false }
        return connection.withContext { $0.owner === mine } ?? false
    }
}
