import ArgumentParser
import StargateCore
import Testing

@testable import StargateBenchKit

@Suite struct CommandTests {
    private func echo(_ arguments: String...) throws -> EchoCommand {
        try #require(try BenchCommand.parseAsRoot(["echo"] + arguments) as? EchoCommand)
    }

    @Test func `echo has its defaults`() throws {
        let command = try echo()
        #expect(command.connections == 64)
        #expect(command.pipeline == nil)
        #expect(command.message.size == nil)
        #expect(command.message.text == nil)
        #expect(
            command.length.schedule(timeout: command.client.timeout)
                == RunSchedule(
                    length: .duration(TimeSpan(seconds: 10)),
                    warmup: TimeSpan(seconds: 1)
                )
        )
    }

    @Test func `echo is the default mode`() throws {
        let command = try BenchCommand.parseAsRoot(["-c", "3", "ws://localhost:1/"])
        #expect((command as? EchoCommand)?.connections == 3)
    }

    @Test(
        arguments: [
            (["--json=run.json"], "run.json"), (["--json", "run.json"], "run.json"),
            (["--json=-"], "-"), (["--json"], "-"), ([], nil),
        ] as [([String], String?)]
    )
    func `the file of json may follow an equals sign`(arguments: [String], file: String?) throws {
        let words = BenchCommand.separated(["echo", "ws://localhost:1/"] + arguments)
        let command = try BenchCommand.parseAsRoot(words)
        #expect((command as? EchoCommand)?.output.json == file)
    }

    @Test func `options are known by the names that wrk and oha use`() throws {
        let command = try echo(
            "-c",
            "100",
            "-p",
            "32",
            "-s",
            "16k",
            "-z",
            "2s",
            "-t",
            "2",
            "--warmup",
            "0",
            "-H",
            "A: b",
            "-H",
            "C: d",
            "--subprotocol",
            "chat",
            "--text",
            "mixed",
            "--seed",
            "9",
            "ws://127.0.0.1:9001/"
        )
        #expect(command.connections == 100)
        #expect(command.pipeline == 32)
        #expect(command.message.size?.bytes == 16_384)
        #expect(command.length.duration == TimeSpan(seconds: 2))
        #expect(command.target.header.count == 2)
        #expect(command.message.text == .mixed)
        #expect(command.message.seed == 9)
        #expect(command.target.url == "ws://127.0.0.1:9001/")
    }

    @Test func `json and text may stand alone`() throws {
        let command = try echo("--text", "--json", "-n", "100")
        #expect(command.message.text == .ascii)
        #expect(command.output.json == "-")
        #expect(try echo("--json", "out.json").output.json == "out.json")
    }

    @Test(arguments: [
        ["echo", "-c", "0"], ["echo", "-p", "0"], ["echo", "-s", "x"], ["echo", "-d", "0"],
        ["echo", "-d", "1s", "-n", "5"], ["echo", "-n", "5", "-c", "6"], ["echo", "http://x/"],
        ["echo", "wss//x/"], ["echo", "--key", "k.pem"], ["echo", "--cacert", "c", "-k"],
        ["serve", "--tls-cert", "c.pem"], ["echo", "--tlsv1.3", "--tls-max", "1.2"],
        ["echo", "--binary", "--text"], ["echo", "--timeout", "0"],
        ["echo", "-H", "no"], ["echo", "-t", "0"], ["handshake", "-c", "0"],
        ["handshake", "--server-loops", "0"], ["idle", "-d", "0"], ["serve", "--port", "65536"],
        ["serve", "--max-message-size", "0"], ["echo", "--pid", "1"], ["nonsense", "-x"],
        ["echo", "-n", "9", "-c", "1", "--warmup", "1"], ["echo", "-R", "0"],
        ["echo", "-R", "5", "--rate-per-conn", "5"], ["echo", "--size-mix", "20:0"],
        ["echo", "--size-mix", "20:1", "-s", "20"], ["echo", "--check", "maybe"],
        ["echo", "--slo", "p99"], ["echo", "--source", "localhost"], ["echo", "--procs", "0"],
        ["echo", "--size-mix", "20:1", "--text", "mixed"], ["broadcast", "-s", "33"],
        ["push", "--rate-per-conn", "5", "ws://localhost:1/"], ["saturate", "--procs", "2"],
        ["report"], ["report", "a", "b", "--html", "x"], ["doctor", "-c", "0"],
    ])
    func `what makes no sense is a usage error`(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try BenchCommand.parseAsRoot(arguments) }
        if let error { #expect(BenchCommand.exitStatus(for: error) == 2) }
    }

    @Test func `asking for help is no error`() {
        let error = #expect(throws: (any Error).self) {
            var command = try BenchCommand.parseAsRoot(["echo", "--help"])
            try command.run()
        }
        if let error { #expect(BenchCommand.exitStatus(for: error) == 0) }
    }

    @Test func `the quotas add up to the count`() {
        let deck = PayloadDeck(kind: .binary, messageSize: 8, inFlight: 1, seed: 1)
        let plan = EchoPlan(
            target: TargetPlan(url: "ws://x/"),
            deck: deck,
            depth: 1,
            timeout: 1,
            connectRate: 0,
            connectionCount: 7,
            messageCount: 100
        )
        #expect((0..<7).map(plan.quota).reduce(0, +) == 100)
        #expect(plan.quota(of: 0) == 15)
        #expect(plan.quota(of: 6) == 14)
    }
}

@Suite struct ServeCommandTests {
    private func serve(_ arguments: String...) throws -> ServeCommand {
        try #require(try BenchCommand.parseAsRoot(["serve"] + arguments) as? ServeCommand)
    }

    @Test func `serve has the defaults of its contract`() throws {
        let command = try serve()
        #expect(command.host == "127.0.0.1")
        #expect(command.port == 9001)
        #expect(command.loops == 0)
        #expect(command.maxMessageSize == nil, "every limit is the library's")
        #expect(command.protocols.set == .default)
        #expect(command.deflate == .off)
        #expect(command.tier == .callback)
    }

    @Test(arguments: [("callback", ServedTier.callback), ("structured", .structured)])
    func `the tier that echoes is a word`(text: String, tier: ServedTier) throws {
        #expect(try serve("--tier", text).tier == tier)
        #expect(throws: (any Error).self) { try serve("--tier", text + "s") }
    }

    @Test(
        arguments: [
            ("default", [.rfc6455, .hybi8, .hybi7]), ("all", ProtocolSet.all),
            ("RFC6455", .rfc6455),
            ("hixie76,hybi8", [.hixie76, .hybi8]),
        ] as [(String, ProtocolSet)]
    )
    func `protocols are a word or a list`(text: String, set: ProtocolSet) throws {
        #expect(try serve("--protocols", text).protocols.set == set)
    }

    @Test(arguments: ["", "none", "rfc6455,", "13"])
    func `an unknown protocol is a usage error`(text: String) {
        #expect(throws: (any Error).self) { try serve("--protocols", text) }
    }
}
