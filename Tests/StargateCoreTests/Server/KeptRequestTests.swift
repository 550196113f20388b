import Synchronization
import Testing

@testable import StargateCore

/// Requests lie in memory that serves the next request, unless somebody has kept them.
@Suite("Requests that are kept, over a socket", .serialized)
struct KeptRequestTests {
    private func open(_ address: SocketAddress, _ path: String) throws {
        let peer = try RawPeer.open(address, path: path, extra: "X-Path: \(path)\r\n")
        try peer.send(textFrame("x"))
        #expect(try peer.receiveFrame().text == "x")
    }

    @Test("a request that the application keeps stays what it was")
    func kept() async throws {
        let journal = Journal()
        let kept = Lock<[UpgradeRequest]>([])
        let (server, address) = try startServer { server in
            server.webSocket("/:kind/:number", origin: .any) { request in
                if request.parameters["kind"] == "kept" { kept.withLock { $0.append(request) } }
                return .accept { ScriptedHandler(journal, .echo) }
            }
        }
        for number in 0..<4 {
            try open(address, "/seen/\(number)")
            try open(address, "/kept/\(number)?n=\(number)")
            try open(address, "/seen/\(number)")
        }
        let requests = kept.withLock { $0 }
        try #require(requests.count == 4)
        for (number, request) in requests.enumerated() {
            #expect(request.path == "/kept/\(number)")
            #expect(request.parameters["number"] == "\(number)")
            #expect(request.query["n"] == "\(number)")
            #expect(request.headers["x-path"] == "/kept/\(number)?n=\(number)")
            #expect(request.remoteAddress?.host == "127.0.0.1")
        }
        await server.stop()
    }

    @Test("a request too large for the memory of another has its own")
    func large() async throws {
        let journal = Journal()
        let (server, address) = try startServer { server in
            server.webSocket("/*", origin: .any) { request in
                journal.note(
                    "\(request.path.utf8.count) \(request.headers["x-pad"]?.utf8.count ?? 0)"
                )
                return .accept { ScriptedHandler(journal, .echo) }
            }
        }
        for size in [10, 6000, 20, 1900, 2100] {
            let pad = "X-Pad: \(String(repeating: "p", count: size))\r\n"
            let path = "/" + String(repeating: "a", count: size)
            _ = try RawPeer.open(address, path: path, extra: pad)
        }
        for size in [10, 6000, 20, 1900, 2100] {
            #expect(journal.events.contains(.note("\(size + 1) \(size)")))
        }
        await server.stop()
    }

    @Test("the peer's address is known, whether its request came at once or in pieces")
    func addresses() async throws {
        let journal = Journal()
        let (server, address) = try startServer { server in
            server.webSocket("/", origin: .any) { request in
                journal.note(request.remoteAddress?.description ?? "-")
                return .reject(.forbidden)
            }
        }
        let request = upgradeRequest()
        let half = request.index(request.startIndex, offsetBy: 20)
        // The first has sent half of it when the second comes with all of it.
        let first = try RawPeer(address)
        try first.send(String(request[..<half]))
        let second = try RawPeer(address)
        try second.send(request)
        #expect(try second.receiveResponse().status == 403)
        try first.send(String(request[half...]))
        #expect(try first.receiveResponse().status == 403)
        let expected = [second, first].map { SocketAddress(localOf: $0.descriptor)?.description }
        #expect(journal.events == expected.map { .note($0 ?? "?") })
        await server.stop()
    }

    @Test("a client that says nothing is accepted all the same, and is over in time")
    func silent() async throws {
        let (server, address) = try startServer(.quiet { $0.handshakeTimeout = .seconds(1) }) {
            $0.webSocket("/", origin: .any) { _ in .reject(.forbidden) }
        }
        let peer = try RawPeer(address)
        #expect(try peer.receiveRest().isEmpty)
        #expect(server.metrics.connectionsAccepted == 1)
        await server.stop()
    }
}
