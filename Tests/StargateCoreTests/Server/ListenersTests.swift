import Glibc
import Testing

@testable import StargateCore

@Suite("Inherited listening sockets", .ownThreads)
struct ListenersTests {
    private static func listener() throws -> (Int32, SocketAddress) {
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let descriptor = try ListeningSocket.open(any, backlog: 16, isShared: false)
        return (descriptor, try #require(SocketAddress(localOf: descriptor)))
    }

    private static func expectEcho(_ address: SocketAddress) throws {
        let peer = try RawPeer.open(address)
        try peer.send(textFrame("x"))
        #expect(try peer.receiveFrame().text == "x")
    }

    // MARK: LISTEN_FDS

    @Test(
        "what the environment says is taken only by the process that it was meant for",
        arguments: [
            (["LISTEN_PID": "7", "LISTEN_FDS": "2"], nil, [3, 4]),
            (["LISTEN_PID": "8", "LISTEN_FDS": "2"], nil, []),
            (["LISTEN_FDS": "2"], nil, []), (["LISTEN_PID": "7"], nil, []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "0"], nil, []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "-1"], nil, []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "99999999999"], nil, []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "1025"], nil, []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:a"], "a", [3, 5]),
            (["LISTEN_PID": "7", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a"], "b", []),
            (["LISTEN_PID": "7", "LISTEN_FDS": "3"], "a", []),
        ] as [([String: String], String?, [Int32])]
    )
    func environment(variables: [String: String], name: String?, expected: [Int32]) {
        let found = SocketActivation.descriptors(named: name, processID: 7) { variables[$0] }
        #expect(found == expected)
    }

    @Test("sockets that were given are served, by more loops or fewer", arguments: [1, 2, 5])
    func given(loopCount: Int) async throws {
        let sockets = try (0..<2).map { _ in try Self.listener() }
        let server = try TestServer(
            .quiet {
                $0.loopCount = loopCount
                $0.listeners = .descriptors(sockets.map(\.0))
            }
        )
        #expect(server.address == sockets[0].1)
        for (_, address) in sockets {
            for _ in 0..<5 { try Self.expectEcho(address) }
        }
        await server.stop()
    }

    @Test("what is no listening socket is refused, with a reason")
    func notListening() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let idle = any.makeStreamSocket()
        for descriptors in [[], [ends[0]], [idle], [9999]] as [[Int32]] {
            let server = Server(configuration: .quiet { $0.listeners = .descriptors(descriptors) })
            let error = #expect(throws: ServerError.self) { try server.start() }
            #expect(error?.kind == .badListener)
        }
        for descriptor in ends + [idle] { close(descriptor) }
    }

    @Test("by hand, a server that may be activated makes its own sockets")
    func notActivated() async throws {
        let server = try TestServer(.quiet { $0.listeners = .activated(name: "no such") })
        try Self.expectEcho(server.address)
        await server.stop()
    }

    // MARK: From one generation to the next

    @Test(
        "THREATS 110: the next generation takes the sockets over, and the older one says goodbye",
        arguments: [(1, 1), (2, 3), (3, 1)]
    )
    func handover(before: Int, after: Int) async throws {
        let path = "/tmp/stargate-handover-\(getpid())-\(before)-\(after)"
        func configuration(_ port: Int, _ loopCount: Int) -> Server.Configuration {
            .quiet {
                $0.port = port
                $0.loopCount = loopCount
                $0.handoverPath = path
                $0.shutdownTimeout = .seconds(20)
            }
        }
        let older = try TestServer(configuration(0, before))
        let old = try RawPeer.open(older.address)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let next = try TestServer(configuration(older.address.port, after))
        #expect(next.address == older.address)
        #expect(try old.receiveFrame().closeCode == 1001)
        try old.send(closeFrame(1001))
        #expect(try old.receiveRest().isEmpty)
        old.close()
        let report = await older.server.stop()
        #expect(report.cutCount == 0)
        for _ in 0..<20 { try Self.expectEcho(next.address) }
        // The next generation waits for the one after it.
        #expect(access(path, F_OK) == 0)
        let last = try TestServer(configuration(older.address.port, before))
        await next.stop()
        for _ in 0..<20 { try Self.expectEcho(last.address) }
        await last.stop()
        #expect(access(path, F_OK) != 0)
        #expect(throws: RawPeerError.self) { try RawPeer(last.address) }
    }

    @Test("a next generation that dies before it listens changes nothing")
    func diesEarly() async throws {
        let path = "/tmp/stargate-handover-\(getpid())-early"
        let server = try TestServer(.quiet { $0.handoverPath = path })
        let client = try #require(try HandoverClient(path))
        #expect(client.descriptors.count == 1)
        for descriptor in client.descriptors { close(descriptor) }
        // Who connects and says nothing, or something else, gets no further either.
        let rude = try RawPeer(#require(SocketAddress(unixPath: path)))
        try rude.send("X")
        rude.close()
        try Self.expectEcho(server.address)
        #expect(server.server.isReady)
        await server.stop()
        #expect(access(path, F_OK) != 0)
    }

    @Test("a next generation for another port makes its own socket")
    func moved() async throws {
        let path = "/tmp/stargate-handover-\(getpid())-moved"
        let older = try TestServer(.quiet { $0.handoverPath = path })
        let (descriptor, free) = try Self.listener()
        close(descriptor)
        let next = try TestServer(
            .quiet {
                $0.handoverPath = path
                $0.port = free.port
            }
        )
        #expect(next.address.port == free.port)
        try Self.expectEcho(next.address)
        _ = await older.server.stop()
        await next.stop()
    }

    // MARK: sd_notify

    @Test("the service manager is told, also at an abstract address", arguments: ["@", "/tmp/"])
    func notify(prefix: String) throws {
        let path = "\(prefix)stargate-notify-\(getpid())"
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if prefix == "@" { bytes[0] = 0 } else { unlink(path) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
        }
        #expect(status == 0)
        #expect(ServiceManager.notify([.ready, .status("two\nlines"), .mainProcess(7)], at: path))
        var received = [UInt8](repeating: 0, count: 1000)
        let count = recv(socket, &received, received.count, 0)
        #expect(
            String(decoding: received[..<max(0, count)], as: UTF8.self)
                == "READY=1\nSTATUS=two lines\nMAINPID=7"
        )
        #expect(ServiceManager.State.reloading.text.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(!ServiceManager.notify([.ready], at: "/tmp/no/such/socket"))
        #expect(!ServiceManager.notify([.ready], at: ""))
        unlink(path)
    }
}
