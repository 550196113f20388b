import Glibc
import Testing

@testable import StargateBenchKit

/// The program as a user runs it, in every mode, against a server of its own.
@Suite(.serialized, .enabled(if: access(Peer.bench, X_OK) == 0, "needs the built program"))
struct ModeTests {
    /// Runs it and reads its JSON report.
    private func report(_ arguments: [String]) throws -> RunReport {
        let process = try ChildProcess(
            path: Peer.bench,
            arguments: arguments + ["--quiet", "--json"]
        )
        var lines: [String] = []
        while let line = process.readLine(timeout: TimeSpan(seconds: 60)) { lines.append(line) }
        return try RunReport(parsing: lines.joined(separator: "\n"))
    }

    @Test(arguments: [
        ["-n", "600", "--size-mix", "20:70,512:25,16k:5"], ["-n", "600", "--check", "sample"],
        ["-d", "500ms", "--warmup", "100ms", "-R", "500", "-c", "8"],
        ["-d", "500ms", "--warmup", "100ms", "--rate-per-conn", "50", "-c", "8", "-p", "2"],
        ["-d", "500ms", "--ramp", "200ms", "--warmup", "0"],
        ["-n", "600", "--source", "127.0.0.0/8"], ["-n", "600", "--procs", "3", "-t", "2"],
        ["-n", "600", "--protocol", "hixie76"], ["-n", "600", "--protocol", "hixie75"],
        ["-n", "600", "--protocol", "hybi8"], ["-n", "600", "--protocol", "hybi7"],
        [
            "-n", "600", "--text", "mixed", "--subprotocol", "a", "-H", "X: y", "--origin",
            "http://o",
        ],
        ["-n", "600", "--message", "/etc/hostname"],
    ])
    func `echoes come back whole`(arguments: [String]) throws {
        let report = try report(["echo"] + arguments)
        #expect(report.result.status == .good, "\(report.result) \(report.errors)")
        #expect(report.result.completed > 0)
        #expect(report.server?.cpuPerOperation ?? 0 > 0)
        if report.settings.rate != nil {
            #expect(report.latency(.uncorrected)?.count == report.latency(.roundTrip)?.count)
        }
        if report.settings.count != nil {
            #expect(report.result.completed == 600)
            #expect(report.result.sent == 600)
            #expect(report.result.checked == (report.settings.check == "full" ? 600 : 64))
        }
    }

    @Test func `compression shows on the wire`() throws {
        let report = try report(["echo", "-n", "600", "-s", "2k", "--text", "--deflate", "shared"])
        let wire = try #require(report.wire)
        // Six random bits in each byte: 0.75 and a little at best.
        #expect((0.7...0.95).contains(wire.sentRatio ?? 0), "\(wire)")
        #expect((0.7...0.95).contains(wire.receivedRatio ?? 0), "\(wire)")
        let plain = try self.report(["echo", "-n", "600", "-s", "2k"])
        #expect(
            (1.0...1.01).contains(plain.wire?.sentRatio ?? 0),
            "\(String(describing: plain.wire))"
        )
    }

    @Test func `a broadcast reaches everybody`() throws {
        let report = try report(["broadcast", "-c", "20", "-d", "500ms", "-t", "2"])
        #expect(report.result.status == .good, "\(report.result) \(report.errors)")
        let first = try #require(report.latency(.firstRecipient))
        let last = try #require(report.latency(.lastRecipient))
        #expect(first.count == last.count)
        #expect(first.p50 <= last.p50)
        let rated = try self.report(["broadcast", "-c", "5", "-R", "100", "-d", "500ms"])
        #expect(rated.result.status == .good, "\(rated.result) \(rated.errors)")
        #expect(rated.latency(.lastRecipient) != nil)
    }

    @Test(arguments: [[], ["--rate-per-conn", "100"]])
    func `a push arrives in order`(arguments: [String]) throws {
        let report = try report(["push", "-c", "4", "-d", "500ms", "-s", "200"] + arguments)
        #expect(report.result.status == .good, "\(report.result) \(report.errors)")
        #expect(report.result.completed > 100)
    }

    @Test func `a search has steps and an answer`() throws {
        let report = try report([
            "saturate", "-c", "4", "-d", "200ms", "--warmup", "50ms", "--start", "100", "--limit",
            "200", "--slo", "p99<5s",
        ])
        #expect(report.steps.map(\.rate) == [100, 200], "\(report.steps)")
        #expect(report.goals.map(\.isMet) == [true])
        #expect(report.result.status == .good)
    }

    @Test func `several processes share the connections, and their counts add up`() throws {
        let report = try report(["idle", "-c", "50", "-d", "200ms", "--procs", "3"])
        #expect(report.result.connectionsHeld == 50)
        #expect(report.settings.processes == 3)
        let handshakes = try self.report(["handshake", "-n", "40", "-c", "4", "--procs", "2"])
        #expect(handshakes.result.completed == 40, "\(handshakes.errors)")
    }
}
