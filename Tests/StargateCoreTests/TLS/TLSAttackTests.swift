import COpenSSL
import Glibc
import Testing

@testable import StargateCore

/// THREATS 1.5, row by row, over sockets. In each the server goes on: a fresh client is served.
@Suite("TLS under attack", .ownThreads)
struct TLSAttackTests {
    static let firstBytes: [[UInt8]] = [
        Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8),
        Array("SSH-2.0-OpenSSH_9.2\r\n".utf8),
        [UInt8](repeating: 0, count: 1000),
        [UInt8](repeating: 0xFF, count: 70_000),
        // A record of 65,535 bytes, one of none, and an alert before anything else.
        [0x16, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 100),
        [0x16, 3, 1, 0, 0, 0x16, 3, 1, 0, 0, 0x17, 3, 3, 0, 0],
        [0x15, 3, 3, 0, 2, 2, 40],
        // A hello that is shorter than it says, and a server's.
        [0x16, 3, 1, 0, 4, 1, 0, 0, 0],
        [0x16, 3, 3, 0, 4, 2, 0, 0, 0],
    ]

    @Test("THREATS 86: what is no TLS is refused at once", arguments: firstBytes)
    func rubbish(_ bytes: [UInt8]) async throws {
        let server = try TLSTestServer()
        let peer = try RawPeer(server.address)
        try? peer.send(bytes)
        let answer = (try? peer.receiveRest()) ?? []
        // An alert and nothing else, in particular no HTTP.
        #expect(answer.isEmpty || answer[0] == 0x15, "\(answer)")
        #expect(try server.servesAnother())
        #expect(server.journal.events.filter { $0 == .opened }.count == 1)
        peer.close()
        await server.stop()
    }

    @Test("THREATS 87: TLS 1.0 and 1.1 are refused with protocol_version", arguments: [1, 2])
    func oldVersions(_ minor: UInt8) async throws {
        let server = try TLSTestServer()
        let peer = try RawPeer(server.address)
        let suites: [UInt8] = [0xC0, 0x13, 0xC0, 0x14, 0x00, 0x2F]
        var hello: [UInt8] = [3, minor] + [UInt8](repeating: 5, count: 32) + [0]
        hello += [0, UInt8(suites.count)] + suites + [1, 0]
        let message = [1, 0, 0, UInt8(hello.count)] + hello
        try peer.send([0x16, 3, 1, 0, UInt8(message.count)] + message)
        let answer = try peer.receiveRest()
        // RFC 8446 section 6.2: a fatal alert, 70.
        #expect(answer.suffix(2) == [2, 70], "\(answer)")
        #expect(try server.servesAnother())
        peer.close()
        await server.stop()
    }

    @Test("THREATS 88: segments of one byte, records of one byte")
    func oneByte() async throws {
        let server = try TLSTestServer()
        let peer = try server.peer(segment: 1)
        try peer.open(segment: 1)
        #expect(try peer.echo("hello", segment: 1))
        for byte in textFrame("one by one") { try peer.send([byte]) }
        #expect(try peer.receive(exactly: 12).suffix(10).elementsEqual("one by one".utf8))
        peer.raw.close()
        await server.stop()
    }

    @Test(
        "THREATS 89: cut without a close_notify, a connection ends abnormally",
        arguments: [0, 1, 2, 3]
    )
    func truncation(_ stage: Int) async throws {
        let server = try TLSTestServer()
        let peer = try TLSPeer(
            server.address,
            server.authority,
            shakesHands: stage > 0
        )
        if stage == 0 { try peer.send(records: Array(peer.end.feed([]).prefix(100))) }
        if stage >= 2 { try peer.open() }
        if stage == 3 {
            try peer.send(records: Array(peer.end.write(textFrame("cut")).dropLast(5)))
        }
        peer.raw.shutDown()
        let rest = try? peer.receiveRest()
        #expect(rest?.isClean != true)
        if stage >= 2 {
            let reason = TLSError.truncated.description
            #expect(server.journal.waitForClosed() == .closed(1006, reason))
        }
        #expect(try server.servesAnother())
        await server.stop()
    }

    @Test("THREATS 89: with a close_notify the end is that of the stream, and is answered by one")
    func cleanEnd() async throws {
        let server = try TLSTestServer()
        let peer = try server.peer().open()
        #expect(try peer.echo("hello"))
        try peer.send(frame(0x88, [3, 232]))
        peer.end.session.sayGoodbye()
        try peer.send(records: peer.end.take())
        let rest = try peer.receiveRest()
        #expect(rest.bytes == [0x88, 2, 3, 232])
        #expect(rest.isClean)
        #expect(server.journal.waitForClosed() == .closed(1000, ""))
        await server.stop()
    }

    @Test("THREATS 90: a broken record in the middle: an alert, the end, and one 1006")
    func brokenRecord() async throws {
        let server = try TLSTestServer()
        let peer = try server.peer().open()
        #expect(try peer.echo("hello"))
        var record = peer.end.write(textFrame("broken"))
        record[record.count - 3] ^= 0x40
        try peer.send(records: record)
        #expect(throws: TLSError.self) { _ = try peer.receiveRest() }
        #expect(peer.end.failure?.kind == .alert(20))
        guard case .closed(1006, let reason) = server.journal.waitForClosed() else {
            Issue.record("\(server.journal.events)")
            return
        }
        #expect(reason.contains("decryption failed"))
        #expect(server.journal.closings.count == 1)
        #expect(!server.journal.events.contains(.text("broken")))
        #expect(try server.servesAnother())
        await server.stop()
    }

    @Test("THREATS 91: a client that speaks HTTP/2 only hears no_application_protocol")
    func alpn() async throws {
        let server = try TLSTestServer()
        func offer(_ list: [UInt8]) throws -> TLSPeer {
            try TLSPeer(server.address, server.authority) {
                _ in
            } prepare: { ssl in
                SSL_set_alpn_protos(ssl, list, UInt32(list.count))
            }
        }
        let both = try offer([2] + Array("h2".utf8) + [8] + Array("http/1.1".utf8))
        #expect(try both.open().echo("hello"))
        let failure = #expect(throws: TLSError.self) { _ = try offer([2] + Array("h2".utf8)) }
        #expect(failure?.kind == .alert(120))
        await server.stop()
    }

    @Test("THREATS 92: 150 unanswered hellos: others are served, and the time is up for all")
    func unansweredHellos() async throws {
        let server = try TLSTestServer { configuration, _ in
            configuration.handshakeTimeout = .seconds(2)
        }
        var peers: [TLSPeer] = []
        for index in 0..<150 {
            let peer = try TLSPeer(server.address, server.authority, shakesHands: false)
            let hello = peer.end.feed([])
            // Every third sends half of it.
            try peer.send(records: index % 3 == 0 ? Array(hello.prefix(hello.count / 2)) : hello)
            peers.append(peer)
            if index % 50 == 49 { #expect(try server.servesAnother()) }
        }
        for peer in peers {
            _ = try peer.raw.receiveRest()
            peer.raw.close()
        }
        #expect(try server.servesAnother())
        await server.stop()
    }

    @Test("a storm of handshakes is worked off in turns, and everybody gets through")
    func storm() async throws {
        let server = try TLSTestServer { configuration, _ in
            configuration.tls?.handshakesPerTurn = 1
        }
        var peers: [TLSPeer] = []
        // All hellos wait in the kernel while the loop is kept busy.
        server.server.mailboxes[0].post { _ in usleep(300_000) }
        for _ in 0..<40 {
            let peer = try TLSPeer(server.address, server.authority, shakesHands: false)
            try peer.send(records: peer.end.feed([]))
            peers.append(peer)
        }
        for peer in peers {
            while !peer.end.session.isEstablished { try peer.pump() }
            #expect(try peer.open().echo("hello"))
        }
        let counters = await server.server.counters()
        #expect(counters.tlsHandshakes == 40)
        #expect(counters.tlsHandshakesDeferred > 0)
        await server.stop()
    }

    @Test("THREATS 93: a flood of KeyUpdates ends the connection; renegotiation does nothing")
    func floods() async throws {
        let server = try TLSTestServer()
        let peer = try server.peer().open()
        for _ in 0..<200 {
            SSL_key_update(peer.end.session.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
            guard (try? peer.send(frame(0x8A, [1]))) != nil else { break }
        }
        guard case .closed(1006, _) = server.journal.waitForClosed() else {
            Issue.record("\(server.journal.events)")
            return
        }
        let old = try TLSPeer(server.address, server.authority) {
            $0.maximumVersion = .tls12
        } prepare: { ssl in
            SSL_clear_options(ssl, UInt64(1) << 30)
        }
        try old.open()
        SSL_renegotiate(old.end.session.ssl)
        SSL_do_handshake(old.end.session.ssl)
        try old.send(records: old.end.take())
        old.raw.shutDown()
        _ = try? old.receiveRest()
        #expect(await server.server.counters().tlsHandshakes == 2)
        #expect(try server.servesAnother())
        await server.stop()
    }

    @Test("THREATS 100: without memory for a session that client is refused, and others served")
    func noMemory() async throws {
        let server = try TLSTestServer()
        #expect(try server.servesAnother())
        let before = await server.server.counters().tlsFailures
        await withCheckedContinuation { continuation in
            server.server.mailboxes[0].post { eventLoop in
                for case let resident as ServerLoop in eventLoop.residents.values {
                    resident.makeSession = { _, _ throws(TLSError) in
                        throw TLSError.setUp("TLS has no memory", kind: .library)
                    }
                }
                continuation.resume()
            }
        }
        let peer = try RawPeer(server.address)
        #expect(try peer.receiveRest().isEmpty)
        #expect(await server.server.counters().tlsFailures == before + 1)
        peer.close()
        await server.stop()
    }
}
