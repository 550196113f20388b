internal import COpenSSL

/// What TLS knows of the connection that a request came over.
public struct TLSInfo: Sendable, Hashable {
    /// The version, such as `TLSv1.3`.
    public let version: String
    /// The cipher, under its standard name, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The name that the client asked for (SNI, RFC 6066 section 3); nil if it asked for none. It is
    /// the peer's claim, like Host.
    public let serverName: String?
    /// Whether an earlier session was resumed.
    public let isResumed: Bool
    /// The peer's certificate, vouched for by the authorities of the configuration; nil when it
    /// showed none, as browsers do.
    public let peerCertificate: TLSPeerCertificate?
}

/// A certificate that the peer has proven to hold the key of.
public struct TLSPeerCertificate: Sendable, Hashable {
    /// Whom it is for, as RFC 2253 writes it: `CN=sensor 17,O=Example`.
    public let subject: String
    /// Who vouches for that.
    public let issuer: String
    /// The common name of the subject, if it has one.
    public let commonName: String?
    /// The serial number in hexadecimal digits, unique for the issuer.
    public let serialNumber: String
    /// The DNS names among the subject's alternative names. RFC 5280 section 4.2.1.6.
    public let dnsNames: [String]
    /// The URIs among them, such as `spiffe://example.org/sensor`.
    public let uris: [String]
    /// The mail addresses among them.
    public let emailAddresses: [String]
    /// SHA-256 over the certificate, 32 bytes: what pins exactly this one.
    public let fingerprint: [UInt8]
}

extension TLSSession {
    /// What is known of the session now; made anew with every call.
    var info: TLSInfo {
        let cipher = unsafe SSL_get_current_cipher(ssl)
        return TLSInfo(
            version: unsafe String(cString: SSL_get_version(ssl)),
            cipher: unsafe SSL_CIPHER_standard_name(cipher).map { unsafe String(cString: $0) }
                ?? "",
            serverName: unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
                .map { unsafe String(cString: $0) },
            isResumed: isResumed,
            peerCertificate: peerCertificate
        )
    }

    private var peerCertificate: TLSPeerCertificate? {
        guard let certificate = unsafe stargate_ssl_peer_certificate(ssl) else { return nil }
        defer { unsafe X509_free(certificate) }
        return unsafe TLSPeerCertificate(certificate)
    }
}

extension TLSPeerCertificate {
    init(_ certificate: OpaquePointer) {
        let names = unsafe Self.alternativeNames(of: certificate)
        let subject = unsafe X509_get_subject_name(certificate)
        unsafe self.init(
            subject: Self.text(of: subject),
            issuer: Self.text(of: X509_get_issuer_name(certificate)),
            commonName: Self.commonName(of: subject),
            serialNumber: Self.serialNumber(of: certificate),
            dnsNames: names.dns,
            uris: names.uri,
            emailAddresses: names.email,
            fingerprint: Self.fingerprint(of: certificate)
        )
    }

    /// A distinguished name in one line. What is no ASCII letter is written as an escape, so that a
    /// name cannot pass for another.
    private static func text(of name: OpaquePointer?) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, name, 0, stargate_name_flags())
        return unsafe String(decoding: contents(of: bio), as: UTF8.self)
    }

    private static func contents(of bio: OpaquePointer) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 512)
        while true {
            let count = unsafe BIO_read(bio, &piece, Int32(piece.count))
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: piece[..<Int(clamping: count)])
        }
    }

    private static func commonName(of name: OpaquePointer?) -> String? {
        let place = unsafe X509_NAME_get_index_by_NID(name, NID_commonName, -1)
        guard place >= 0, let entry = unsafe X509_NAME_get_entry(name, place) else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let count = unsafe ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
        guard count >= 0, let start = unsafe text else { return nil }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: Int(count)),
            as: UTF8.self
        )
    }

    private static func serialNumber(of certificate: OpaquePointer) -> String {
        guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nil)
        else {
            return ""
        }
        defer { unsafe BN_free(number) }
        guard let digits = unsafe BN_bn2hex(number) else { return "" }
        defer { unsafe CRYPTO_free(digits, nil, 0) }
        return unsafe String(cString: digits)
    }

    private static func fingerprint(of certificate: OpaquePointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 32
        let isMade = unsafe X509_digest(certificate, EVP_sha256(), &digest, &count) == 1
        return isMade ? digest : []
    }

    /// The alternative names that are text. One with a NUL in it is left out: it is there to deceive.
    static func alternativeNames(
        of certificate: OpaquePointer
    ) -> (dns: [String], uri: [String], email: [String]) {
        var found: (dns: [String], uri: [String], email: [String]) = ([], [], [])
        guard let names = unsafe stargate_subject_alternative_names(certificate) else {
            return found
        }
        defer { unsafe stargate_names_free(names) }
        let count = unsafe stargate_names_count(names)
        for index in 0..<max(0, count) {
            guard let name = unsafe stargate_names_at(names, index) else { continue }
            var kind: Int32 = 0
            let value = unsafe GENERAL_NAME_get0_value(name, &kind)
            guard [GEN_DNS, GEN_URI, GEN_EMAIL].contains(kind), let value = unsafe value else {
                continue
            }
            let string = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
            let bytes = unsafe UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(string),
                count: Int(clamping: ASN1_STRING_length(string))
            )
            guard unsafe !bytes.contains(0) else { continue }
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            switch kind {
            case GEN_DNS: found.dns.append(text)
            case GEN_URI: found.uri.append(text)
            default: found.email.append(text)
            }
        }
        return found
    }
}
