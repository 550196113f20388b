import Glibc
import Testing

@testable import StargateBenchKit

/// A server that makes one mistake on each of two connections: is it found, and named rightly?
@Suite(.serialized, .enabled(if: Peer.hasModule("socket"), "needs python3"))
struct FaultTests {
    @Test(
        arguments: [
            ("corrupt", ErrorKind.corrupt), ("truncate", .wrongLength), ("type", .wrongType),
            ("drop", .missing), ("swap", .reordered), ("repeat", .duplicate),
            ("close", .closedEarly),
            ("cut", .closedEarly), ("silent", .timeout), ("mute", .closingHandshake),
        ],
        [true, false]
    )
    func `each mistake has its own error`(
        mistake: (String, ErrorKind),
        usesFrames: Bool
    ) throws {
        let (mistake, kind) = mistake
        let peer = try Peer("faulty.py", mistake)
        // Text, because binary data that comes back as text is mostly no text at all.
        let report = try TestRun(url: peer.url, payload: .ascii, usesFrames: usesFrames).echo()
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

    @Test(arguments: ["ping", "fragment"], [true, false])
    func `pings are answered and fragments joined, and both are counted`(
        habit: String,
        usesFrames: Bool
    ) throws {
        let peer = try Peer("faulty.py", habit)
        let report = try TestRun(url: peer.url, usesFrames: usesFrames).echo()
        // The server closes the connection when its ping is not answered with the same payload.
        #expect(report.errors.isEmpty, "\(report.errors)")
        #expect(report.result.completed == 100)
        #expect(report.result.pingsAnswered == (habit == "ping" ? 2 : 0))
        #expect(report.result.fragmented == (habit == "fragment" ? 2 : 0))
    }

    @Test(arguments: [
        ("skip", ErrorKind.skipped), ("swap", .reordered), ("repeat", .duplicate),
        ("corrupt", .corrupt), ("cut", .closedEarly), ("stall", .timeout),
    ])
    func `each mistake of a stream has its own error`(mistake: String, kind: ErrorKind) throws {
        let peer = try Peer("faulty_stream.py", mistake)
        let push = try TestRun(url: peer.url + "push", size: 64).stream(.push)
        #expect(push.errors.count(of: kind) >= 1, "\(push.errors)")
        #expect(push.exitStatus == .errors)
        var run = TestRun(url: peer.url + "broadcast", size: 64)
        run.schedule.length = .count(50)
        let broadcast = try run.stream(.broadcast, publishing: .inFlight(4))
        #expect(broadcast.errors.count(of: kind) >= 1, "\(broadcast.errors)")
        #expect(broadcast.exitStatus == .errors)
        if mistake == "stall" {
            #expect(broadcast.errors.count(of: .undelivered) > 0, "\(broadcast.errors)")
        }
    }

    @Test func `a stream without mistakes is good`() throws {
        let peer = try Peer("faulty_stream.py", "none")
        let push = try TestRun(url: peer.url + "push", size: 64).stream(.push)
        #expect(push.errors.isEmpty, "\(push.errors)")
        #expect(push.result.completed == 100)
        var run = TestRun(url: peer.url + "broadcast", size: 64, threads: 2)
        run.schedule.length = .count(50)
        let broadcast = try run.stream(.broadcast, publishing: .inFlight(4))
        #expect(broadcast.errors.isEmpty, "\(broadcast.errors)")
        #expect(broadcast.result.completed == 100)
    }

    @Test func `what is due and cannot leave is counted`() throws {
        let peer = try Peer("faulty.py", "silent")
        var run = TestRun(url: peer.url, pipeline: 4, rate: 200)
        run.depthLimit = 4
        run.schedule.length = .duration(TimeSpan(seconds: 0.5))
        let report = try run.echo()
        // Two connections that are stuck at 4 of the messages that are due.
        #expect(report.result.unsent ?? 0 > 20, "\(report.result)")
        #expect(report.notes.contains { $0.contains("never left") })
    }

    @Test func `a Close frame that is not answered is found in the handshake mode too`() throws {
        let peer = try Peer("faulty.py", "mute")
        var run = TestRun(url: peer.url)
        run.schedule.length = .count(2)
        let report = try run.handshake()
        let errors = report.errors
        #expect(errors.count(of: .timeout) + errors.count(of: .closingHandshake) == 2, "\(errors)")
        #expect(report.exitStatus == .errors)
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
}
