internal import COpenSSL
internal import Synchronization

/// What the TLS connections of a server have in common: certificates, versions, who is trusted.
///
/// Immutable, and used by all loops at once: OpenSSL counts references to it atomically. A reload
/// makes another one; connections keep the one that they began with.
@safe
final class TLSContext: @unchecked Sendable {
    /// The context of every certificate; the first is the default.
    private let contexts: [OpaquePointer]
    /// Which certificate is for which name; wildcards as they are written.
    private let places: [String: Int]

    /// Reads the files.
    ///
    /// - Throws: ``TLSError`` with the name of the file that is no good.
    init(_ configuration: TLSConfiguration) throws(TLSError) {
        guard !configuration.certificates.isEmpty else {
            throw TLSError(.badCertificateFile, "a server needs at least one certificate")
        }
        var contexts: [OpaquePointer] = unsafe []
        var places: [String: Int] = [:]
        do throws(TLSError) {
            for certificate in configuration.certificates {
                let context = try unsafe Self.make(
                    TLS_server_method(),
                    configuration.minimumVersion,
                    configuration.maximumVersion
                )
                unsafe contexts.append(context)
                let names = try unsafe TLSMaterial.install(certificate, in: context)
                let chosen = certificate.serverNames
                for name in chosen.isEmpty ? names : chosen.map({ $0.lowercased() })
                where places[name] == nil {
                    places[name] = unsafe contexts.count &- 1
                }
                try unsafe Self.configure(context, configuration)
            }
        } catch {
            unsafe Self.free(contexts)
            throw error
        }
        unsafe self.contexts = unsafe contexts
        self.places = places
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        for index in unsafe contexts.indices {
            // Sessions keep this object, so it is there whenever OpenSSL calls.
            unsafe stargate_ssl_ctx_set_server_name_callback(
                contexts[index],
                { ssl, _, context in
                    guard let ssl = unsafe ssl, let context = unsafe context else {
                        return SSL_TLSEXT_ERR_NOACK
                    }
                    return unsafe Unmanaged<TLSContext>.fromOpaque(context)
                        .takeUnretainedValue().chooseCertificate(ssl)
                },
                me
            )
        }
    }

    deinit { unsafe Self.free(contexts) }

    private static func free(_ contexts: [OpaquePointer]) {
        for index in unsafe contexts.indices { unsafe SSL_CTX_free(contexts[index]) }
    }

    // MARK: Settings

    /// A context with what servers and clients have in common.
    static func make(
        _ method: OpaquePointer?,
        _ minimum: TLSVersion,
        _ maximum: TLSVersion
    ) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        TLSAlgorithms.list
        guard let context = unsafe SSL_CTX_new(method) else {
            throw TLSError.setUp("TLS cannot be set up", kind: .library)
        }
        unsafe stargate_ssl_ctx_set_mode(context)
        unsafe stargate_ssl_ctx_set_options(context)
        let isAgreed = unsafe stargate_ssl_ctx_set_versions(
            context,
            Int32(truncatingIfNeeded: minimum.rawValue),
            Int32(truncatingIfNeeded: maximum.rawValue)
        )
        // Forward secrecy and authenticated encryption: what TLS 1.3 leaves of the ciphers of 1.2.
        guard isAgreed == 1, minimum <= maximum,
            unsafe SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
        else {
            unsafe SSL_CTX_free(context)
            throw TLSError.setUp("these versions of TLS cannot be used", kind: .library)
        }
        return unsafe context
    }

    private static func configure(
        _ context: OpaquePointer,
        _ configuration: TLSConfiguration
    ) throws(TLSError) {
        unsafe stargate_ssl_ctx_set_server_cache(context)
        unsafe _ = SSL_CTX_set_num_tickets(context, 1)
        // Sessions with client certificates are resumed only where they were made.
        let name = Array("stargate".utf8)
        unsafe _ = SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
        unsafe SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                unsafe ALPN.choose(chosen, chosenCount, offered, offeredCount)
            },
            nil
        )
        let mode: Int32
        switch configuration.clientVerification {
        case .none: return
        case .optional(let trust):
            mode = SSL_VERIFY_PEER
            try unsafe TLSMaterial.install(trust, in: context)
            try unsafe TLSMaterial.announce(trust, in: context)
        case .required(let trust):
            mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            try unsafe TLSMaterial.install(trust, in: context)
            try unsafe TLSMaterial.announce(trust, in: context)
        }
        unsafe SSL_CTX_set_verify(context, mode, nil)
    }

    // MARK: Sessions

    /// A session for a client that was just accepted.
    ///
    /// - Throws: ``TLSError`` when OpenSSL has no memory.
    func makeSession(_ pipe: TLSPipe) throws(TLSError) -> TLSSession {
        ERR_clear_error()
        guard let first = unsafe contexts.first, let ssl = unsafe SSL_new(first) else {
            throw TLSError.setUp("TLS has no memory for another connection", kind: .library)
        }
        unsafe SSL_set_accept_state(ssl)
        return unsafe TLSSession(adopting: ssl, of: self, pipe: pipe)
    }

    /// Takes the certificate for the name that the client asks for. RFC 6066 section 3.
    private func chooseCertificate(_ ssl: OpaquePointer) -> Int32 {
        guard let raw = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else {
            return SSL_TLSEXT_ERR_NOACK
        }
        let name = unsafe String(cString: raw).lowercased()
        guard let place = place(of: name) else { return SSL_TLSEXT_ERR_NOACK }
        if place > 0 { unsafe _ = SSL_set_SSL_CTX(ssl, contexts[place]) }
        return SSL_TLSEXT_ERR_OK
    }

    /// The exact name goes before a wildcard, which stands for exactly one label. RFC 9525 section 6.3.
    func place(of name: String) -> Int? {
        if let place = places[name] { return place }
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return nil }
        return places["*" + name[dot...]]
    }
}

/// The choice of a protocol, RFC 7301: WebSocket connections begin with HTTP/1.1 and nothing else.
enum ALPN {
    /// As it stands in the hello: a length and the name.
    static let list = Array("\u{8}http/1.1".utf8)

    /// OpenSSL has checked the list: lengths, each followed by so many bytes.
    static func choose(
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?,
        _ offered: UnsafePointer<UInt8>?,
        _ offeredCount: UInt32
    ) -> Int32 {
        let names = unsafe UnsafeBufferPointer(
            start: offered,
            count: Int(truncatingIfNeeded: offeredCount)
        )
        var index = 0
        while index < names.count {
            let count = unsafe Int(names[index])
            guard index &+ 1 &+ count <= names.count else { break }
            let entry = unsafe UnsafeBufferPointer(rebasing: names[index..<index &+ 1 &+ count])
            if unsafe entry.elementsEqual(list) {
                unsafe chosen?.pointee = unsafe entry.baseAddress.map { unsafe $0 + 1 }
                unsafe chosenCount?.pointee = 8
                return SSL_TLSEXT_ERR_OK
            }
            index &+= 1 &+ count
        }
        // RFC 7301 section 3.2: no_application_protocol.
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}
