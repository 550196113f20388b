import Testing

@testable import StargateCore

/// Makes a client's handshake with random numbers that are the same in every run.
func client(
    _ version: ProtocolVersion,
    url: String = "ws://example.com/demo",
    origin: String? = nil,
    subprotocols: [String] = [],
    extensions: String? = nil,
    headers: [(String, String)] = [],
    seed: UInt64 = 1
) throws -> ClientHandshake {
    var generator = TestGenerator(seed: seed)
    return try ClientHandshake(
        url: try WebSocketURL(url),
        version: version,
        origin: origin,
        subprotocols: subprotocols,
        extensions: extensions,
        headers: headers,
        using: &generator
    )
}

/// What a client thought of a response, in a form that can be compared.
enum ClientOutcome: Equatable {
    case accepted(subprotocol: String?, extensions: [String])
    case failed(String)

    static let plain = ClientOutcome.accepted(subprotocol: nil, extensions: [])

    var hasFailed: Bool {
        switch self {
        case .accepted: false
        case .failed: true
        }
    }
}

extension ClientHandshake {
    func outcome(_ response: String) -> ClientOutcome {
        let head = TestHead(response)
        return head.withView { view in
            switch check(status: head.status, head: view) {
            case .accepted(let subprotocol, let extensions):
                return .accepted(
                    subprotocol: subprotocol,
                    extensions: extensions.map { view.string($0) }
                )
            case .failed(let failure): return .failed(failure.reason)
            }
        }
    }

    var request: [UInt8] { written { encode(into: &$0) } ?? [] }
}

@Suite struct ClientHandshakeTests {
    @Test func requestOfRFC6455() throws {
        let handshake = try client(
            .rfc6455,
            url: "ws://Example.com:8080/chat?a=b",
            origin: "http://a",
            subprotocols: ["chat", "superchat"],
            extensions: "permessage-deflate",
            headers: [("Cookie", "a=b")]
        )
        guard case .key(let key, accept: _) = handshake.challenge else {
            Issue.record("no key")
            return
        }
        #expect(withBytes(key) { AcceptKey.isValidKey($0) })
        #expect(
            String(decoding: handshake.request, as: UTF8.self) == """
                GET /chat?a=b HTTP/1.1\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Host: example.com:8080\r
                Origin: http://a\r
                Sec-WebSocket-Protocol: chat, superchat\r
                Sec-WebSocket-Extensions: permessage-deflate\r
                Cookie: a=b\r
                Sec-WebSocket-Key: \(key)\r
                Sec-WebSocket-Version: 13\r
                \r

                """
        )
    }

    @Test(arguments: [ProtocolVersion.hybi7, .hybi8])
    func requestOfTheDrafts(_ version: ProtocolVersion) throws {
        let handshake = try client(version, origin: "http://a")
        let text = String(decoding: handshake.request, as: UTF8.self)
        #expect(text.contains("\r\nSec-WebSocket-Origin: http://a\r\n"))
        #expect(text.contains("\r\nSec-WebSocket-Version: \(version == .hybi7 ? 7 : 8)\r\n"))
        #expect(!text.contains("\r\nOrigin:"))
    }

    @Test func requestOfHixie75() throws {
        let handshake = try client(
            .hixie75,
            subprotocols: ["a sample, really"],
            extensions: "ignored",
            headers: [("Cookie", "a=b")]
        )
        #expect(
            String(decoding: handshake.request, as: UTF8.self) == """
                GET /demo HTTP/1.1\r
                Upgrade: WebSocket\r
                Connection: Upgrade\r
                Host: example.com\r
                Origin: http://example.com\r
                WebSocket-Protocol: a sample, really\r
                Cookie: a=b\r
                \r

                """
        )
    }

    @Test func requestOfHixie76() throws {
        var orders: Set<[String]> = []
        for seed in 0..<50 as Range<UInt64> {
            let handshake = try client(.hixie76, origin: "HTTP://A", seed: seed)
            guard case .hixie76(let challenge) = handshake.challenge else {
                Issue.record("no challenge")
                return
            }
            let request = handshake.request
            #expect(Array(request.suffix(8)) == challenge.key3)
            let head = String(decoding: request.dropLast(8), as: UTF8.self)
            #expect(head.hasPrefix("GET /demo HTTP/1.1\r\n") && head.hasSuffix("\r\n\r\n"))
            #expect(
                Set(handshake.fields.map { "\($0.name): \($0.value)" }) == [
                    "Upgrade: WebSocket", "Connection: Upgrade", "Host: example.com",
                    "Origin: http://a", "Sec-WebSocket-Key1: \(challenge.key1)",
                    "Sec-WebSocket-Key2: \(challenge.key2)",
                ]
            )
            orders.insert(handshake.fields.map(\.name))
        }
        #expect(orders.count > 25)
    }

    @Test func refusesWhatCannotBeSent() throws {
        func refuses(_ body: @autoclosure () throws -> ClientHandshake) {
            #expect(throws: ClientHandshakeFailure.self) { try body() }
        }
        for version in ProtocolVersion.allCases {
            refuses(try client(version, origin: "http://a\r\nX: y"))
            refuses(try client(version, headers: [("X", "a\nb")]))
            refuses(try client(version, headers: [("X y", "a")]))
            refuses(try client(version, headers: [("Host", "a")]))
            refuses(try client(version, headers: [("Sec-WebSocket-Key", "a")]))
            refuses(try client(version, subprotocols: ["é"]))
            refuses(try client(version, subprotocols: ["a\r\nb"]))
            refuses(try client(version, subprotocols: [""]))
            refuses(try client(version, subprotocols: ["a", "a"]))
        }
        refuses(try client(.rfc6455, subprotocols: ["a b"]))
        refuses(try client(.rfc6455, extensions: "a\r\nb"))
        refuses(try client(.hixie76, subprotocols: ["a", "b"]))
        refuses(try client(.hixie75, subprotocols: [" a"]))
    }

    @Test(arguments: ProtocolVersion.allCases, [false, true])
    func serverAndClientUnderstandEachOther(_ version: ProtocolVersion, _ isSecure: Bool) throws {
        let url = "\(isSecure ? "wss" : "ws")://Example.com:9001/demo?a=%20"
        let both = ["chat", "superchat"]
        for offered in version.isHixie ? [[], ["a sample, really"]] : [[], both] {
            let handshake = try client(version, url: url, subprotocols: offered, seed: 7)
            let request = TestHead(bytes: handshake.request)
            #expect(request.decide(isSecure: isSecure) { Outcome($0) } == .accepted(version))
            let answer = request.respond(isSecure: isSecure, subprotocol: offered.last)
            #expect(answer.refusal == nil)
            #expect(
                handshake.outcome(answer.text)
                    == .accepted(subprotocol: offered.last, extensions: [])
            )
            guard version == .hixie76 else { continue }
            #expect(handshake.answerByteCount == 16)
            let key3 = Array(handshake.request.suffix(8))
            let answer76 = request.decide(isSecure: isSecure) { decision -> [UInt8]? in
                guard case .accept(let server) = decision, case .hixie76(let keys) = server.proof
                else { return nil }
                return keys.answer(key3: key3)
            }
            #expect(answer76.map { handshake.isAnswer($0) } == true)
        }
    }
}
