/// How a server speaks TLS.
///
///     var configuration = Server.Configuration(host: "0.0.0.0", port: 443)
///     configuration.tls = TLSConfiguration(
///         certificate: .files(chain: "fullchain.pem", key: "privkey.pem")
///     )
///
/// TLS 1.2 and 1.3, ciphers with forward secrecy and authentication only, the protocol `http/1.1`
/// for clients that negotiate one (ALPN, RFC 7301), no renegotiation, no compression, no early data.
/// Sessions are resumed with tickets, so that the server keeps nothing for clients that are gone.
public struct TLSConfiguration: Sendable, Hashable {
    /// What the server shows to clients. The one whose names fit the name that the client asks for
    /// is taken (SNI, RFC 6066 section 3); the first for all others.
    public var certificates: [TLSCertificate]

    /// Whether clients have to show a certificate themselves.
    public var clientVerification = ClientVerification.none

    /// The lowest version that is spoken. RFC 8996 forbids all before 1.2.
    public var minimumVersion = TLSVersion.tls12

    /// The highest version that is spoken.
    public var maximumVersion = TLSVersion.tls13

    /// How many handshakes a loop begins in one turn, before it looks after the connections that it
    /// has. A handshake costs as much as hundreds of messages, so that a thousand clients that come
    /// back together would otherwise stop all others for as long as theirs take. The rest waits for
    /// the next turn.
    public var handshakesPerTurn = 4

    /// A server with one certificate.
    public init(certificate: TLSCertificate) {
        certificates = [certificate]
    }

    /// A server with several certificates, the first of which is for clients that ask for none of
    /// the names. There must be at least one.
    public init(certificates: [TLSCertificate]) {
        self.certificates = certificates
    }

    /// Whether clients have to show certificates.
    public enum ClientVerification: Sendable, Hashable {
        /// Clients are not asked.
        case none
        /// Clients are asked, and may have none. One that is shown must be vouched for by these
        /// authorities.
        case optional(TLSTrust)
        /// Clients without a certificate that these authorities vouch for are refused.
        case required(TLSTrust)
    }
}

/// A version of TLS.
public enum TLSVersion: Int, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// RFC 5246.
    case tls12 = 0x0303
    /// RFC 8446.
    case tls13 = 0x0304

    /// Whether one version is older than another.
    public static func < (left: TLSVersion, right: TLSVersion) -> Bool {
        left.rawValue < right.rawValue
    }

    /// As OpenSSL writes it: `TLSv1.3`.
    public var description: String {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}

/// A certificate with its chain and its private key, from PEM files or from memory.
///
/// Nothing is read before the server starts, or ``Server/reloadCertificates()`` is called.
public struct TLSCertificate: Sendable, Hashable {
    /// The certificate, and behind it those that lead to the authority.
    public var chain: PEM
    /// The private key; RSA, ECDSA or Ed25519.
    public var key: PEM
    /// What the key is encrypted with; empty for a key that is not.
    public var password = ""
    /// The names for which this certificate is shown, such as `example.com` and `*.example.com`;
    /// empty for those that stand in the certificate.
    public var serverNames: [String] = []

    /// Where text in PEM (RFC 7468) comes from.
    public enum PEM: Sendable, Hashable {
        /// A file, by its path.
        case file(String)
        /// The text itself.
        case bytes([UInt8])
    }

    /// A certificate.
    public init(chain: PEM, key: PEM, password: String = "", serverNames: [String] = []) {
        self.chain = chain
        self.key = key
        self.password = password
        self.serverNames = serverNames
    }

    /// A certificate in two files, such as `fullchain.pem` and `privkey.pem`.
    public static func files(chain: String, key: String) -> TLSCertificate {
        TLSCertificate(chain: .file(chain), key: .file(key))
    }

    /// A certificate in memory.
    public static func pem(chain: [UInt8], key: [UInt8]) -> TLSCertificate {
        TLSCertificate(chain: .bytes(chain), key: .bytes(key))
    }
}

/// Who is believed to vouch for a peer's certificate.
public enum TLSTrust: Sendable, Hashable {
    /// The authorities that the operating system trusts.
    case system
    /// The authorities in a PEM file, and no others.
    case file(String)
    /// The authorities in PEM text, and no others.
    case pem([UInt8])
}
