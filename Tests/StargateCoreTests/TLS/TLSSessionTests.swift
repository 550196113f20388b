import COpenSSL
import Testing

@testable import StargateCore

@Suite("TLS sessions, without a socket")
struct TLSSessionTests {
    @Test("both versions, and messages in both directions", arguments: [TLSVersion.tls12, .tls13])
    func versions(_ version: TLSVersion) throws {
        let pair = try TLSPair(configureServer: { $0.maximumVersion = version })
        pair.shakeHands()
        #expect(pair.server.session.isEstablished && pair.client.session.isEstablished)
        #expect(pair.server.session.info.version == version.description)
        #expect(pair.server.session.info.serverName == "localhost")
        _ = pair.server.feed(pair.client.write(Array("hello".utf8)))
        #expect(pair.server.plaintext == Array("hello".utf8))
        let long = [UInt8](repeating: 7, count: 100_000)
        _ = pair.client.feed(pair.server.write(long))
        #expect(pair.client.plaintext == long)
    }

    @Test(
        "THREATS 88: segments of any length, records cut anywhere",
        arguments: [1, 2, 3, 4, 5, 6, 7, 16, 100, 517, 1000],
        [TLSVersion.tls12, .tls13]
    )
    func segments(_ segment: Int, _ version: TLSVersion) throws {
        let pair = try TLSPair(configureServer: { $0.maximumVersion = version })
        pair.shakeHands(segment: segment)
        #expect(pair.server.session.isEstablished && pair.client.session.isEstablished)
        _ = pair.server.feed(pair.client.write(Array("hello".utf8)), segment: segment)
        #expect(pair.server.plaintext == Array("hello".utf8))
    }

    @Test("THREATS 88: a message cut in two at every place, and records of one byte")
    func everySplit() throws {
        let pair = try TLSPair()
        pair.shakeHands()
        var expected: [UInt8] = []
        let length = pair.client.write([1]).count
        // The record above is read first: records cannot be left out.
        #expect(length > 0)
        let fresh = try TLSPair()
        fresh.shakeHands()
        for split in 0...60 {
            let message = Array("message number \(split)".utf8)
            let record = fresh.client.write(message)
            let place = min(split, record.count)
            _ = fresh.server.feed(Array(record[..<place]))
            _ = fresh.server.feed(Array(record[place...]))
            expected += message
            #expect(fresh.server.plaintext == expected)
        }
        for byte in UInt8(0)...9 {
            _ = fresh.server.feed(fresh.client.write([byte]))
            expected.append(byte)
        }
        #expect(fresh.server.plaintext == expected)
    }

    @Test(
        "THREATS 95: a pipe that is full anywhere, in handshakes and after",
        arguments: [1, 2, 5, 6, 64, 300, 1000, 4096]
    )
    func fullPipe(_ capacity: Int) throws {
        let pair = try TLSPair(serverCapacity: capacity, clientCapacity: capacity)
        pair.shakeHands()
        #expect(pair.server.session.isEstablished && pair.client.session.isEstablished)
        let message = [UInt8](repeating: 3, count: 20_000)
        _ = pair.server.feed(pair.client.write(message))
        #expect(pair.server.plaintext == message)
        _ = pair.client.feed(pair.server.write(message))
        #expect(pair.client.plaintext == message)
        #expect(pair.server.stallCount > 0)
        // A KeyUpdate is answered by the next write, before what that has to say: RFC 8446 section
        // 4.6.3.
        SSL_key_update(pair.client.session.ssl, SSL_KEY_UPDATE_REQUESTED)
        _ = pair.server.feed(pair.client.write([9]))
        #expect(pair.server.plaintext.last == 9)
        _ = pair.client.feed(pair.server.write([8]))
        #expect(pair.client.plaintext.last == 8)
    }

    @Test("THREATS 95: errors that others left in OpenSSL's queue are not this session's")
    func foreignErrors() throws {
        let pair = try TLSPair()
        func leave() {
            let nothing = BIO_new(BIO_s_mem())
            _ = PEM_read_bio_X509(nothing, nil, nil, nil)
            BIO_free(nothing)
        }
        leave()
        pair.shakeHands()
        #expect(pair.server.session.isEstablished)
        let record = pair.client.write([1])
        leave()
        // Half a record: SSL_get_error would take the foreign error for one of the read.
        _ = pair.server.feed(Array(record.dropLast()))
        #expect(pair.server.failure == nil)
        _ = pair.server.feed([record.last ?? 0])
        #expect(pair.server.plaintext == [1])
        ERR_clear_error()
    }

    @Test("THREATS 90, 95: a broken record ends the session with an alert, for good")
    func brokenRecord() throws {
        let pair = try TLSPair()
        pair.shakeHands()
        var record = pair.client.write(Array("hello".utf8))
        record[record.count - 1] ^= 1
        let alert = pair.server.feed(record)
        #expect(pair.server.failure?.kind == .protocolViolation)
        #expect(pair.server.failure?.description.contains("decryption failed") == true)
        #expect(!alert.isEmpty)
        _ = pair.client.feed(alert)
        #expect(pair.client.failure?.kind == .alert(20))
        // What follows is not read, and nothing is written.
        _ = pair.server.feed(pair.client.write([1]))
        #expect(pair.server.plaintext.isEmpty)
        #expect(pair.server.write([1]).isEmpty)
    }

    @Test("THREATS 89: a close_notify is an end, once, in one direction")
    func closeNotify() throws {
        let pair = try TLSPair()
        pair.shakeHands()
        pair.client.session.sayGoodbye()
        pair.client.session.sayGoodbye()
        let goodbye = pair.client.take()
        _ = pair.server.feed(goodbye)
        #expect(pair.server.hasEnded && pair.server.session.peerSaidGoodbye)
        // The other direction goes on.
        _ = pair.client.feed(pair.server.write([5]))
        #expect(pair.client.plaintext == [5])
        #expect(!pair.client.hasEnded)
    }

    @Test("THREATS 89: no end of the stream is taken for an end in good order")
    func unexpectedEnd() throws {
        let pair = try TLSPair()
        let options = SSL_get_options(pair.server.session.ssl)
        #expect(options & stargate_ssl_op_ignore_unexpected_eof() == 0)
        #expect(
            SSL_get_options(pair.client.session.ssl) & stargate_ssl_op_ignore_unexpected_eof() == 0
        )
    }

    @Test("THREATS 93: KeyUpdates without end fail the session, some are answered")
    func keyUpdates() throws {
        let pair = try TLSPair()
        pair.shakeHands()
        var count = 0
        while pair.server.failure == nil, count < 1000 {
            SSL_key_update(pair.client.session.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
            _ = pair.server.feed(pair.client.write([UInt8(truncatingIfNeeded: count)]))
            count += 1
        }
        #expect((20...60).contains(count))
        #expect(pair.server.failure?.kind == .protocolViolation)
    }

    @Test("THREATS 93: a client cannot renegotiate")
    func renegotiation() throws {
        let pair = try TLSPair(configureServer: { $0.maximumVersion = .tls12 })
        pair.shakeHands()
        SSL_clear_options(pair.client.session.ssl, UInt64(1) << 30)
        #expect(SSL_renegotiate(pair.client.session.ssl) == 1)
        SSL_do_handshake(pair.client.session.ssl)
        let hello = pair.client.take()
        #expect(!hello.isEmpty)
        // A warning, no handshake; what follows is served as before.
        let answer = pair.server.feed(hello)
        #expect((1...64).contains(answer.count))
        #expect(pair.server.session.isEstablished)
    }

    @Test("a session is resumed, in both versions", arguments: [TLSVersion.tls12, .tls13])
    func resumption(_ version: TLSVersion) throws {
        let authority = try TestAuthority()
        var serverSide = TLSConfiguration(certificate: try authority.issue("localhost"))
        serverSide.maximumVersion = version
        var clientSide = TLSClientConfiguration()
        clientSide.trust = authority.trust
        let (server, client) = (try TLSContext(serverSide), try TLSClientContext(clientSide))
        var resumed: [Bool] = []
        for _ in 0..<3 {
            let pair = (
                client: TLSEnd(
                    try client.makeSession(
                        host: "localhost",
                        port: 1,
                        TLSPipe(outputCapacity: 1 << 16)
                    )
                ),
                server: TLSEnd(try server.makeSession(TLSPipe(outputCapacity: 1 << 16)))
            )
            var toServer = pair.client.feed([])
            while !toServer.isEmpty { toServer = pair.client.feed(pair.server.feed(toServer)) }
            #expect(pair.client.session.isEstablished)
            resumed.append(pair.server.session.isResumed)
            pair.client.session.sayGoodbye()
        }
        #expect(resumed == [false, true, true])
    }
}
