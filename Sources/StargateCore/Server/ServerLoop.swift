// The walk of a message, step 3: before a connection is open its bytes are HTTP, and they come
// here. One object per server and loop holds what all of its requests need, so that a request
// costs its copy and nothing else.

/// What a server keeps on one of its loops.
@safe
final class ServerLoop: ConnectionOwner {
    unowned let eventLoop: EventLoop
    let server: Server
    let routes: Routes
    let configuration: Server.Configuration
    let headLimits = HeadLimits()
    /// Where the scanner puts the fields of a head; used by one request at a time.
    let fields: UnsafeMutableBufferPointer<HeadField>
    /// Where responses to handshakes are written.
    let scratch: UnsafeMutableRawBufferPointer
    /// Shared by the connections of this loop that compress.
    let compression: LoopCompression?
    let topicTable: TopicTable?
    private var listener: Listener?
    private static let contextCountMax = 64
    private var contexts: [String?: ConnectionContext] = [:]
    private var connectionCount = 0
    private var isDraining = false
    private var hasReported = false

    init(_ server: Server, routes: Routes, on eventLoop: EventLoop) {
        self.server = server
        self.routes = routes
        self.eventLoop = eventLoop
        configuration = server.configuration
        compression = configuration.compression.map(LoopCompression.init)
        topicTable = TopicTable(server.topicRegistry, on: eventLoop, configuration)
        unsafe fields = .allocate(capacity: headLimits.fieldCount)
        unsafe scratch = .allocate(byteCount: 32 << 10, alignment: 16)
    }

    deinit {
        unsafe fields.deallocate()
        unsafe scratch.deallocate()
    }

    func listen(on descriptor: Int32) {
        let log = configuration.log
        listener = Listener(
            eventLoop,
            descriptor: descriptor,
            context: context(subprotocol: nil),
            report: { log(LogEntry(.warning, $0)) },
            accepted: { [unowned self] in begin($0) }
        )
        // Stopped before it was begun.
        if isDraining { listener?.close() }
    }

    private func begin(_ connection: Connection) {
        connection.setDeadline(after: configuration.handshakeTimeout)
        connection.startReading()
    }

    /// The context of connections with a subprotocol: one object for all of them.
    func context(subprotocol: String?) -> ConnectionContext {
        if let known = contexts[subprotocol] { return known }
        let context = ConnectionContext(
            limits: configuration.limits,
            owner: self,
            subprotocol: subprotocol
        )
        // The names may be the clients' own: no more of them are remembered than any server has.
        if contexts.count < Self.contextCountMax { contexts[subprotocol] = context }
        return context
    }

    // MARK: The ends of handshakes

    func handshakeConnected(_ connection: Connection) {}

    func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd) {}

    /// Says so to a client that began a request and did not finish it.
    func handshakeTimedOut(_ connection: Connection) {
        guard let inbound = connection.state.inbound, inbound.state.head.count > 0 else {
            return connection.abort()
        }
        refuse(
            connection,
            HTTPRefusal(.requestTimeout, "The request was not complete in time.")
        )
        eventLoop.loop.serveAttention()
    }

    func connectionBegun() {
        connectionCount += 1
    }

    func connectionReleased() {
        connectionCount -= 1
        reportIfDrained()
    }

    // MARK: The end of the server

    /// Closes the listening socket and says goodbye to everybody.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        listener?.close()
        for connection in connections {
            switch connection.state.phase {
            case .open: connection.close(.goingAway, "the server is shutting down")
            case .connecting, .handshake: connection.condemn()
            case .closing, .ending, .ended, .free: break
            }
        }
        eventLoop.schedule(after: configuration.shutdownTimeout) { [weak self] _ in self?.cut() }
        reportIfDrained()
    }

    /// Cuts whoever is left.
    func cut() {
        for connection in connections { connection.condemn() }
    }

    private var connections: [Connection] {
        eventLoop.loop.state.slab.active.filter { connection in
            connection.withContext { $0.owner === self } ?? false
        }
    }

    private func reportIfDrained() {
        guard isDraining, connectionCount == 0, !hasReported else { return }
        hasReported = true
        contexts = [:]
        server.loopDrained()
    }
}
