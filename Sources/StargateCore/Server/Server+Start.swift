internal import CUV
internal import Glibc
internal import Synchronization

extension Server {
    /// Opens the listening sockets and starts the loops. When it returns, clients can connect.
    ///
    /// - Throws: ``ServerError``; nothing is left running then.
    public func start() throws(ServerError) {
        let routes = try takeRoutes()
        try loadCertificates()
        let loops: LoopGroup
        let count = configuration.loopCount ?? LoopGroup.processorCount
        let listening = try findSockets(count: max(1, count))
        let descriptors = listening.descriptors
        do throws(LoopError) {
            loops = try LoopGroup(
                count: max(1, count),
                transport: configuration.transport
            )
        } catch {
            for descriptor in descriptors { _ = Glibc.close(descriptor) }
            throw ServerError(.system, error.description)
        }
        do throws(ServerError) {
            try offerSockets(descriptors)
        } catch {
            for descriptor in descriptors { _ = Glibc.close(descriptor) }
            loops.stopBlocking()
            throw error
        }
        topicRegistry.start(loops.mailboxes)
        let watchdog = makeWatchdog(over: loops)
        state.withLock { state in
            state.phase = .running(loops)
            state.addresses = [listening.address]
            state.watchdog = watchdog
            // Under the lock, so that nobody tells a loop to stop before it knows of the server.
            post(routes, descriptors, to: loops)
        }
        watchdog?.start()
        announceStart(listening)
        warnAboutProtocols(listening.address)
    }

    /// Sets every loop up, and gives it its sockets.
    private func post(_ routes: Routes, _ descriptors: [Int32], to loops: LoopGroup) {
        for (index, mailbox) in loops.mailboxes.enumerated() {
            // More sockets than loops are dealt out in turn.
            let mine = stride(from: index, to: descriptors.count, by: loops.mailboxes.count)
                .map { descriptors[$0] }
            mailbox.post { [self] eventLoop in
                let serverLoop = ServerLoop(self, routes: routes, on: eventLoop)
                eventLoop.residents[ObjectIdentifier(self)] = serverLoop
                for descriptor in mine { serverLoop.listen(on: descriptor) }
            }
        }
    }

    func takeRoutes() throws(ServerError) -> Routes {
        let (phase, routes, routeError) = state.withLock { ($0.phase, $0.routes, $0.routeError) }
        guard case .idle = phase else {
            throw ServerError(.notStartable, "the server was started before")
        }
        if let routeError { throw ServerError(.badRoute, routeError.description) }
        return routes
    }

    /// The hixie drafts leave unmasked what a page in a browser chose, which an attacker can use
    /// against proxies: whoever enables them should know.
    private func warnAboutProtocols(_ address: SocketAddress) {
        guard configuration.protocols.containsHixie else { return }
        configuration.log(
            LogEntry(
                .warning,
                "\(address) speaks draft-hixie-75 or -76, whose clients do not mask what they send"
            )
        )
    }

    /// Tells those who wait for it that this server listens.
    private func announceStart(_ listening: Listening) {
        listening.predecessor?.confirm()
        guard configuration.notifiesServiceManager else { return }
        // After a hand-over the manager must know which of the two processes is the service.
        ServiceManager.notify(
            .mainProcess(getpid()),
            .ready,
            .status("listening on \(listening.address)")
        )
    }

    // MARK: Sockets

    /// One listening socket per loop.
    func openSockets(count: Int) throws(ServerError) -> ([Int32], SocketAddress) {
        if let path = configuration.unixSocketPath { return try openUnixSockets(path, count) }
        guard (0...65535).contains(configuration.port),
            var address = SocketAddress.resolve(configuration.host, port: configuration.port)
        else {
            throw ServerError(
                .badAddress,
                "\(configuration.host):\(configuration.port) is not an address to listen on"
            )
        }
        var descriptors: [Int32] = []
        do throws(ListeningSocket.Failure) {
            if count > 1, !configuration.sharesPort {
                address = try ListeningSocket.probe(address)
            }
            for _ in 0..<count {
                let descriptor = try ListeningSocket.open(
                    address,
                    backlog: configuration.backlog,
                    isShared: count > 1 || configuration.sharesPort
                )
                descriptors.append(descriptor)
                // The first socket learns the port that the system chose; the others share it.
                if let chosen = SocketAddress(localOf: descriptor) { address = chosen }
            }
        } catch {
            for descriptor in descriptors { _ = Glibc.close(descriptor) }
            throw startError(error, at: address.description)
        }
        return (descriptors, address)
    }

    /// A path cannot be shared by several sockets: every loop watches the same one.
    private func openUnixSockets(
        _ path: String,
        _ count: Int
    ) throws(ServerError) -> ([Int32], SocketAddress) {
        guard let address = SocketAddress(unixPath: path) else {
            throw ServerError(.badAddress, "\(path) is too long for the path of a socket")
        }
        do throws(ListeningSocket.Failure) {
            let descriptor = try ListeningSocket.open(
                unixPath: path,
                backlog: configuration.backlog
            )
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            var descriptors = [descriptor]
            while descriptors.count < count {
                let other = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                guard other >= 0 else {
                    let code = errno
                    for descriptor in descriptors { _ = Glibc.close(descriptor) }
                    throw ListeningSocket.Failure(code: code, step: "fcntl")
                }
                descriptors.append(other)
            }
            return (descriptors, address)
        } catch {
            throw startError(error, at: path)
        }
    }

    func startError(_ failure: ListeningSocket.Failure, at place: String) -> ServerError {
        let message = systemErrorMessage(-failure.code)
        switch failure.code {
        case EADDRINUSE:
            return ServerError(.addressInUse, "\(place) is in use: another server listens there")
        case EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENAMETOOLONG, ENOENT:
            return ServerError(.badAddress, "\(place) cannot be listened on: \(message)")
        case EACCES, EPERM:
            return ServerError(
                .permissionDenied,
                "listening on \(place) is not allowed: \(message)"
            )
        default:
            return ServerError(
                .system,
                "listening on \(place) failed in \(failure.step): \(message)"
            )
        }
    }
}
