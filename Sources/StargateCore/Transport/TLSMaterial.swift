internal import COpenSSL
internal import Glibc

/// Reads certificates and keys from PEM, into OpenSSL's own objects.
enum TLSMaterial {
    /// No chain and no bundle of authorities is longer.
    private static let fileByteCountMax = 16 << 20

    /// The bytes of a PEM source, and how to call it in an error.
    static func bytes(
        of source: TLSCertificate.PEM
    ) throws(TLSError) -> (bytes: [UInt8], name: String) {
        switch source {
        case .bytes(let bytes): (bytes, "the PEM text")
        case .file(let path): (try contents(of: path), path)
        }
    }

    private static func contents(of path: String) throws(TLSError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TLSError(.badCertificateFile, "\(path): \(systemErrorMessage(-errno))")
        }
        defer { _ = Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= fileByteCountMax {
            let count = unsafe piece.withUnsafeMutableBytes { piece in
                unsafe read(descriptor, piece.baseAddress, piece.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw TLSError(.badCertificateFile, "\(path): \(systemErrorMessage(-errno))")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
        }
        throw TLSError(.badCertificateFile, "\(path) is too long for certificates")
    }

    /// Calls `body` with OpenSSL's view of bytes.
    private static func withBIO<Result>(
        _ bytes: [UInt8],
        _ body: (OpaquePointer) -> Result
    ) -> Result? {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count))
            else { return nil }
            defer { unsafe BIO_free(bio) }
            return unsafe body(bio)
        }
    }

    /// Calls `body` with every certificate in `bytes`, first to last. Returns how many there were.
    static func forEachCertificate(
        in bytes: [UInt8],
        _ body: (OpaquePointer) -> Void
    ) -> Int {
        ERR_clear_error()
        let count = unsafe withBIO(bytes) { bio in
            var count = 0
            while let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
                unsafe body(certificate)
                unsafe X509_free(certificate)
                count &+= 1
            }
            return count
        }
        // The end of the text is an error of OpenSSL's when it looks for one more.
        if count ?? 0 > 0 { ERR_clear_error() }
        return count ?? 0
    }

    /// Puts a certificate, its chain and its key into a context.
    ///
    /// - Returns: the names in the certificate, see ``serverNames(of:)``.
    static func install(
        _ certificate: TLSCertificate,
        in context: OpaquePointer
    ) throws(TLSError) -> [String] {
        let chain = try bytes(of: certificate.chain)
        var names: [String] = []
        var isFirst = true
        var isTaken = true
        let count = unsafe forEachCertificate(in: chain.bytes) { certificate in
            if isFirst {
                isFirst = false
                isTaken = unsafe SSL_CTX_use_certificate(context, certificate) == 1
                names = unsafe serverNames(of: certificate)
            } else {
                isTaken =
                    unsafe stargate_ssl_ctx_add_chain_certificate(context, certificate) == 1
                    && isTaken
            }
        }
        guard count > 0, isTaken else {
            throw TLSError.setUp("\(chain.name) holds no certificate that can be used")
        }
        let key = try bytes(of: certificate.key)
        ERR_clear_error()
        let password = certificate.password
        let isKeyTaken = unsafe withBIO(key.bytes) { bio in
            // With a password, be it empty, OpenSSL does not ask for one at the terminal.
            unsafe password.withCString { password in
                let pointer = unsafe UnsafeMutableRawPointer(mutating: password)
                guard let key = unsafe PEM_read_bio_PrivateKey(bio, nil, nil, pointer) else {
                    return false
                }
                defer { unsafe EVP_PKEY_free(key) }
                return unsafe SSL_CTX_use_PrivateKey(context, key) == 1
            }
        }
        guard isKeyTaken == true else {
            throw TLSError.setUp("\(key.name) holds no private key for \(chain.name)")
        }
        guard unsafe SSL_CTX_check_private_key(context) == 1 else {
            throw TLSError.setUp("\(key.name) is not the private key of \(chain.name)")
        }
        return names
    }

    /// The DNS names that a certificate is for, in lower case.
    private static func serverNames(of certificate: OpaquePointer) -> [String] {
        unsafe TLSPeerCertificate.alternativeNames(of: certificate).dns.map { $0.lowercased() }
    }

    /// Has a context trust these authorities and nobody else.
    static func install(_ trust: TLSTrust, in context: OpaquePointer) throws(TLSError) {
        let source: TLSCertificate.PEM
        switch trust {
        case .system:
            guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
                throw TLSError.setUp("the system's authorities cannot be read")
            }
            return
        case .file(let path): source = .file(path)
        case .pem(let bytes): source = .bytes(bytes)
        }
        let (bytes, name) = try bytes(of: source)
        guard let store = unsafe SSL_CTX_get_cert_store(context) else {
            throw TLSError.setUp("TLS has no memory", kind: .library)
        }
        let count = unsafe forEachCertificate(in: bytes) { authority in
            unsafe _ = X509_STORE_add_cert(store, authority)
        }
        guard count > 0 else { throw TLSError.setUp("\(name) holds no certificate") }
        ERR_clear_error()
    }

    /// Names the authorities to clients that are asked for a certificate, so that they can choose.
    static func announce(_ trust: TLSTrust, in context: OpaquePointer) throws(TLSError) {
        let source: TLSCertificate.PEM
        switch trust {
        // Too many to be of help: an empty list allows any.
        case .system: return
        case .file(let path): source = .file(path)
        case .pem(let bytes): source = .bytes(bytes)
        }
        _ = unsafe forEachCertificate(in: try bytes(of: source).bytes) { authority in
            unsafe _ = SSL_CTX_add_client_CA(context, authority)
        }
    }
}
