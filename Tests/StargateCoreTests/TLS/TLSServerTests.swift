import Glibc
import Testing

@testable import StargateCore

@Suite("TLS over sockets", .ownThreads)
struct TLSServerTests {
    @Test("messages of every size, and backpressure, through TLS")
    func sizes() async throws {
        let server = try TLSTestServer()
        let peer = try server.peer().open()
        for size in [0, 1, 125, 126, 16_383, 16_384, 16_385, 65_535, 65_536, 131_072, 1_000_000] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            try peer.send(frame(0x82, payload))
            let head = try peer.receive(exactly: size < 126 ? 2 : size < 65_536 ? 4 : 10)
            #expect(head[0] == 0x82)
            #expect(try peer.receive(exactly: size) == payload)
        }
        peer.raw.close()
        await server.stop()
    }

    @Test("nothing is lost when a slow reader goes on")
    func slowReader() async throws {
        let payload = [UInt8](repeating: 9, count: 100_000)
        let count = 60
        let server = try TLSTestServer(
            script: Script(received: { _, socket in
                for _ in 0..<count { socket.send(payload.span.bytes) }
                return false
            })
        ) { configuration, _ in
            configuration.outputHardLimit = 64 << 20
            configuration.outputSoftLimit = 32 << 20
        }
        let peer = try server.peer().open()
        try peer.send(textFrame("go"))
        usleep(300_000)
        for _ in 0..<count {
            let head = try peer.receive(exactly: 10)
            #expect(head[0] == 0x82)
            #expect(try peer.receive(exactly: payload.count) == payload)
        }
        #expect(peer.end.session.isEstablished)
        await server.stop()
    }

    @Test("the request says what TLS knows")
    func info() async throws {
        let journal = Journal()
        let authority = try TestAuthority()
        var configuration = Server.Configuration.quiet
        configuration.tls = TLSConfiguration(certificate: try authority.issue("localhost"))
        configuration.tls?.clientVerification = .optional(authority.trust)
        let server = Server(configuration: configuration)
        server.webSocket("/", origin: .any) { request in
            let tls = request.tls
            journal.note("\(request.isSecure) \(tls?.version ?? "") \(tls?.serverName ?? "")")
            journal.note(tls?.peerCertificate?.subject ?? "nobody")
            return .accept { ScriptedHandler(journal, .echo) }
        }
        try server.start()
        let address = try #require(server.addresses.first)
        let certificate = try authority.issue("sensor 17")
        try TLSPeer(address, authority).open()
        try TLSPeer(address, authority) { $0.certificate = certificate }.open()
        #expect(
            journal.events.filter { $0 != .opened && !$0.isClosed } == [
                .note("true TLSv1.3 localhost"), .note("nobody"),
                .note("true TLSv1.3 localhost"), .note("CN=sensor 17"),
            ]
        )
        await server.stop()
    }

    @Test("THREATS 94: certificates are reloaded under load; a bad file keeps the old")
    func reload() async throws {
        let authority = try TestAuthority()
        let first = try authority.issue("first")
        let (chain, key) = (TestFile(first.chain.text), TestFile(first.key.text))
        let server = try TLSTestServer { configuration, _ in
            configuration.tls = TLSConfiguration(
                certificate: .files(chain: chain.path, key: key.path)
            )
        }
        func name() throws -> String? {
            let peer = try TLSPeer(server.address, authority)
            #expect(try peer.open().echo("hello"))
            return peer.end.session.info.peerCertificate?.commonName
        }
        let old = try TLSPeer(server.address, authority).open()
        #expect(try name() == "first")
        for round in 0..<10 {
            let next = try authority.issue("round \(round)")
            chain.write(next.chain.text)
            // Half of the change is there: nothing is changed, and the error says which file.
            let failure = #expect(throws: TLSError.self) { try server.server.reloadCertificates() }
            #expect(failure?.description.contains(key.path) == true)
            #expect(try name() == (round == 0 ? "first" : "round \(round - 1)"))
            key.write(next.key.text)
            try server.server.reloadCertificates()
            #expect(try name() == "round \(round)")
            #expect(try old.echo("still here"))
        }
        #expect(await server.server.counters().tlsFailures == 0)
        await server.stop()
    }

    @Test("a server without TLS has nothing to reload, and bad files stop the start")
    func refusals() throws {
        #expect(throws: TLSError.self) { try Server(configuration: .quiet).reloadCertificates() }
        var configuration = Server.Configuration.quiet
        configuration.tls = TLSConfiguration(certificate: .files(chain: "/none", key: "/none"))
        let failure = #expect(throws: ServerError.self) {
            try Server(configuration: configuration).start()
        }
        #expect(failure?.kind == .badCertificate)
        #expect(failure?.description.contains("/none") == true)
    }

    @Test("our client: verified by default, told what is wrong, resumed when it comes back")
    func client() async throws {
        let server = try TLSTestServer()
        let loops = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: loops)
        let url = "wss://localhost:\(server.address.port)/"
        func connect(_ change: (inout TLSClientConfiguration) -> Void) async throws -> Bool {
            var request = try ClientRequest(url: url)
            request.tls.trust = server.authority.trust
            change(&request.tls)
            return try await client.withConnection(request) { socket in
                try await socket.send("hello")
                for try await message in socket.messages { return message == .text("hello") }
                return false
            }
        }
        #expect(try await connect { _ in })
        #expect(try await connect { _ in })
        #expect(await server.server.counters().tlsHandshakesResumed == 1)
        for (trust, name, kind) in [
            (TLSTrust.system, nil, TLSError.Kind.untrustedCertificate),
            (server.authority.trust, "example.org", .hostnameMismatch),
            (.file("/none"), nil, .badCertificateFile),
        ] as [(TLSTrust, String?, TLSError.Kind)] {
            let failure = await #expect(throws: ClientError.self) {
                _ = try await connect {
                    $0.trust = trust
                    $0.serverName = name
                }
            }
            #expect(failure?.kind == .tls(kind))
        }
        #expect(
            try await connect {
                $0.trust = .system
                $0.verification = .insecureAcceptAnyCertificate
            }
        )
        await loops.stop()
        await server.stop()
    }
}
