internal import COpenSSL
internal import Synchronization

/// What a program's TLS connections to servers have in common: who is trusted, and the sessions that
/// servers allow to be resumed.
@safe
final class TLSClientContext: @unchecked Sendable {
    private let configuration: TLSClientConfiguration
    private let context: OpaquePointer
    /// Sessions by host and port, the last that the server sent. Used once, with TLS 1.3, as RFC 8446
    /// section C.4 advises: two connections with one ticket could be linked.
    private let sessions = Lock<[String: Ticket]>([:])
    private static let sessionCountMax = 256

    @safe
    private struct Ticket: @unchecked Sendable {
        let session: OpaquePointer
    }

    /// Contexts by configuration: reading the system's authorities takes tens of milliseconds.
    private static let shared = Lock<[TLSClientConfiguration: TLSClientContext]>([:])
    private static let sharedCountMax = 16

    /// The context for a configuration: the one that is there, or a new one.
    ///
    /// - Throws: ``TLSError`` with the name of the file that is no good.
    static func of(_ configuration: TLSClientConfiguration) throws(TLSError) -> TLSClientContext {
        if let known = shared.withLock({ $0[configuration] }) { return known }
        let made = try TLSClientContext(configuration)
        return shared.withLock { contexts in
            if let known = contexts[configuration] { return known }
            if contexts.count >= sharedCountMax { contexts.removeAll() }
            contexts[configuration] = made
            return made
        }
    }

    init(_ configuration: TLSClientConfiguration) throws(TLSError) {
        self.configuration = configuration
        let context = try unsafe TLSContext.make(
            TLS_client_method(),
            configuration.minimumVersion,
            configuration.maximumVersion
        )
        do throws(TLSError) {
            if let certificate = configuration.certificate {
                _ = try unsafe TLSMaterial.install(certificate, in: context)
            }
            if configuration.verification == .full {
                try unsafe TLSMaterial.install(configuration.trust, in: context)
                unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            }
        } catch {
            unsafe SSL_CTX_free(context)
            throw error
        }
        unsafe _ = SSL_CTX_set_alpn_protos(context, ALPN.list, UInt32(ALPN.list.count))
        unsafe stargate_ssl_ctx_set_client_cache(context)
        unsafe SSL_CTX_sess_set_new_cb(context) { ssl, session in
            guard let ssl = unsafe ssl, let session = unsafe session else { return 0 }
            return unsafe TLSClientContext.keep(session, of: ssl)
        }
        unsafe self.context = unsafe context
    }

    deinit {
        let left = sessions.withLock { $0.values.map(\.self) }
        for ticket in left { unsafe SSL_SESSION_free(ticket.session) }
        unsafe SSL_CTX_free(context)
    }

    // MARK: Connections

    /// A session with a server.
    ///
    /// - Throws: ``TLSError`` when OpenSSL has no memory, or does not take the name.
    func makeSession(
        host: String,
        port: UInt16,
        _ pipe: TLSPipe
    ) throws(TLSError) -> TLSSession {
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(context) else {
            throw TLSError.setUp("TLS has no memory for another connection", kind: .library)
        }
        unsafe SSL_set_connect_state(ssl)
        let key = "\(host):\(port)"
        let session = unsafe TLSSession(adopting: ssl, of: self, pipe: pipe, sessionKey: key)
        let name = configuration.serverName ?? host
        guard unsafe expect(name, ssl) else {
            throw TLSError.setUp("\(name) is no name of a server", kind: .hostnameMismatch)
        }
        unsafe resume(key, ssl)
        return session
    }

    /// Offers the server the session that it allowed to be resumed.
    private func resume(_ key: String, _ ssl: OpaquePointer) {
        sessions.withLock { sessions in
            guard let ticket = sessions[key] else { return }
            unsafe _ = SSL_set_session(ssl, ticket.session)
            // A server of TLS 1.2 sends no other ticket for a session that was resumed.
            guard unsafe SSL_SESSION_get_protocol_version(ticket.session) >= TLS1_3_VERSION else {
                return
            }
            sessions[key] = nil
            unsafe SSL_SESSION_free(ticket.session)
        }
    }

    /// Asks for a name (SNI, which is not for addresses: RFC 6066 section 3) and has the server's
    /// certificate checked against it.
    private func expect(_ name: String, _ ssl: OpaquePointer) -> Bool {
        let isAddress = SocketAddress(host: name, port: 0) != nil
        if !isAddress, unsafe stargate_ssl_set_server_name(ssl, name) == 0 { return false }
        guard configuration.verification == .full else { return true }
        guard !isAddress else {
            return unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
        }
        unsafe stargate_verify_param_strict_wildcards(ssl)
        return unsafe SSL_set1_host(ssl, name) == 1
    }

    /// The server sent what the next connection can resume. Returns whether it is kept.
    private static func keep(_ session: OpaquePointer, of ssl: OpaquePointer) -> Int32 {
        guard let owner = unsafe TLSSession.of(ssl), let key = owner.sessionKey,
            let context = owner.clientContext
        else { return 0 }
        let ticket = unsafe Ticket(session: session)
        let before = context.sessions.withLock { sessions -> Ticket? in
            guard sessions[key] != nil || sessions.count < sessionCountMax else {
                // Full: an arbitrary one makes room.
                let victim = sessions.keys.first.flatMap { sessions.removeValue(forKey: $0) }
                sessions[key] = ticket
                return victim
            }
            return sessions.updateValue(ticket, forKey: key)
        }
        if let before { unsafe SSL_SESSION_free(before.session) }
        return 1
    }
}
