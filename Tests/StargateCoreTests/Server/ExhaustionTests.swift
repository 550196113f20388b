import Glibc
import Testing

@testable import StargateCore

@Suite("A process without descriptors")
struct ExhaustionTests {
    @Test("accepting pauses, those who are there are served, and it goes on when there are some")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            let first = try RawPeer.open(server.address)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            // The peers are of this process too: room for the sockets of these, none for accepting.
            var peers = [try RawPeer(server.address)]
            _ = await server.inspect { _ in true }
            let next = dup(0)
            limit.rlim_cur = rlim_t(next + 1)
            close(next)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            peers.append(try RawPeer(server.address))
            // It takes the last one; the server has none for its end of the connection.
            var pauses: UInt64 = 0
            while pauses < 2 {
                try first.send(textFrame("still there"))
                guard try first.receiveFrame().text == "still there" else { exit(2) }
                pauses = await server.server.counters().acceptPauses
            }
            limit.rlim_cur = rlim_t(next + 20)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try peers[1].send(upgradeRequest())
            guard try peers[1].receiveStatus().contains(" 101 ") else { exit(3) }
            try peers[1].send(textFrame("here I am"))
            guard try peers[1].receiveFrame().text == "here I am" else { exit(4) }
            await server.stop()
            exit(0)
        }
    }
}
