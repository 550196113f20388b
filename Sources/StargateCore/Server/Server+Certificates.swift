internal import Synchronization

extension Server {
    /// Reads the files of ``Configuration/tls`` again and shows what they hold to clients that
    /// connect from now on. Connections that are there keep what they began with.
    ///
    /// Can be called on any thread; the files are read on the calling one, so not on a loop. Tickets
    /// for sessions that began before are no longer taken: those clients make a full handshake.
    ///
    /// - Throws: ``TLSError`` when a file is no good; then everything stays as it was.
    public func reloadCertificates() throws(TLSError) {
        guard let tls = configuration.tls else {
            throw TLSError(.badCertificateFile, "the server has no TLS configuration to reload")
        }
        try reloadCertificates(tls.certificates)
    }

    /// As ``reloadCertificates()``, with other certificates than the server was started with.
    ///
    /// - Parameter certificates: all of them, the first as the default.
    /// - Throws: ``TLSError`` when one is no good, or the server was started without TLS; then
    ///   everything stays as it was.
    public func reloadCertificates(_ certificates: [TLSCertificate]) throws(TLSError) {
        guard var changed = configuration.tls else {
            throw TLSError(.badCertificateFile, "the server was configured without TLS")
        }
        changed.certificates = certificates
        let context = try TLSContext(changed)
        state.withLock { $0.tls = context }
        for mailbox in mailboxes {
            mailbox.post { [self] eventLoop in
                let resident = eventLoop.residents[ObjectIdentifier(self)] as? ServerLoop
                // What was set last holds, in whatever order two reloads come here.
                resident?.tls = currentCertificates
            }
        }
    }

    /// What new connections get; nil without TLS.
    var currentCertificates: TLSContext? { state.withLock { $0.tls } }

    /// Reads the certificates before anything is opened.
    func loadCertificates() throws(ServerError) {
        guard let tls = configuration.tls else { return }
        do throws(TLSError) {
            let context = try TLSContext(tls)
            state.withLock { $0.tls = context }
        } catch {
            throw ServerError(.badCertificate, error.description)
        }
    }
}

extension ServerLoop {
    /// Says, at most once a second, that TLS did not come about: for those who want to know, because
    /// every scanner of ports makes one fail.
    func logFailure(_ what: String, _ error: TLSError) {
        if let line = clientFailureLog.line(what, error, now: eventLoop.loop.currentTick()) {
            configuration.log(LogEntry(.info, line))
        }
    }
}
