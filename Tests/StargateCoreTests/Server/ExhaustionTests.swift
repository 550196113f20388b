import Glibc
import Testing

@testable import StargateCore

@Suite("A process with hardly any descriptors left")
struct ExhaustionTests {
    @Test("the last descriptors are not given to connections: those are refused, and counted")
    func ceiling() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            let first = try RawPeer.open(server.address)
            // What the limit is, it looks up when it begins to accept: that of before is over.
            _ = await server.inspect { _ in true }
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let all = limit.rlim_cur
            let next = dup(0)
            close(next)
            // One for each end of a connection, and one to spare, which is one too few.
            limit.rlim_cur = rlim_t(next + 3)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let refused = try RawPeer(server.address)
            try? refused.send(upgradeRequest())
            guard (try? refused.receiveStatus()) == nil else { exit(2) }
            let counters = await server.server.counters()
            guard counters.acceptPauses == 0 else { exit(3) }
            guard server.server.metrics.admissionsRefused["descriptors"] == 1 else { exit(4) }
            try first.send(textFrame("still there"))
            guard try first.receiveFrame().text == "still there" else { exit(5) }
            limit.rlim_cur = all
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let peer = try RawPeer.open(server.address)
            try peer.send(textFrame("here I am"))
            guard try peer.receiveFrame().text == "here I am" else { exit(6) }
            await server.stop()
            exit(0)
        }
    }
}
