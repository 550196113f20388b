import Glibc
import Testing

@testable import StargateBenchKit

/// A server that makes one mistake on each of two connections: is it found, and named rightly?
@Suite(.serialized, .enabled(if: Peer.hasModule("socket"), "needs python3"))
struct FaultTests {
    @Test(arguments: [
        ("corrupt", ErrorKind.corrupt), ("truncate", .wrongLength), ("type", .wrongType),
        ("drop", .missing), ("swap", .reordered), ("repeat", .duplicate), ("close", .closedEarly),
        ("cut", .closedEarly), ("silent", .timeout), ("mute", .closingHandshake),
    ])
    func `each mistake has its own error`(mistake: String, kind: ErrorKind) throws {
        let peer = try Peer("faulty.py", mistake)
        // Text, because binary data that comes back as text is mostly no text at all.
        let report = try TestRun(url: peer.url, payload: .ascii).echo()
        #expect(report.errors.count(of: kind) == 2, "\(report.errors)")
        #expect(report.errorTotal == 2, "\(report.errors)")
        #expect(report.exitStatus == .errors)
        #expect(ReportText(report: report, style: .plain).rendered().contains(kind.title))
    }

    @Test(arguments: [PayloadKind.binary, .ascii, .mixed], [0, 20, 126, 65_536])
    func `a server without mistakes is good`(payload: PayloadKind, size: Int) throws {
        let peer = try Peer("faulty.py", "none")
        let report = try TestRun(url: peer.url, size: size, payload: payload).echo()
        #expect(report.errors.isEmpty, "\(report.errors)")
        #expect(report.result.completed == 100)
        #expect(report.exitStatus == .good)
    }

    @Test(arguments: [1, 4])
    func `what nobody asked for is an error`(pipeline: Int) throws {
        let peer = try Peer("faulty.py", "unasked")
        let report = try TestRun(url: peer.url, pipeline: pipeline).echo()
        #expect(report.errorTotal >= 2, "\(report.errors)")
        #expect(report.exitStatus == .errors)
    }

    @Test(arguments: [("refuse", ErrorKind.handshakeRefused), ("badaccept", .badHandshake)])
    func `a handshake that fails is told from a server that is not there`(
        mistake: String,
        kind: ErrorKind
    ) throws {
        let peer = try Peer("faulty.py", mistake)
        let report = try TestRun(url: peer.url).echo()
        #expect(report.errors.count(of: kind) == 2, "\(report.errors)")
        #expect(report.exitStatus == .couldNotConnect)
        let cycles = try TestRun(url: peer.url).handshake()
        #expect(cycles.errors.count(of: kind) >= 2, "\(cycles.errors)")
        #expect(cycles.exitStatus == .couldNotConnect)
    }

    @Test func `nobody at home`() throws {
        let report = try TestRun(url: "ws://127.0.0.1:1/").echo()
        #expect(report.errors.count(of: .connect) == 2, "\(report.errors)")
        #expect(report.exitStatus == .couldNotConnect)
        let handshakes = try TestRun(url: "ws://127.0.0.1:1/").handshake()
        #expect(handshakes.exitStatus == .couldNotConnect)
        let idle = try TestRun(url: "ws://127.0.0.1:1/").idle()
        #expect(idle.exitStatus == .couldNotConnect)
    }

    @Test func `handshakes are counted, and their parts add up`() throws {
        let peer = try Peer("faulty.py", "none")
        let report = try TestRun(url: peer.url, connections: 3).handshake()
        #expect(report.errors.isEmpty, "\(report.errors)")
        #expect(report.result.completed == 100)
        let connect = try #require(report.latency(.connect))
        let upgrade = try #require(report.latency(.upgrade))
        let close = try #require(report.latency(.close))
        let cycle = try #require(report.mainLatency)
        #expect(connect.count == 100)
        let sum = connect.mean + upgrade.mean + close.mean
        #expect(sum > cycle.mean * 0.9 && sum < cycle.mean * 1.1)
    }

    @Test func `a server by websockets is good, in every mode`() throws {
        guard Peer.hasModule("websockets") else { return }
        let peer = try Peer("echo_websockets.py")
        let run = TestRun(
            url: peer.url,
            connections: 8,
            pipeline: 2,
            size: 1000,
            threads: 2,
            processes: [peer.process.processID]
        )
        let echo = try run.echo()
        #expect(echo.errors.isEmpty, "\(echo.errors)")
        #expect(echo.result.completed == 100)
        #expect((echo.server?.cpuPerOperation ?? 0) > 0)
        let handshake = try run.handshake()
        #expect(handshake.errors.isEmpty, "\(handshake.errors)")
        #expect(handshake.result.completed == 100)
        var idle = run
        idle.schedule.length = .duration(TimeSpan(seconds: 0.2))
        let held = try idle.idle()
        #expect(held.errors.isEmpty, "\(held.errors)")
        #expect(held.result.connectionsHeld == 8)
        #expect(held.memory != nil)
    }
}
