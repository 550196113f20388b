internal import CUV
internal import Glibc
internal import Synchronization

// Where the listening sockets come from: a predecessor, the service manager, the application, or
// the kernel.

extension Server {
    /// The sockets of a server that starts, and who had them before.
    struct Listening {
        /// At least one for each loop; a loop may have several.
        var descriptors: [Int32]
        var address: SocketAddress
        /// The connection to the process that handed them over, which waits for a word.
        var predecessor: HandoverClient?
    }

    /// Finds or makes the listening sockets, at least `count`.
    func findSockets(count: Int) throws(ServerError) -> Listening {
        var predecessor: HandoverClient?
        if let path = configuration.handoverPath {
            do throws(ListeningSocket.Failure) {
                predecessor = try HandoverClient(path)
            } catch {
                throw startError(error, at: path)
            }
        }
        if let predecessor {
            if let listening = try adopt(predecessor.descriptors, count, isExact: false) {
                return Listening(
                    descriptors: listening.descriptors,
                    address: listening.address,
                    predecessor: predecessor
                )
            }
            // They are for another address: this generation has moved.
            for descriptor in predecessor.descriptors { _ = Glibc.close(descriptor) }
        }
        if let given = givenDescriptors,
            let listening = try adopt(given, count, isExact: true)
        {
            return listening
        }
        let (descriptors, address) = try openSockets(count: count)
        return Listening(descriptors: descriptors, address: address, predecessor: predecessor)
    }

    private var givenDescriptors: [Int32]? {
        switch configuration.listeners {
        case .bound: return nil
        case .descriptors(let descriptors): return descriptors
        case .activated(let name):
            let found = SocketActivation.descriptors(named: name, processID: getpid()) {
                unsafe getenv($0).map { unsafe String(cString: $0) }
            }
            return found.isEmpty ? nil : found
        }
    }

    /// Takes sockets over, and gives every loop one. With `isExact` they are wanted whatever they
    /// listen on; otherwise nil is returned when the configuration asks for another address.
    private func adopt(
        _ given: [Int32],
        _ count: Int,
        isExact: Bool
    ) throws(ServerError) -> Listening? {
        guard let first = given.first else {
            throw ServerError(.badListener, "there is no socket among those to listen on")
        }
        guard let address = SocketAddress(localOf: first) else {
            throw ServerError(.badListener, "descriptor \(first) is no socket")
        }
        if !isExact, !isConfigured(address) { return nil }
        var all = given
        do throws(ListeningSocket.Failure) {
            for descriptor in given { try ListeningSocket.adopt(descriptor) }
            while all.count < count {
                all.append(try ListeningSocket.duplicate(given[all.count % given.count]))
            }
        } catch {
            for descriptor in all.dropFirst(given.count) { _ = Glibc.close(descriptor) }
            throw ServerError(
                .badListener,
                "a socket that was given cannot be listened on: \(systemErrorMessage(-error.code))"
            )
        }
        return Listening(descriptors: all, address: address)
    }

    /// Whether an address is the one that this server is to listen on.
    private func isConfigured(_ address: SocketAddress) -> Bool {
        if let path = configuration.unixSocketPath {
            return address == SocketAddress(unixPath: path)
        }
        guard let wanted = SocketAddress.resolve(configuration.host, port: configuration.port)
        else {
            return false
        }
        return wanted.host == address.host && (wanted.port == 0 || wanted.port == address.port)
    }

    // MARK: The next generation

    /// Waits for the next generation of this server, which takes the sockets over.
    func offerSockets(_ descriptors: [Int32]) throws(ServerError) {
        guard let path = configuration.handoverPath else { return }
        do throws(ListeningSocket.Failure) {
            let handover = try HandoverServer(path, descriptors) { [weak self] in
                guard let self else { return }
                configuration.log(
                    LogEntry(.info, "the listening sockets were handed over: no longer accepting")
                )
                state.withLock { $0.isHandedOver = true }
                beginStopping(cutsWhenDraining: false, isHandedOver: true)
            }
            state.withLock { $0.handover = handover }
        } catch {
            throw startError(error, at: path)
        }
    }
}
