import Testing

@testable import StargateCore

@Suite("Certificates")
struct TLSVerificationTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var alternatives = "DNS:localhost,IP:127.0.0.1"
        var validity = (-3600, 86_400)
        var host = "localhost"
        var isTrusted = true
        var verification = TLSClientConfiguration.Verification.full
        var failure: TLSError.Kind?
    }

    static let cases = [
        Case(testDescription: "a good one"),
        Case(testDescription: "an address", host: "127.0.0.1"),
        Case(
            testDescription: "a wildcard",
            alternatives: "DNS:*.example.org",
            host: "a.example.org"
        ),
        Case(
            testDescription: "a wildcard is one label",
            alternatives: "DNS:*.example.org",
            host: "a.b.example.org",
            failure: .hostnameMismatch
        ),
        Case(
            testDescription: "a wildcard is a whole label",
            alternatives: "DNS:a*.example.org",
            host: "ab.example.org",
            failure: .hostnameMismatch
        ),
        Case(testDescription: "another name", host: "example.org", failure: .hostnameMismatch),
        Case(testDescription: "another address", host: "127.0.0.2", failure: .hostnameMismatch),
        Case(
            testDescription: "expired",
            validity: (-7200, -3600),
            failure: .certificateExpired
        ),
        Case(
            testDescription: "not valid yet",
            validity: (3600, 7200),
            failure: .certificateExpired
        ),
        Case(testDescription: "nobody trusts it", isTrusted: false, failure: .untrustedCertificate),
        Case(
            testDescription: "nobody looks",
            validity: (-7200, -3600),
            host: "example.org",
            isTrusted: false,
            verification: .insecureAcceptAnyCertificate
        ),
    ]

    @Test("what a client accepts, and how it calls what it does not", arguments: cases)
    func verification(_ test: Case) throws {
        let authority = try TestAuthority()
        let other = try TestAuthority("Another")
        let certificate = try authority.issue("x", test.alternatives, validity: test.validity)
        let pair = try TLSPair(
            host: test.host,
            authority: authority,
            configureServer: { $0.certificates = [certificate] },
            configureClient: {
                if !test.isTrusted { $0.trust = other.trust }
                $0.verification = test.verification
            }
        )
        pair.shakeHands()
        #expect(pair.client.failure?.kind == test.failure)
        #expect(pair.client.session.isEstablished == (test.failure == nil))
        #expect(pair.server.session.isEstablished == (test.failure == nil))
        if test.failure != nil {
            // The server hears an alert, and can say which.
            guard case .alert = pair.server.failure?.kind else {
                Issue.record("the server heard nothing: \(String(describing: pair.server.failure))")
                return
            }
        }
    }

    @Test("THREATS 91: the certificate for the name that is asked for, else the default")
    func serverNames() throws {
        let authority = try TestAuthority()
        let first = try authority.issue("first", "DNS:one.example.org")
        let second = try authority.issue("second", "DNS:*.example.org,DNS:two.example.com")
        var third = try authority.issue("third", "DNS:other.test")
        third.serverNames = ["Three.Example.ORG"]
        let all = [first, second, third]
        for (host, name) in [
            ("one.example.org", "first"), ("x.example.org", "second"),
            ("two.example.com", "second"),
            ("three.example.org", "third"), ("THREE.example.org", "third"),
            ("unknown.test", "first"),
            ("a.b.example.org", "first"), ("other.test", "first"), ("127.0.0.1", "first"),
            (String(repeating: "a.", count: 120) + "test", "first"),
        ] {
            let pair = try TLSPair(
                host: host,
                authority: authority,
                configureServer: { $0.certificates = all },
                configureClient: { $0.verification = .insecureAcceptAnyCertificate }
            )
            pair.shakeHands()
            #expect(pair.client.session.isEstablished)
            #expect(pair.client.session.info.peerCertificate?.commonName == name, "for \(host)")
        }
    }

    @Test("a client's certificate: optional, required, of others")
    func clientCertificates() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("Another"))
        let known = try authority.issue(
            "sensor 17",
            "DNS:sensor.test,URI:spiffe://test/17,email:a@b.test"
        )
        let foreign = try other.issue("sensor 18")
        func pair(
            _ verification: TLSConfiguration.ClientVerification,
            _ certificate: TLSCertificate?
        ) throws -> TLSPair {
            let pair = try TLSPair(
                authority: authority,
                configureServer: { $0.clientVerification = verification },
                configureClient: { $0.certificate = certificate }
            )
            pair.shakeHands()
            return pair
        }
        let required = TLSConfiguration.ClientVerification.required(authority.trust)
        let shown = try pair(required, known)
        let certificate = try #require(shown.server.session.info.peerCertificate)
        #expect(certificate.subject == "CN=sensor 17")
        #expect(certificate.issuer == "CN=Test Authority")
        #expect(certificate.commonName == "sensor 17")
        #expect(certificate.dnsNames == ["sensor.test"])
        #expect(certificate.uris == ["spiffe://test/17"])
        #expect(certificate.emailAddresses == ["a@b.test"])
        #expect(certificate.fingerprint.count == 32 && !certificate.serialNumber.isEmpty)
        #expect(try pair(required, nil).server.failure?.kind == .certificateRequired)
        #expect(try pair(required, foreign).server.failure?.kind == .untrustedCertificate)
        let optional = TLSConfiguration.ClientVerification.optional(authority.trust)
        #expect(try pair(optional, nil).server.session.isEstablished)
        #expect(try pair(optional, nil).server.session.info.peerCertificate == nil)
        #expect(try pair(optional, foreign).server.failure?.kind == .untrustedCertificate)
        #expect(try pair(.none, known).server.session.info.peerCertificate == nil)
    }

    @Test("files that are no good are named, with the reason")
    func badFiles() throws {
        let authority = try TestAuthority()
        let (one, two) = (try authority.issue("one"), try authority.issue("two"))
        func refusal(_ certificate: TLSCertificate) -> TLSError? {
            do throws(TLSError) {
                _ = try TLSContext(TLSConfiguration(certificate: certificate))
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(one) == nil)
        let rubbish = TestFile(Array("rubbish".utf8))
        for (certificate, words) in [
            (TLSCertificate(chain: .file("/nowhere/x.pem"), key: one.key), "/nowhere/x.pem"),
            (TLSCertificate(chain: .file(rubbish.path), key: one.key), rubbish.path),
            (TLSCertificate(chain: one.chain, key: .file(rubbish.path)), rubbish.path),
            (TLSCertificate(chain: one.chain, key: two.key), "key"),
            (TLSCertificate(chain: .bytes([]), key: one.key), "no certificate"),
        ] {
            let error = try #require(refusal(certificate))
            #expect(error.kind == .badCertificateFile)
            #expect(error.description.contains(words), "\(error)")
        }
        #expect(throws: TLSError.self) { _ = try TLSContext(TLSConfiguration(certificates: [])) }
    }

    @Test("a chain with intermediate certificates is sent whole")
    func chain() throws {
        let authority = try TestAuthority()
        var certificate = try authority.issue("one")
        certificate.chain = .bytes(certificate.chain.text + authority.pem)
        let pair = try TLSPair(
            authority: authority,
            configureServer: { $0.certificates = [certificate] }
        )
        pair.shakeHands()
        #expect(pair.client.session.isEstablished)
    }
}
