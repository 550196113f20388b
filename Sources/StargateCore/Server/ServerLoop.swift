// The walk of a message, step 3: before a connection is open its bytes are HTTP, and they come
// here. One object per server and loop holds what all of its requests need, so that a request
// costs its copy and nothing else.

/// What a server keeps on one of its loops.
@safe
final class ServerLoop: ConnectionOwner, AcceptGate {
    unowned let eventLoop: EventLoop
    /// The same, for what every connection needs: nothing is counted to reach it.
    let loop: Loop
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
    /// Where those go who are not let in.
    let refusalDesk: RefusalDesk
    var listeners: [Listener] = []
    /// The certificates that new connections get, see ``Server/reloadCertificates()``.
    var tls: TLSContext?
    /// Begins a TLS session; a test stands in for a process without memory.
    var makeSession: (TLSContext, TLSPipe) throws(TLSError) -> TLSSession = {
        context,
        pipe throws(TLSError) in try context.makeSession(pipe)
    }
    private static let contextCountMax = 64
    /// The context of connections without a subprotocol, which nearly all are.
    private var plainContext: ConnectionContext?
    private var contexts: [String: ConnectionContext] = [:]
    /// The contexts of connections with options of their own.
    private var specialContexts: [SpecialContextKey: ConnectionContext] = [:]
    /// What clients connect to; nil where that differs from one to the other.
    private var localAddress: SocketAddress?
    /// Whom ``admit(_:)`` was asked about last, and the connection that came of it: to ask the
    /// system for the address again would cost a call.
    private var latestPeer: SocketAddress?
    private var latestID: ConnectionID?
    /// The memory of a request that nobody kept.
    var spareRecord: RequestRecord?
    private let handshakeTicks: UInt32
    /// Keeps a closure that fails for every client from flooding the log.
    var failureLog = FailureLog()
    /// The same for what clients do: many bad ones must not hide what the application does.
    var clientFailureLog = FailureLog()
    private(set) var connectionCount = 0
    /// What trusted proxies told about their clients, by the connection's slot.
    var proxied: [UInt32: ProxyHeader.Addresses] = [:] { didSet { hasProxied = !proxied.isEmpty } }
    /// Whether they told anything. Apart, because every connection asks.
    private(set) var hasProxied = false
    /// Set when the server is to end, see `ServerLoop+Drain.swift`.
    var drain: LoopDrain?
    /// Whether it is. Apart, because every connection that ends asks.
    var isDraining = false
    var hasReported = false

    init(_ server: Server, routes: Routes, on eventLoop: EventLoop) {
        self.server = server
        self.routes = routes
        self.eventLoop = eventLoop
        loop = eventLoop.loop
        configuration = server.configuration
        handshakeTicks = UInt32(ticks: configuration.handshakeTimeout)
        compression = configuration.compression.map(LoopCompression.init)
        tls = server.currentCertificates
        let loopCount = configuration.loopCount ?? LoopGroup.processorCount
        refusalDesk = RefusalDesk(eventLoop, loopCount: loopCount)
        topicTable = TopicTable(server.topicRegistry, on: eventLoop, configuration)
        unsafe fields = .allocate(capacity: headLimits.fieldCount)
        unsafe scratch = .allocate(byteCount: 32 << 10, alignment: 16)
        server.memoryBudget.add(eventLoop.meter)
        eventLoop.noticeableByteCount = server.memoryBudget.noticeableByteCount
        eventLoop.memoryGuard = MemoryGuard(server.memoryBudget, compression)
        loop.state.buffers.limitRetention(
            to: server.memoryBudget.spareByteCountMax(loopCount: loopCount)
        )
    }

    deinit {
        unsafe fields.deallocate()
        unsafe scratch.deallocate()
    }

    func listen(on descriptor: Int32) {
        if let address = SocketAddress(localOf: descriptor), !address.isWildcard {
            localAddress = address
        }
        let log = configuration.log
        let listener = Listener(
            eventLoop,
            descriptor: descriptor,
            context: context(subprotocol: nil),
            gate: self,
            report: { log(LogEntry(.warning, $0)) }
        )
        listeners.append(listener)
    }

    func begin(_ connection: Connection) {
        latestID = connection.id
        connection.setDeadline(afterTicks: handshakeTicks)
        if expectsProxyHeader(connection) {
            // TLS begins behind it.
            connection.inboundState().state.awaitsProxyHeader = true
        } else {
            guard beginTLS(connection) else { return }
        }
        connection.startReading()
    }

    /// Puts TLS before a connection, if the server speaks it. Returns whether the connection lives.
    func beginTLS(_ connection: Connection) -> Bool {
        guard let tls else { return true }
        do throws(TLSError) {
            try connection.startTLS { pipe throws(TLSError) in try makeSession(tls, pipe) }
            return true
        } catch {
            // Out of memory: this one is not served, the others are.
            loop.state.counters[Counter.tlsHandshakesFailed] &+= 1
            logFailure("TLS", error)
            connection.abort()
            return false
        }
    }

    /// The context of connections with a subprotocol: one object for all of them.
    func context(subprotocol: String?) -> ConnectionContext {
        guard let subprotocol else { return contextWithoutSubprotocol }
        if let known = contexts[subprotocol] { return known }
        let context = makeContext(configuration.limits, subprotocol)
        // The names may be the clients' own: no more of them are remembered than any server has.
        if contexts.count < Self.contextCountMax { contexts[subprotocol] = context }
        return context
    }

    private var contextWithoutSubprotocol: ConnectionContext {
        if let plainContext { return plainContext }
        let context = makeContext(configuration.limits, nil)
        plainContext = context
        return context
    }

    /// Makes a context, and has the cork keep to its limit.
    private func makeContext(
        _ limits: ConnectionLimits,
        _ subprotocol: String?
    ) -> ConnectionContext {
        loop.state.cork.limit(to: limits.outputHardLimit)
        return ConnectionContext(limits: limits, owner: self, subprotocol: subprotocol)
    }

    /// Contexts know this object, and this object knows them, until nobody connects any more.
    func forgetContexts() {
        plainContext = nil
        contexts = [:]
        specialContexts = [:]
    }

    private struct SpecialContextKey: Hashable {
        let subprotocol: String?
        let options: WebSocketOptions
    }

    /// The context of connections with a subprotocol and options of their own: one object for all
    /// of them, as long as there are not too many kinds.
    func context(subprotocol: String?, options: WebSocketOptions) -> ConnectionContext {
        let key = SpecialContextKey(subprotocol: subprotocol, options: options)
        if let known = specialContexts[key] { return known }
        let context = makeContext(options.applied(to: configuration.limits), subprotocol)
        if specialContexts.count < Self.contextCountMax { specialContexts[key] = context }
        return context
    }

    /// Where the other end of a connection sits, which may be a proxy.
    func peerAddress(of connection: Connection) -> SocketAddress? {
        if let latestID, latestID == connection.id { return latestPeer }
        return loop.withTransport { $0.remoteAddress(connection) }
    }

    /// Notes what a request came over.
    func noteOrigin(of record: RequestRecord, _ connection: Connection) {
        if let session = connection.state.tls {
            record.tls = session.info
        } else if record.isSecure {
            // From the request before, whose memory it is.
            record.tls = nil
        }
        noteAddresses(of: record, connection)
    }

    /// Notes the addresses of the connection's ends. They cost a system call only for a client that
    /// did not say at once what it wants, and where clients come in by several addresses of this
    /// endpoint.
    private func noteAddresses(of record: RequestRecord, _ connection: Connection) {
        if hasProxied, let told = proxied[connection.state.slot] {
            record.remoteAddress = told.source
            record.localAddress = told.destination
            record.proxyAddress = peerAddress(of: connection)
            return
        }
        record.remoteAddress = peerAddress(of: connection)
        record.localAddress = localAddress ?? loop.withTransport { $0.localAddress(connection) }
        if record.proxyAddress != nil { record.proxyAddress = nil }
    }

    // MARK: Who is let in

    func admit(_ address: SocketAddress?) throws(AdmissionRefusal) -> any ConnectionSeat {
        latestPeer = address
        do throws(AdmissionRefusal) {
            return try server.admission.admit(address, now: eventLoop.driver.now)
        } catch {
            if error == .memory { eventLoop.memoryGuard?.makeRoom(loop) }
            throw error
        }
    }

    var refusalContext: ConnectionContext? {
        refusalDesk.hasRoom ? refusalDesk.context : nil
    }

    func beginRefusal(_ connection: Connection) { refusalDesk.begin(connection) }

    // MARK: The ends of handshakes

    func handshakeConnected(_ connection: Connection) {}

    /// Nobody waits for the answer any more.
    func handshakeEnded(_ connection: Connection, _ end: ConnectionEnd) {
        connection.exchange?.cancel()
        if case .tls(let error) = end { logFailure("a client's TLS", error) }
    }

    /// Says so to a client that began a request and did not finish it, or that the application
    /// left waiting.
    func handshakeTimedOut(_ connection: Connection) {
        if connection.waitsForApplication {
            giveUpWaiting(connection, "The server did not come to an answer in time.")
        } else if let inbound = connection.state.inbound,
            inbound.state.head.count > 0 || inbound.state.exchange != nil
        {
            refuse(
                connection,
                HTTPRefusal(.requestTimeout, "The request was not complete in time.")
            )
        } else {
            return connection.abort()
        }
        loop.serveAttention()
    }

    func connectionBegun() {
        connectionCount += 1
    }

    func connectionReleased() {
        connectionCount -= 1
        reportIfDrained()
    }
}
