import Synchronization
import Testing

@testable import StargateCore

/// Stargate's client and server with each other, in everything they can agree on.
@Suite("Every protocol version and compression, over a socket")
struct ProtocolsOverSocketTests {
    private static let sizes = [0, 1, 64, 125, 126, 20_000, 65_535, 65_536, 300_000]

    /// Text with characters of one to four bytes, that compresses.
    private static func text(byteCount: Int) -> String {
        let pattern = "stargate é☃😀 "
        let repeated = String(repeating: pattern, count: byteCount / pattern.utf8.count)
        return repeated + String(repeating: "x", count: byteCount - repeated.utf8.count)
    }

    /// Connects, sends what `opened` sends, and closes after `count` answers. Returns what the
    /// client's handler heard.
    private func converse(
        with server: borrowing TestServer,
        _ version: ProtocolVersion = .rfc6455,
        compression: PerMessageDeflate? = nil,
        answers count: Int,
        opened: @escaping @Sendable (WebSocket) -> Void
    ) throws -> Journal {
        var request = try ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/a?b=c")
        request.protocolVersion = version
        request.compression = compression
        request.origin = "http://127.0.0.1"
        let journal = Journal()
        let received = Atomic(0)
        let script = Script(
            opened: opened,
            received: { _, socket in
                let all = received.wrappingAdd(1, ordering: .relaxed).newValue
                if all == count { socket.close() }
                return false
            }
        )
        let group = try LoopGroup(count: 1)
        defer { group.stopBlocking() }
        let ready = request
        group.mailboxes.first?.post { loop in
            WebSocketClient.connect(ready, on: loop, handler: ScriptedHandler(journal, script)) {
                if case .failure(let error) = $0 { journal.note("\(error)") }
            }
        }
        #expect(journal.waitForClosed() != nil, "\(journal.events.suffix(1))")
        return journal
    }

    @Test("text is echoed in every version", arguments: ProtocolVersion.allCases)
    func echoes(version: ProtocolVersion) async throws {
        let seen = Lock<Set<ProtocolVersion>>([])
        let server = try TestServer(
            .quiet { $0.protocols = .all },
            script: Script(opened: { socket in
                _ = seen.withLock { $0.insert(socket.protocolVersion) }
            })
        )
        let texts = Self.sizes.map(Self.text)
        let journal = try converse(with: server, version, answers: texts.count) { socket in
            for text in texts { #expect(socket.send(text) != .dropped) }
        }
        await server.stop()
        #expect(seen.withLock { $0 } == [version])
        let closing: HandlerEvent = version.isHixie ? .closed(1005, "") : .closed(1000, "")
        #expect(journal.events == [.opened] + texts.map(HandlerEvent.text) + [closing])
        #expect(server.journal.closings == [closing])
    }

    @Test(
        "what a hixie draft cannot carry is not sent",
        arguments: [ProtocolVersion.hixie75, .hixie76]
    )
    func unsupported(version: ProtocolVersion) async throws {
        let server = try TestServer(.quiet { $0.protocols = .all })
        let results = Journal()
        let journal = try converse(with: server, version, answers: 1) { socket in
            let bytes: [UInt8] = [0xFF, 0x00, 1]
            results.note("\(socket.send(bytes.span.bytes))")
            socket.ping()
            results.note("\(socket.send("text"))")
        }
        await server.stop()
        #expect(results.events == [.note("unsupported"), .note("sent")])
        #expect(journal.events == [.opened, .text("text"), .closed(1005, "")])
        #expect(server.journal.events == [.opened, .text("text"), .closed(1005, "")])
    }

    @Test(
        "a version that is off is refused",
        arguments: [ProtocolVersion.hixie75, .hixie76, .hybi8]
    )
    func refused(version: ProtocolVersion) async throws {
        let server = try TestServer(.quiet { $0.protocols = [.rfc6455] })
        var request = try ClientRequest(url: "ws://127.0.0.1:\(server.address.port)/")
        request.protocolVersion = version
        let group = try LoopGroup(count: 1)
        let client = WebSocketClient(loops: group)
        let journal = Journal()
        do throws(ClientError) {
            try await client.connect(request) { ScriptedHandler(journal, .echo) }
            Issue.record("\(version) was let in")
        } catch {
            #expect(error.kind == .refused(status: 426))
        }
        await group.stop()
        await server.stop()
        #expect(journal.events.isEmpty && server.journal.events.isEmpty)
    }

    static let compressions: [PerMessageDeflate] = [
        .shared, .dedicated,
        PerMessageDeflate(serverNoContextTakeover: true),
        PerMessageDeflate(clientMaxWindowBits: 9, clientNoContextTakeover: true, minimumSize: 0),
    ]

    @Test("messages are compressed and come back", arguments: compressions, compressions)
    func compressed(server options: PerMessageDeflate, client offer: PerMessageDeflate) async throws
    {
        let server = try TestServer(.quiet { $0.compression = options })
        var generator = SeededGenerator(state: 7)
        let noise = (0..<50_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let texts = (Self.sizes + Self.sizes).map(Self.text)
        let journal = try converse(with: server, compression: offer, answers: texts.count + 2) {
            socket in
            for text in texts { socket.send(text) }
            // What cannot be compressed, and what must not be.
            socket.send(noise.span.bytes)
            socket.send("secret", compress: false)
        }
        await server.stop()
        #expect(
            journal.events == [.opened] + texts.map(HandlerEvent.text)
                + [.binary(noise), .text("secret"), .closed(1000, "")]
        )
    }

    @Test("a message that inflates beyond the limit fails the connection with 1009")
    func bomb() async throws {
        let server = try TestServer(
            .quiet {
                $0.compression = .shared
                $0.maxMessageSize = 10_000
            }
        )
        let zeros = [UInt8](repeating: 0, count: 5_000_000)
        let journal = try converse(with: server, compression: .shared, answers: 1) { socket in
            socket.send(zeros.span.bytes)
        }
        await server.stop()
        #expect(journal.closings == [.closed(1009, "the message is too big")])
        #expect(server.journal.events == [.opened, .closed(1009, "the message is too big")])
    }

    @Test("an idle connection gives its compressor back and goes on")
    func idle() async throws {
        let server = try TestServer(
            .quiet {
                $0.compression = .dedicated
                $0.keepAliveInterval = .milliseconds(100)
            }
        )
        let text = Self.text(byteCount: 1000)
        let journal = try converse(with: server, compression: .dedicated, answers: 3) { socket in
            socket.send(text)
            socket.eventLoop?.schedule(after: .milliseconds(700)) { _ in
                socket.send(text)
                socket.send(text)
            }
        }
        await server.stop()
        #expect(
            journal.events
                == [.opened, .text(text), .text(text), .text(text), .closed(1000, "")]
        )
    }
}
