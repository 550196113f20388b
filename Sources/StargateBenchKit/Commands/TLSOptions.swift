// TLS on the command line: what `serve` shows to its clients, and how the measuring modes judge a
// server. The latter are named as curl names them.

internal import ArgumentParser
internal import StargateCore

/// The certificate of `serve`.
struct ServeTLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Serve wss:// with the certificate, and the chain behind it, in this PEM file.",
            valueName: "file"
        )
    )
    var tlsCert: String?

    @Option(help: ArgumentHelp("The private key of --tls-cert, in PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Take only clients with a certificate that the authorities in this PEM file made.",
            valueName: "file"
        )
    )
    var tlsClientCa: String?

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
        guard tlsClientCa == nil || tlsCert != nil else {
            throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
        }
    }

    var configuration: TLSConfiguration? {
        guard let tlsCert, let tlsKey else { return nil }
        var tls = TLSConfiguration(certificate: .files(chain: tlsCert, key: tlsKey))
        if let tlsClientCa { tls.clientVerification = .required(.file(tlsClientCa)) }
        return tls
    }

    var scheme: String { tlsCert == nil ? "ws" : "wss" }
}

/// A version of TLS as curl's `--tls-max` has it.
enum TLSVersionName: String, ExpressibleByArgument, CaseIterable {
    case v12 = "1.2"
    case v13 = "1.3"

    var version: TLSVersion {
        switch self {
        case .v12: .tls12
        case .v13: .tls13
        }
    }
}

/// How the client of a measuring mode speaks TLS.
struct ClientTLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Trust the authorities in this PEM file instead of the system's.",
            valueName: "file"
        )
    )
    var cacert: String?

    @Flag(
        name: [.customShort("k"), .long],
        help: "Accept any certificate: only for servers that could as well do without TLS."
    )
    var insecure = false

    @Option(
        name: [.customShort("E"), .long],
        help: ArgumentHelp("Show the certificate in this PEM file.", valueName: "file")
    )
    var cert: String?

    @Option(help: ArgumentHelp("The private key of --cert, in PEM.", valueName: "file"))
    var key: String?

    @Flag(name: .customLong("tlsv1.3"), help: "Speak TLS 1.3 or nothing.")
    var needsTLS13 = false

    @Option(help: ArgumentHelp("The highest version of TLS to speak.", valueName: "1.2|1.3"))
    var tlsMax = TLSVersionName.v13

    func validate() throws {
        if cacert != nil, insecure {
            throw ValidationError("--cacert and --insecure exclude each other")
        }
        guard key == nil || cert != nil else { throw ValidationError("--key needs --cert") }
        if needsTLS13, tlsMax == .v12 {
            throw ValidationError("--tlsv1.3 and --tls-max 1.2 exclude each other")
        }
    }

    var configuration: TLSClientConfiguration {
        var tls = TLSClientConfiguration()
        if let cacert { tls.trust = .file(cacert) }
        if insecure { tls.verification = .insecureAcceptAnyCertificate }
        // As with curl, one file may hold both.
        if let cert { tls.certificate = .files(chain: cert, key: key ?? cert) }
        tls.minimumVersion = needsTLS13 ? .tls13 : .tls12
        tls.maximumVersion = tlsMax.version
        return tls
    }
}
