import Glibc
import Testing

@testable import StargateBenchKit

/// The contract of `stargate-bench serve`, which other programs rely on.
@Suite(.serialized, .enabled(if: access(Peer.bench, X_OK) == 0, "needs the built program"))
struct ServeTests {
    @Test func `it says where it listens, echoes on every path, and ends well on SIGTERM`() throws {
        let process = try ChildProcess(path: Peer.bench, arguments: ["serve", "--port", "0"])
        let line = try #require(process.readLine(timeout: TimeSpan(seconds: 20)))
        let address = try TargetAddress(String(line.dropFirst("listening on ".count)))
        #expect(line == "listening on ws://127.0.0.1:\(address.port)")
        for path in ["", "/", "/any/path?at=all"] {
            let report = try TestRun(url: address.url + path, payload: .mixed).echo()
            #expect(report.errors.isEmpty, "\(report.errors)")
        }
        process.stop()
        #expect(process.waitStatus == 0)
        #expect(process.readLine(timeout: TimeSpan(seconds: 1)) == nil)
    }

    @Test(arguments: [1, 2])
    func `several processes serve one port, and both sides count`(loops: Int) throws {
        let server = try ChildProcess(
            path: Peer.bench,
            arguments: ["serve", "--port", "0", "--procs", "2", "--loops", "\(loops)"]
        )
        let line = try #require(server.readLine(timeout: TimeSpan(seconds: 20)))
        let url = String(line.dropFirst("listening on ".count))
        let client = try ChildProcess(
            path: Peer.bench,
            arguments: ["idle", "-c", "40", "-d", "300ms", "--quiet", "--json", "-", url]
        )
        var lines: [String] = []
        while let line = client.readLine(timeout: TimeSpan(seconds: 30)) { lines.append(line) }
        let report = try RunReport(parsing: lines.joined(separator: "\n"))
        #expect(report.result.status == .good, "\(report.errors)")
        #expect(report.target.processes.count == 2)
        #expect(report.result.connectionsServed?.reduce(0, +) == 40)
        #expect(report.result.connectionsHeld == 40)
        server.stop()
        #expect(server.waitStatus == 0)
    }

    @Test(.enabled(if: Peer.hasOpenSSL, "needs the openssl program"))
    func `handshakes over TLS have a part for it, and the parts add up`() throws {
        let certificate = try Peer.makeCertificate()
        defer { unlink(certificate) }
        let server = try ChildProcess(
            path: Peer.bench,
            arguments: [
                "serve", "--port", "0", "--loops", "1", "--tls-cert", certificate, "--tls-key",
                certificate,
            ]
        )
        let line = try #require(server.readLine(timeout: TimeSpan(seconds: 20)))
        let url = String(line.dropFirst("listening on ".count))
        let client = try ChildProcess(
            path: Peer.bench,
            arguments: [
                "handshake", "-c", "2", "-n", "20", "--insecure", "--quiet", "--json", "-", url,
            ]
        )
        var lines: [String] = []
        while let line = client.readLine(timeout: TimeSpan(seconds: 30)) { lines.append(line) }
        let report = try RunReport(parsing: lines.joined(separator: "\n"))
        #expect(report.result.status == .good, "\(report.errors)")
        let names: [LatencyReport.Name] = [.connect, .tls, .upgrade, .close]
        let parts = names.compactMap { report.latency($0) }
        #expect(parts.map(\.count) == [20, 20, 20, 20])
        let sum = parts.reduce(0) { $0 + $1.mean }
        let cycle = try #require(report.mainLatency).mean
        #expect(sum > cycle * 0.9 && sum < cycle * 1.1)
    }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536, 300_000, 3 << 20])
    func `the server of our own echoes every size`(size: Int) throws {
        let child = try ChildServer(
            executable: Peer.bench,
            loops: 2,
            maxMessageSize: max(1 << 20, size)
        )
        var run = TestRun(url: child.url, size: size, processes: [child.processID])
        // Messages above the soft limit of both sides go one by one.
        if size > 256 << 10 { run.pipeline = 1 }
        run.schedule.timeout = TimeSpan(seconds: 20)
        let report = try run.echo()
        #expect(report.errors.isEmpty, "\(report.errors)")
        #expect(report.result.completed == 100)
        #expect(child.stop())
    }

    @Test func `a message above the limit is answered with 1009`() throws {
        let child = try ChildServer(executable: Peer.bench, loops: 1, maxMessageSize: 1000)
        #expect(child.allocatedByteCount() ?? 0 > 100_000)
        let report = try TestRun(url: child.url, size: 1001).echo()
        #expect(report.errors.count(of: .closedEarly) == 2, "\(report.errors)")
        #expect(report.errors.first?.firstExample.contains("1009") ?? false)
        #expect(child.stop())
    }

    @Test func `connections are closed with 1001 when it stops`() throws {
        let child = try ChildServer(executable: Peer.bench, loops: 1, maxMessageSize: 1000)
        var run = TestRun(url: child.url)
        run.schedule.length = .duration(TimeSpan(seconds: 30))
        let process = child.processID
        var thread = pthread_t()
        let argument = UnsafeMutableRawPointer(bitPattern: Int(process))
        pthread_create(
            &thread,
            nil,
            { argument in
                usleep(500_000)
                kill(pid_t(Int(bitPattern: argument)), SIGTERM)
                return nil
            },
            argument
        )
        let report = try run.idle()
        pthread_join(thread, nil)
        #expect(report.errors.count(of: .closedEarly) == 2, "\(report.errors)")
        #expect(report.errors.first?.firstExample.contains("1001") ?? false)
        #expect(child.stop())
    }

    /// The whole program, with a server that it starts itself.
    @Test(arguments: [
        ["echo", "-c", "2", "-n", "8", "-s", "2m"], ["echo", "-d", "300ms", "--warmup", "0"],
        ["echo", "-n", "6400", "-p", "16", "--text", "mixed", "-t", "2", "--server-loops", "2"],
        ["handshake", "-n", "50", "-c", "4"], ["idle", "-c", "100", "-d", "200ms"],
    ])
    func `the program measures a server of its own`(arguments: [String]) throws {
        let process = try ChildProcess(
            path: Peer.bench,
            arguments: arguments + ["--quiet", "--json"]
        )
        var lines: [String] = []
        while let line = process.readLine(timeout: TimeSpan(seconds: 30)) { lines.append(line) }
        let report = try RunReport(parsing: lines.joined(separator: "\n"))
        #expect(report.result.status == .good, "\(report.result)")
        #expect(report.result.completed > 0 || report.result.connectionsHeld == 100)
    }
}
