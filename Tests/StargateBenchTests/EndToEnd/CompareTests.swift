import Glibc
import Testing

@testable import StargateBenchKit

/// `compare` as a user runs it, with real servers. No figure is expected of a machine that does
/// other things at the same time: only what has to come out whatever it does.
///
/// A comparison takes both cores for a minute, and what else runs waits too long: so the suite runs by
/// itself, in `Scripts/compare-tests.sh`.
@Suite(
    .serialized,
    .enabled(if: getenv("STARGATE_COMPARE_TESTS") != nil, "see Scripts/compare-tests.sh"),
    .enabled(if: access(Peer.bench, X_OK) == 0, "needs the built program")
)
struct CompareTests {
    private static let ours = "\(Peer.bench) serve --port {port} --loops 1"
    private static let mistaken = "python3 \(Peer.folder)/faulty.py"

    private struct Outcome {
        let report: JSONValue
        let text: String
        let status: Int32?
        var files: [String: String] = [:]

        /// The entry of a server in a workload.
        func entry(_ server: String, _ workload: String) throws -> JSONValue {
            let results = try #require(report["workloads"]?.elements)
            let result = try #require(results.first { $0["name"] == .string(workload) })
            let servers = try #require(result["servers"]?.elements)
            return try #require(servers.first { $0["name"] == .string(server) })
        }
    }

    private func compare(_ servers: [String], _ options: [String]) throws -> Outcome {
        var template = Array("/tmp/stargate-compare-XXXXXX\0".utf8.map(CChar.init(bitPattern:)))
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        let forms = ["json", "md", "html", "svg"]
        defer {
            for form in forms { unlink("\(folder)/\(form)") }
            rmdir(folder)
        }
        let process = try ChildProcess(
            path: Peer.bench,
            arguments: ["compare", "--quiet"] + servers.flatMap { ["--server", $0] } + options
                + forms.flatMap { ["--\($0)", "\(folder)/\($0)"] }
        )
        var lines: [String] = []
        while let line = process.readLine(timeout: TimeSpan(seconds: 180)) { lines.append(line) }
        process.stop()
        let text = lines.joined(separator: "\n")
        let json = try #require(ProcFile.text("\(folder)/json"), "\(text)")
        var outcome = Outcome(
            report: try JSONValue(parsing: json),
            text: text,
            status: process.waitStatus.map { $0 >> 8 & 0xFF }
        )
        for form in forms { outcome.files[form] = ProcFile.text("\(folder)/\(form)") }
        return outcome
    }

    /// What noise does to one comparison is not the program's fault: one of three has to see that
    /// both are the same. A program that told differences where there are none would fail thrice.
    @Test func `A server does not differ from itself`() throws {
        var verdicts: [JSONValue?] = []
        for _ in 0..<3 {
            let outcome = try compare(
                ["one=\(Self.ours)", "two=\(Self.ours)"],
                ["--workload", "echo-20", "--pairs", "8", "-d", "150ms"]
            )
            #expect(outcome.status == 0, "\(outcome.text)")
            let entry = try outcome.entry("two", "echo-20")
            let (low, high) = (entry["ratio_low"]?.double, entry["ratio_high"]?.double)
            #expect(entry["costs"]?.elements?.count == 8)
            #expect(low ?? 2 <= high ?? 0)
            verdicts.append(entry["verdict"])
            if entry["verdict"] == .string("no difference") { break }
        }
        #expect(verdicts.last == .string("no difference"), "\(verdicts)")
    }

    @Test func `Somebody else's server and the base once more are in every form`() throws {
        let outcome = try compare(
            ["ours=\(Self.ours)", "slow=\(Self.mistaken) none {port}"],
            ["--workload", "echo-20", "--pairs", "3", "-d", "150ms", "--control"]
        )
        #expect(outcome.status == 0, "\(outcome.text)")
        let entry = try outcome.entry("slow", "echo-20")
        #expect(entry["costs"]?.elements?.count == 3, "\(entry)")
        #expect(entry["ratio_low"]?.double ?? 0 > 0)
        #expect(try outcome.entry("ours again", "echo-20")["ratio"]?.double ?? 0 > 0)
        for form in ["md", "html", "svg"] {
            let file = outcome.files[form] ?? ""
            #expect(file.contains("ours again") && file.contains("slow"), "\(form)")
        }
        #expect(outcome.files["html"]?.contains("http") == false, "the page needs the network")
    }

    @Test func `Who does not echo is not measured, and the reason is told`() throws {
        let outcome = try compare(
            [
                "ours=\(Self.ours)", "deaf=\(Self.mistaken) deaf {port}",
                "liar=\(Self.mistaken) corrupt {port}", "dead=false {port}",
            ],
            ["--workload", "handshake", "--pairs", "1", "-d", "100ms"]
        )
        #expect(outcome.status == 1)
        let reasons = try ["deaf", "liar", "dead"].map { name in
            let entry = try outcome.entry(name, "handshake")
            #expect(entry["cost"] == .null)
            return try #require(entry["missing"]?.string)
        }
        #expect(reasons[0] == "it does not answer a ping")
        #expect(reasons[1].contains("echo"), "\(reasons[1])")
        #expect(reasons[2].contains("status 1"), "\(reasons[2])")
        #expect(try outcome.entry("ours", "handshake")["cost"]?.double ?? 0 > 0)
    }

    @Test func `Broadcast and both kinds of compression are measured where they are offered`()
        throws
    {
        let features = "{broadcast:} {deflate: --deflate shared} {dedicated: --deflate dedicated}"
        let names = ["broadcast-200", "deflate", "deflate-dedicated"]
        let outcome = try compare(
            ["ours=\(Self.ours) \(features)", "plain=\(Self.ours)"],
            names.flatMap { ["--workload", $0] } + ["--pairs", "1", "-d", "100ms"]
        )
        #expect(outcome.status == 0, "\(outcome.text)")
        for name in names {
            #expect(try outcome.entry("ours", name)["cost"]?.double ?? 0 > 0, "\(name)")
            #expect(try outcome.entry("plain", name)["missing"] == .string("not offered"))
        }
        let each = try outcome.entry("ours", "deflate")["wire_ratio"]?.double ?? 1
        let together = try outcome.entry("ours", "deflate-dedicated")["wire_ratio"]?.double ?? 1
        #expect(each < 0.6)
        #expect(together < each)
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    fileprivate var string: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
