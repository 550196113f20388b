import Glibc
import Synchronization
import Testing

@testable import StargateCore

/// A server of one connection at a time that says what the test wants it to say.
final class FakeServer {
    let descriptor: Int32
    let port: Int

    init() throws {
        let address = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        descriptor = try ListeningSocket.open(address, backlog: 16, isShared: false)
        var limit = timeval(tv_sec: RawPeer.patience, tv_usec: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &limit,
            socklen_t(MemoryLayout<timeval>.size)
        )
        port = SocketAddress(localOf: descriptor)?.port ?? 0
    }

    deinit { Glibc.close(descriptor) }

    var request: ClientRequest {
        get throws { try ClientRequest(url: "ws://127.0.0.1:\(port)/") }
    }

    func accept() -> RawPeer { RawPeer(accepted: Glibc.accept(descriptor, nil, nil)) }

    /// Accepts a connection and answers its handshake. Returns the request too.
    func open() throws -> (RawPeer, request: String) {
        let peer = accept()
        let request = try peer.receive(through: "\r\n\r\n")
        try peer.send(Self.acceptance(of: request))
        return (peer, request)
    }

    static func acceptance(of request: String) -> String {
        let line = request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
        let key = Array((line ?? "").dropFirst("Sec-WebSocket-Key: ".count).utf8)
        let accept = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { memory in
            var writer = HandshakeWriter(memory)
            key.withUnsafeBytes { AcceptKey.append(for: ByteView($0), to: &writer) }
            return String(decoding: writer.written, as: UTF8.self)
        }
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept)\r\n\r\n"
    }
}

@Suite("Clients, over a socket", .serialized)
struct ClientOverSocketTests {
    /// Connects while `answer` plays the server. Returns the reason if it did not come to it.
    private func connect(
        _ request: ClientRequest,
        journal: Journal = Journal(),
        script: Script = .echo,
        _ answer: () throws -> Void = {}
    ) async throws -> ClientError? {
        let group = try LoopGroup(count: 1)
        defer { group.stopBlocking() }
        let completions = Journal()
        let outcome = Lock<ClientError?>(nil)
        group.mailboxes.first?.post { loop in
            WebSocketClient.connect(request, on: loop, handler: ScriptedHandler(journal, script)) {
                if case .failure(let error) = $0 { outcome.withLock { $0 = error } }
                completions.note("completed")
            }
        }
        try answer()
        #expect(completions.wait { !$0.isEmpty })
        group.stopBlocking()
        #expect(completions.events.count == 1)
        return outcome.withLock { $0 }
    }

    @Test("a client connects to a server, and both say goodbye")
    func connects() async throws {
        let journal = Journal()
        let server = try TestServer()
        let script = Script(
            opened: { socket in
                socket.send("hello")
                socket.ping()
            },
            received: { _, socket in
                socket.close(.goingAway, reason: "done")
                return false
            }
        )
        let error = try await connect(
            ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/"),
            journal: journal,
            script: script
        ) { #expect(journal.waitForClosed() == .closed(1001, "")) }
        #expect(error == nil)
        await server.stop()
        #expect(journal.events.first == .opened && journal.events.contains(.text("hello")))
        #expect(server.journal.events == [.opened, .text("hello"), .closed(1001, "done")])
    }

    @Test("a port that nobody listens on")
    func refusedConnection() async throws {
        let request: ClientRequest
        do { request = try FakeServer().request }
        let error = try await connect(request)
        #expect(error?.kind == .notConnected(ECONNREFUSED))
    }

    @Test("a host that does not exist")
    func unknownHost() async throws {
        let error = try await connect(ClientRequest(url: "ws://no.such.host.invalid/"))
        #expect(error?.kind == .unknownHost)
    }

    @Test("URLs that cannot be", arguments: ["http://a/", "ws:", "wss:///", "", "ws://a:99999/"])
    func badURL(url: String) {
        let error = #expect(throws: ClientError.self) { try ClientRequest(url: url) }
        #expect(error?.kind == .badURL)
    }

    @Test(
        "answers that are no acceptance",
        arguments: [
            (
                "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
                ClientError.Kind.refused(status: 404)
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", .refused(status: 200)),
            (
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
                .invalidResponse
            ),
            (
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                .invalidResponse
            ),
            ("nonsense\r\n\r\n", .invalidResponse), ("\u{0}\u{1}\u{2}", .invalidResponse),
            ("HTTP/1.1 101 x\r\nA: " + String(repeating: "a", count: 65_000), .invalidResponse),
            ("", .closed), ("HTTP/1.1 101", .closed),
        ]
    )
    func badAnswer(answer: String, kind: ClientError.Kind) async throws {
        let server = try FakeServer()
        let journal = Journal()
        let error = try await connect(server.request, journal: journal) {
            let peer = server.accept()
            _ = try peer.receive(through: "\r\n\r\n")
            try? peer.send(answer)
            peer.close()
        }
        #expect(error?.kind == kind)
        #expect(journal.events.isEmpty)
    }

    @Test("a server that does not answer in time")
    func timeout() async throws {
        let server = try FakeServer()
        var request = try server.request
        request.timeout = .milliseconds(50)
        let error = try await connect(request) {
            let peer = server.accept()
            _ = try peer.receiveRest()
        }
        #expect(error?.kind == .timedOut)
    }

    static let violations: [(bytes: [UInt8], code: UInt16)] = [
        (frame(0x81, [0x61]), 1002), (frame(0x89), 1002), (frame(0x83, [], key: nil), 1002),
        (frame(0x80, [1], key: nil), 1002), (frame(0x81, [0xFF], key: nil), 1007),
        (frame(0x82, key: nil, announced: 1 << 40), 1009),
    ]

    @Test("frames that a server must not send", arguments: violations)
    func violation(bytes: [UInt8], code: UInt16) async throws {
        let server = try FakeServer()
        let journal = Journal()
        let error = try await connect(server.request, journal: journal) {
            let (peer, _) = try server.open()
            try peer.send(bytes)
            let last = try peer.receiveFrame()
            #expect(last.first == 0x88 && last.closeCode == code && last.maskingKey != nil)
            peer.close()
            #expect(journal.waitForClosed() != nil)
        }
        #expect(error == nil)
        guard case .closed(code, _) = journal.closings.first else {
            Issue.record("closed was \(journal.closings)")
            return
        }
        #expect(journal.closings.count == 1)
    }

    @Test("every frame has a masking key of its own, large and small")
    func maskingKeys() async throws {
        let server = try FakeServer()
        let text = String(repeating: "m", count: 1000)
        let script = Script(opened: { socket in
            for _ in 0..<200 { socket.send(text) }
            socket.send(String(repeating: "m", count: 100_000))
            socket.close()
        })
        let error = try await connect(server.request, script: script) {
            let (peer, request) = try server.open()
            #expect(request.hasPrefix("GET / HTTP/1.1\r\n"))
            var keys: Set<[UInt8]> = []
            for index in 0..<201 {
                let received = try peer.receiveFrame()
                #expect(received.payload.allSatisfy { $0 == 0x6D })
                #expect(received.payload.count == (index < 200 ? 1000 : 100_000))
                keys.insert(try #require(received.maskingKey))
            }
            #expect(keys.count == 201)
            #expect(try peer.receiveFrame().closeCode == 1000)
            peer.close()
        }
        #expect(error == nil)
    }

    @Test(
        "frames glued behind the server's answer, byte by byte and at once",
        arguments: [1, 1000]
    )
    func glued(segment: Int) async throws {
        let server = try FakeServer()
        let journal = Journal()
        let error = try await connect(server.request, journal: journal) {
            let peer = server.accept()
            let request = try peer.receive(through: "\r\n\r\n")
            let bytes =
                Array(FakeServer.acceptance(of: request).utf8)
                + frame(0x81, Array("glued".utf8), key: nil) + frame(0x88, [3, 0xE8], key: nil)
            try peer.sendAsFarAsTaken(bytes, segment: segment)
            #expect(try peer.receiveFrame().text == "glued")
            #expect(try peer.receiveFrame().closeCode == 1000)
            peer.close()
            #expect(journal.waitForClosed() != nil)
        }
        #expect(error == nil)
        #expect(journal.events == [.opened, .text("glued"), .closed(1000, "")])
    }
}
