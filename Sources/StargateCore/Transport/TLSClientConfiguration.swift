/// How a client speaks TLS to `wss:` URLs. The defaults are those of a browser: the system's
/// authorities are trusted, and the certificate must be for the host of the URL.
///
/// What it takes to read the authorities is spent once: connections with equal configurations share
/// it, and their sessions. A file that changes later is not read again.
public struct TLSClientConfiguration: Sendable, Hashable {
    /// Who is believed to vouch for the server.
    public var trust = TLSTrust.system

    /// How the server's certificate is judged.
    public var verification = Verification.full

    /// What the client shows to servers that ask for a certificate.
    public var certificate: TLSCertificate?

    /// The name that is asked for, and that the certificate must be for, instead of the URL's host:
    /// for servers that are reached by another name or by their address.
    public var serverName: String?

    /// The lowest version that is spoken.
    public var minimumVersion = TLSVersion.tls12

    /// The highest version that is spoken.
    public var maximumVersion = TLSVersion.tls13

    /// The defaults.
    public init() {}

    /// How a server's certificate is judged.
    public enum Verification: Sendable, Hashable {
        /// It must be vouched for, be valid today, and be for the host. RFC 9525.
        case full
        /// Nothing is checked: anybody between the client and the server can read and change
        /// everything. For tests on one machine, and for nothing else.
        case insecureAcceptAnyCertificate
    }
}
