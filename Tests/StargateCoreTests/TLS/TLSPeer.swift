// A client that speaks TLS over a blocking socket, and only as well as it is told to.

import COpenSSL
import Glibc

@testable import StargateCore

final class TLSPeer {
    let raw: RawPeer
    let end: TLSEnd
    private var used = 0

    /// Connects, and shakes hands unless told not to.
    init(
        _ address: SocketAddress,
        _ authority: TestAuthority,
        segment: Int = .max,
        shakesHands: Bool = true,
        configure: (inout TLSClientConfiguration) -> Void = { _ in },
        prepare: (OpaquePointer) -> Void = { _ in }
    ) throws {
        raw = try RawPeer(address)
        var configuration = TLSClientConfiguration()
        configuration.trust = authority.trust
        configure(&configuration)
        let context = try TLSClientContext(configuration)
        end = TLSEnd(
            try context.makeSession(
                host: "localhost",
                port: 1,
                TLSPipe(outputCapacity: 64 << 10)
            )
        )
        prepare(end.session.ssl)
        guard shakesHands else { return }
        try send(records: end.feed([]), segment: segment)
        while !end.session.isEstablished { try pump() }
    }

    /// Sends records in pieces.
    func send(records: [UInt8], segment: Int = .max) throws {
        var start = 0
        while start < records.count {
            let end = start + min(segment, records.count - start)
            try raw.send(Array(records[start..<end]))
            start = end
        }
    }

    func send(_ bytes: [UInt8], segment: Int = .max) throws {
        try send(records: end.write(bytes), segment: segment)
    }

    /// Receives once. Returns false at the end of the stream.
    @discardableResult
    func pump() throws -> Bool {
        let bytes = try raw.receive()
        guard !bytes.isEmpty else {
            guard end.session.isEstablished else { throw RawPeerError.ended(received: []) }
            return false
        }
        let answer = end.feed(bytes)
        if let failure = end.failure { throw failure }
        try send(records: answer)
        return true
    }

    /// The next bytes of plaintext.
    func receive(exactly count: Int) throws -> [UInt8] {
        while end.plaintext.count - used < count {
            guard !end.hasEnded, try pump() else { throw RawPeerError.ended(received: []) }
        }
        defer { used += count }
        return Array(end.plaintext[used..<used + count])
    }

    /// The rest of the plaintext, and whether a close_notify ended it.
    func receiveRest() throws -> (bytes: [UInt8], isClean: Bool) {
        do {
            while !end.hasEnded, try pump() {}
        } catch RawPeerError.system(_, ECONNRESET) {}
        defer { used = end.plaintext.count }
        return (Array(end.plaintext[used...]), end.hasEnded)
    }

    /// Makes the opening handshake.
    @discardableResult
    func open(_ path: String = "/", segment: Int = .max) throws -> TLSPeer {
        let request = """
            GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n
            """
        try send(Array(request.utf8), segment: segment)
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)) {
            head += try receive(exactly: 1)
        }
        guard String(decoding: head, as: UTF8.self).hasPrefix("HTTP/1.1 101") else {
            throw RawPeerError.ended(received: head)
        }
        return self
    }

    /// Sends a message and receives its echo.
    func echo(_ text: String, segment: Int = .max) throws -> Bool {
        try send(textFrame(text), segment: segment)
        let head = try receive(exactly: 2)
        return try receive(exactly: Int(head[1])) == Array(text.utf8)
    }
}

/// A scripted server behind TLS, and the authority that its clients trust.
final class TLSTestServer {
    let plain: TestServer
    let authority: TestAuthority

    init(
        script: Script = .echo,
        configure: (inout Server.Configuration, TestAuthority) throws -> Void = { _, _ in }
    ) throws {
        let authority = try TestAuthority()
        self.authority = authority
        var configuration = Server.Configuration.quiet
        configuration.tls = TLSConfiguration(certificate: try authority.issue("localhost"))
        try configure(&configuration, authority)
        plain = try TestServer(configuration, script: script)
    }

    var address: SocketAddress { plain.address }
    var server: Server { plain.server }
    var journal: Journal { plain.journal }

    func peer(segment: Int = .max) throws -> TLSPeer {
        try TLSPeer(address, authority, segment: segment)
    }

    /// Insists that a fresh client is served.
    func servesAnother() throws -> Bool { try peer().open().echo("fresh") }

    func stop() async { await plain.stop() }
}
