import StargateCore

/// How both sides of a run speak TLS. Ed25519, because its signatures all have the same length: what
/// is random about a handshake must not change how many bytes it has, or a seed would not repeat.
struct SimulatedTLS {
    let server: TLSConfiguration
    let client: TLSClientConfiguration

    /// Runs so far: each has a client's context of its own, so that no run resumes what an earlier
    /// one has begun.
    nonisolated(unsafe) private static var count = 0

    init(_ random: inout SplitMix64) {
        var server = TLSConfiguration(
            certificate: .pem(chain: Array(Self.certificate.utf8), key: Array(Self.key.utf8))
        )
        server.handshakesPerTurn = Int.random(in: 1...4, using: &random)
        if random.oneIn(3) { server.maximumVersion = .tls12 }
        self.server = server
        unsafe Self.count += 1
        var client = TLSClientConfiguration()
        client.trust = .pem(Array("run \(unsafe Self.count)\n\(Self.certificate)".utf8))
        self.client = client
    }

    /// For sim.example and 127.0.0.1, from 2020 to 2120; it vouches for itself.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBLDCB36ADAgECAgEBMAUGAytlcDAWMRQwEgYDVQQDDAtzaW0uZXhhbXBsZTAg
        Fw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFjEUMBIGA1UEAwwLc2lt
        LmV4YW1wbGUwKjAFBgMrZXADIQDv7O2XNchMiKJu179eGdYG5hHV7X4aSwUJBfR8
        E6FWKaNQME4wDwYDVR0TAQH/BAUwAwEB/zAcBgNVHREEFTATggtzaW0uZXhhbXBs
        ZYcEfwAAATAdBgNVHQ4EFgQUloAmV1vI2xVHckDPRcv4SJGxCS0wBQYDK2VwA0EA
        uE3/pvswBCAp03psGMIi3e9advOL6REOArRLq8GadwWQyyjasobsSjTteqYYEuv+
        a/I75BGY/MUeJ4S/lQEHBw==
        -----END CERTIFICATE-----

        """

    /// The key of that certificate, which protects nothing.
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEINbLylXCgoZ24Ek3z3xTUStWt2Z5C79iSUda7TmQZHul
        -----END PRIVATE KEY-----

        """
}
