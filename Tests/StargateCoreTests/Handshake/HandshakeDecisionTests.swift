import Testing

@testable import StargateCore

private let version13 = "Sec-WebSocket-Version: 13"

/// A whole request and what the common gate says to it.
struct GateCase: Sendable, CustomTestStringConvertible {
    let head: String
    let outcome: Outcome

    init(_ lines: [String], _ outcome: Outcome) {
        head = lines.joined(separator: "\r\n") + "\r\n\r\n"
        self.outcome = outcome
    }

    var testDescription: String { head.replacing("\r\n", with: " | ") }

    private static let required = Outcome.listing(426, "13, 8, 7")

    /// A good request whose named line is replaced by others.
    private static func changing(
        _ name: String,
        to lines: [String],
        _ outcome: Outcome
    ) -> GateCase {
        let good = [
            "GET /demo HTTP/1.1", "Host: example.com", "Upgrade: websocket", "Connection: Upgrade",
            version13, sampleKey,
        ]
        let changed: [String] = good.flatMap { $0.hasPrefix(name) ? lines : [$0] }
        return GateCase(changed, outcome)
    }

    static let all: [GateCase] = firstLines + upgrades + connections + hosts

    private static let firstLines: [GateCase] = [
        changing("nothing", to: [], .accepted(.rfc6455)),
        changing("GET", to: ["POST /demo HTTP/1.1"], .refused(405)),
        changing("GET", to: ["HEAD /demo HTTP/1.1"], .refused(405)),
        changing("GET", to: ["get /demo HTTP/1.1"], .refused(405)),
        changing("GET", to: ["GET /demo HTTP/1.0"], .refused(505)),
        changing("GET", to: ["GET /demo?a=b%00&c HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET /../.. HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET /é HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET http://other:81/demo HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET WSS://other HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET https://[::1]:9/?x HTTP/1.1"], .accepted(.rfc6455)),
        changing("GET", to: ["GET ws://:80/ HTTP/1.1"], .refused(400)),
        changing("GET", to: ["GET ws://user@host/ HTTP/1.1"], .refused(400)),
        changing("GET", to: ["GET ftp://host/ HTTP/1.1"], .refused(400)),
        changing("GET", to: ["GET * HTTP/1.1"], .refused(400)),
        changing("GET", to: ["GET example.com:80 HTTP/1.1"], .refused(400)),
        changing("GET", to: ["GET  HTTP/1.1"], .refused(400)),
    ]

    private static let upgrades: [GateCase] = [
        changing("Upgrade", to: [], .plain),
        changing("Upgrade", to: ["Upgrade:"], .plain),
        changing("Upgrade", to: ["Upgrade: h2c"], .plain),
        changing("Upgrade", to: ["Upgrade: websocketx"], .plain),
        changing("Upgrade", to: ["Upgrade: Not WebSocket"], .plain),
        changing("Upgrade", to: ["Upgrade: websocket, h2c"], .plain),
        changing("Upgrade", to: ["Upgrade: websocket", "Upgrade: h2c"], .plain),
        changing("Upgrade", to: ["Upgrade: websocket", "Upgrade: websocket"], .accepted(.rfc6455)),
        changing("Upgrade", to: ["UPGRADE:\t WebSocket \t"], .accepted(.rfc6455)),
        changing("Upgrade", to: ["upgrade:WEBSOCKET"], .accepted(.rfc6455)),
    ]

    private static let connections: [GateCase] = [
        changing("Connection", to: [], required),
        changing("Connection", to: ["Connection: close"], required),
        changing("Connection", to: ["Connection: Not Upgrade"], required),
        changing("Connection", to: ["Connection: keep-alive, upgraded"], required),
        changing("Connection", to: ["Connection:"], required),
        changing("Connection", to: ["Connection: keep-alive, Upgrade"], .accepted(.rfc6455)),
        changing("Connection", to: ["connection: upgrade"], .accepted(.rfc6455)),
        changing("Connection", to: ["Connection: ,,UPGRADE\t,x"], .accepted(.rfc6455)),
        changing(
            "Connection",
            to: ["Connection: keep-alive", "Connection: Upgrade"],
            .accepted(.rfc6455)
        ),
    ]

    private static let hosts: [GateCase] = [
        changing("Host", to: [], .refused(400)),
        changing("Host", to: ["Host: a", "Host: a"], .refused(400)),
        changing("Host", to: ["Host:"], .refused(400)),
        changing("Host", to: ["Host: [::1"], .refused(400)),
        changing("Host", to: ["Host: []"], .refused(400)),
        changing("Host", to: ["Host: [::1]x"], .refused(400)),
        changing("Host", to: ["Host: a:65536"], .refused(400)),
        changing("Host", to: ["Host: a:10000000000000000000"], .refused(400)),
        changing("Host", to: ["Host: a:-1"], .refused(400)),
        changing("Host", to: ["Host: a b"], .refused(400)),
        changing("Host", to: ["Host: user@a"], .refused(400)),
        changing("Host", to: ["Host: a/b"], .refused(400)),
        changing("Host", to: ["Host: é"], .refused(400)),
        changing("Host", to: ["Host: :80"], .refused(400)),
        changing("Host", to: ["host: a:65535"], .accepted(.rfc6455)),
        changing("Host", to: ["Host: a:"], .accepted(.rfc6455)),
        changing("Host", to: ["HOST: [fe80::1:2]:8080"], .accepted(.rfc6455)),
    ]
}

@Suite struct HandshakeDecisionTests {
    @Test(arguments: GateCase.all)
    func gate(_ example: GateCase) {
        #expect(TestHead(example.head).decide { Outcome($0) } == example.outcome)
    }

    /// The drafts pass the same gate: no generation is a way around it.
    @Test(arguments: [
        ["Sec-WebSocket-Version: 7", sampleKey], ["Sec-WebSocket-Version: 8", sampleKey],
        [sampleKey1, sampleKey2, "Origin: http://a"], ["Origin: http://a"],
    ])
    func everyGenerationPassesTheSameGate(_ lines: [String]) {
        func outcome(_ first: String, _ gate: [String]) -> Outcome {
            TestHead(([first] + gate + lines).joined(separator: "\r\n") + "\r\n\r\n")
                .decide { Outcome($0) }
        }
        let host = "Host: a"
        let upgrade = "Upgrade: WebSocket"
        let connection = "Connection: Upgrade"
        let get = "GET / HTTP/1.1"
        #expect(outcome("POST / HTTP/1.1", [host, upgrade, connection]) == .refused(405))
        #expect(outcome("GET / HTTP/1.0", [host, upgrade, connection]) == .refused(505))
        #expect(outcome(get, [host, connection]) == .plain)
        #expect(outcome(get, [host, upgrade]) == .listing(426, "13, 8, 7"))
        #expect(outcome(get, [upgrade, connection]) == .refused(400))
        switch outcome(get, [host, upgrade, connection]) {
        case .accepted: break
        case let other: Issue.record("a complete request became \(other)")
        }
    }

    @Test(arguments: [
        "Content-Length: 5", "Content-Length: -1", "Content-Length: +0", "Content-Length:",
        "Content-Length: 99999999999999999999999", "Content-Length: 0, 0",
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
    ])
    func noGenerationHasABody(_ line: String) {
        let requests = [
            [version13, sampleKey], ["Sec-WebSocket-Version: 7", sampleKey],
            [sampleKey1, sampleKey2], ["Origin: http://a"],
        ]
        for request in requests {
            let head = upgrade(request + [line], upgrade: "WebSocket")
            #expect(head.decide { Outcome($0) } == .refused(400))
        }
    }

    @Test func announcedLengths() {
        func outcome(_ lines: [String], _ lengths: [String]) -> Outcome {
            upgrade(lines + lengths.map { "Content-Length: \($0)" }, upgrade: "WebSocket")
                .decide { Outcome($0) }
        }
        #expect(outcome([version13, sampleKey], ["0"]) == .accepted(.rfc6455))
        #expect(outcome([version13, sampleKey], ["8"]) == .refused(400))
        #expect(outcome([version13, sampleKey], ["0", "0"]) == .refused(400))
        #expect(outcome(["Origin: http://a"], ["0"]) == .accepted(.hixie75))
        #expect(outcome(["Origin: http://a"], ["8"]) == .refused(400))
        #expect(outcome([sampleKey1, sampleKey2], ["8"]) == .accepted(.hixie76))
        #expect(outcome([sampleKey1, sampleKey2], ["0"]) == .refused(400))
        #expect(outcome([sampleKey1, sampleKey2], ["8", "8"]) == .refused(400))
        #expect(outcome([sampleKey1, sampleKey2], ["08"]) == .refused(400))
    }

    @Test func hixieEchoesNothingButPrintableASCII() {
        for origin in ["http://é", "http://\u{7F}", "a\u{1}b"] {
            let head = upgrade(["Origin: \(origin)"], upgrade: "WebSocket")
            #expect(head.decide { Outcome($0) } == .refused(400))
        }
        let head = upgrade([sampleKey1, sampleKey2], target: "/é")
        #expect(head.decide { Outcome($0) } == .refused(400))
    }

    /// What real programs send. Names in lower case are Netty's, the draft field is Chrome's.
    @Test func requestsOfRealClients() {
        let firefox = upgrade([
            "User-Agent: Mozilla/5.0", "Accept: */*", "Accept-Language: en-US,en;q=0.5",
            "Accept-Encoding: gzip, deflate, br, zstd", "Sec-WebSocket-Version: 13",
            "Origin: null", "Sec-WebSocket-Extensions: permessage-deflate", sampleKey,
            "Sec-Fetch-Dest: websocket", "Pragma: no-cache", "Cache-Control: no-cache",
        ])
        #expect(firefox.decide(.default) { Outcome($0) } == .accepted(.rfc6455))
        let netty = TestHead(
            """
            GET /demo HTTP/1.1\r
            upgrade: WebSocket\r
            connection: upgrade\r
            host: example.com:80\r
            origin: http://example.com\r
            sec-websocket-key1: 4 @1  46546xW%0l 1 5\r
            sec-websocket-key2: 12998 5 Y3 1  .P00\r
            content-length: 8\r
            \r

            """
        )
        #expect(netty.decide { Outcome($0) } == .accepted(.hixie76))
    }

    @Test func refusalsSayWhatIsWrong() {
        let text = upgrade(["Sec-WebSocket-Version: 99", sampleKey]).decide { decision in
            guard case .refuse(let refusal) = decision else { return "" }
            return writtenText { refusal.encode(into: &$0) }
        }
        let body = "This WebSocket version is not spoken here.\n"
        #expect(
            text == """
                HTTP/1.1 426 Upgrade Required\r
                Upgrade: websocket\r
                Sec-WebSocket-Version: 13, 8, 7\r
                Connection: Upgrade, close\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Length: \(body.utf8.count)\r
                \r
                \(body)
                """
        )
        let method = TestHead("PUT / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").decide { decision in
            guard case .refuse(let refusal) = decision else { return "" }
            return writtenText { refusal.encode(into: &$0) }
        }
        #expect(
            method.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close")
        )
        let plain = writtenText {
            HandshakeRefusal.webSocketOnly(offering: .hixie75).encode(into: &$0)
        }
        #expect(
            plain.hasPrefix("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection")
        )
    }

    /// A head that is cut, or whose bytes are changed, is judged like any other: nothing traps.
    @Test func survivesMutations() {
        var generator = TestGenerator(seed: 1)
        let seeds = TableCase.all.map { upgrade($0.lines, upgrade: $0.upgradeValue).bytes }
        var outcomes: Set<String> = []
        for _ in 0..<3000 {
            var bytes = seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            let head = TestHead(bytes: bytes + [0x0D, 0x0A, 0x0D, 0x0A])
            let outcome = head.decide(isSecure: true) { decision in
                if case .accept(let handshake) = decision {
                    let offered = (try? handshake.offeredSubprotocols()) ?? []
                    _ = try? handshake.extensionOffers()
                    _ = handshake.refusal(by: .sameOrigin)
                    let response = writtenText {
                        _ = handshake.encodeResponse(
                            subprotocol: offered.first,
                            offered: offered,
                            extensions: nil,
                            headers: [],
                            into: &$0
                        )
                    }
                    #expect(response.components(of: "\r\n\r\n") == 2)
                    #expect(response.components(of: "\r\n") <= 8)
                }
                return Outcome(decision)
            }
            outcomes.insert(outcome.description)
        }
        #expect(outcomes.count > 4)
    }
}

extension String {
    /// How many pieces `separator` cuts the text into.
    func components(of separator: String) -> Int {
        split(separator: separator, omittingEmptySubsequences: false).count
    }
}
