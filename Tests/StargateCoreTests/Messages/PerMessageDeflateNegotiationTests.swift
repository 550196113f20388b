import Testing

@testable import StargateCore

@Suite("permessage-deflate, negotiated")
struct PerMessageDeflateNegotiationTests {
    /// Offers as a client sends them, and the server's answer with default options; nil: declined.
    static let answers: [(offers: String, answer: String?)] = [
        ("", nil),
        ("permessage-deflate", "permessage-deflate"),
        ("x-webkit-deflate-frame", nil),
        ("deflate-stream, permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10"
        ),
        (
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8"
        ),
        ("permessage-deflate; client_max_window_bits=15", "permessage-deflate"),
        (
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15"
        ),
        (
            "permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9"
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover"
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover"
        ),
        (
            "permessage-deflate; client_max_window_bits=11; server_max_window_bits=12; "
                + "client_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "server_max_window_bits=12; client_max_window_bits=11"
        ),
        // What zlib cannot do, what is unknown, twice there, or has no business to have its value.
        ("permessage-deflate; server_max_window_bits=8", nil),
        ("permessage-deflate; server_max_window_bits", nil),
        ("permessage-deflate; server_max_window_bits=7", nil),
        ("permessage-deflate; server_max_window_bits=16", nil),
        ("permessage-deflate; server_max_window_bits=08", nil),
        ("permessage-deflate; server_max_window_bits=010", nil),
        ("permessage-deflate; server_max_window_bits=+9", nil),
        ("permessage-deflate; server_max_window_bits=", nil),
        ("permessage-deflate; server_max_window_bits=abc", nil),
        ("permessage-deflate; server_max_window_bits=99999999999999999999", nil),
        ("permessage-deflate; client_max_window_bits=7", nil),
        ("permessage-deflate; client_max_window_bits=16", nil),
        ("permessage-deflate; client_max_window_bits=", nil),
        ("permessage-deflate; client_max_window_bits=-9", nil),
        ("permessage-deflate; server_no_context_takeover=1", nil),
        ("permessage-deflate; client_no_context_takeover=", nil),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", nil),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", nil),
        ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", nil),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", nil),
        ("permessage-deflate; unknown", nil),
        ("permessage-deflate; unknown=1", nil),
        ("permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER", nil),
        // Declined one by one: the next offer is the fallback.
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate"
        ),
        (
            "permessage-deflate; unknown, other, permessage-deflate; server_max_window_bits=10, "
                + "permessage-deflate",
            "permessage-deflate; server_max_window_bits=10"
        ),
    ]

    @Test("the server's answer to each offer", arguments: answers)
    func answer(offers: String, answer: String?) {
        #expect(PerMessageDeflate().accept(parse(offers))?.answer == answer)
    }

    @Test("whatever the offer and the options, the answer holds the smaller of both wishes")
    func allCombinations() throws {
        for options in allOptions() {
            for server in [nil, 9, 11, 15] as [Int?] {
                for client in [nil, 0, 8, 9, 12, 15] as [Int?] {
                    var offer = "permessage-deflate"
                    if let server { offer += "; server_max_window_bits=\(server)" }
                    if let client {
                        offer += "; client_max_window_bits" + (client > 0 ? "=\(client)" : "")
                    }
                    let agreement = try #require(options.accept(parse(offer)))
                    let fromServer = agreement.parameters.fromServer
                    let fromClient = agreement.parameters.fromClient
                    #expect(fromServer.windowBits == min(server ?? 15, options.serverMaxWindowBits))
                    let offered = client == 0 ? 15 : client
                    let expected = offered.map { min($0, options.clientMaxWindowBits) } ?? 15
                    #expect(fromClient.windowBits == expected)
                    #expect(fromServer.hasContextTakeover == !options.serverNoContextTakeover)
                    #expect(fromClient.hasContextTakeover == !options.clientNoContextTakeover)
                    #expect(agreement.answer.contains("server_max_window_bits") == (server != nil))
                    #expect(agreement.answer.contains("client_max_window_bits") == (expected < 15))
                }
            }
        }
    }

    @Test("a server and a client of ours agree, and both know the same")
    func bothSides() throws {
        for server in allOptions() {
            for client in allOptions() {
                let agreement = try #require(server.accept(parse(client.offer)))
                let answer = try #require(parse(agreement.answer).first)
                let known = try #require(client.check(answer))
                let agreed = agreement.parameters
                #expect(known.fromServer.hasContextTakeover == agreed.fromServer.hasContextTakeover)
                #expect(known.fromClient.hasContextTakeover == agreed.fromClient.hasContextTakeover)
                // So may the client.
                #expect(known.fromClient.windowBits <= agreed.fromClient.windowBits)
                // The server may use less than it says, never more.
                #expect(known.fromServer.windowBits >= agreed.fromServer.windowBits)
                exchange(agreed.fromServer, server, known.fromServer)
                exchange(known.fromClient, client, agreed.fromClient)
            }
        }
    }

    @Test("what a client offers")
    func offers() {
        #expect(PerMessageDeflate().offer == "permessage-deflate; client_max_window_bits")
        #expect(
            PerMessageDeflate.shared.offer
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "client_max_window_bits"
        )
        #expect(
            PerMessageDeflate.dedicated.offer
                == "permessage-deflate; server_max_window_bits=12; client_max_window_bits"
        )
    }

    @Test(
        "answers that do not fit the offer make the client fail the connection",
        arguments: [
            "other",
            "permessage-deflate; unknown",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=09",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ]
    )
    func refusedAnswers(answer: String) throws {
        let element = try #require(parse(answer).first)
        #expect(PerMessageDeflate().check(element) == nil)
    }

    @Test("an answer must grant what the offer demands")
    func demands() throws {
        let bare = try #require(parse("permessage-deflate").first)
        #expect(PerMessageDeflate().check(bare) == PerMessageDeflateParameters())
        #expect(PerMessageDeflate(serverMaxWindowBits: 12).check(bare) == nil)
        #expect(PerMessageDeflate(serverNoContextTakeover: true).check(bare) == nil)
        let ownWish = PerMessageDeflate(clientMaxWindowBits: 10, clientNoContextTakeover: true)
        let kept = try #require(ownWish.check(bare))
        #expect(kept.fromClient.windowBits == 10)
        #expect(!kept.fromClient.hasContextTakeover)
        let tooWide = try #require(parse("permessage-deflate; server_max_window_bits=13").first)
        #expect(PerMessageDeflate(serverMaxWindowBits: 12).check(tooWide) == nil)
        let wider = try #require(parse("permessage-deflate; client_max_window_bits=11").first)
        let own = PerMessageDeflate(clientMaxWindowBits: 10)
        #expect(own.check(wider)?.fromClient.windowBits == 10)
        let narrower = try #require(parse("permessage-deflate; client_max_window_bits=9").first)
        #expect(own.check(narrower)?.fromClient.windowBits == 9)
        let small = try #require(
            parse("permessage-deflate; server_max_window_bits=8; client_no_context_takeover").first
        )
        let granted = try #require(PerMessageDeflate().check(small))
        #expect(granted.fromServer.windowBits == 8)
        #expect(!granted.fromClient.hasContextTakeover)
    }

    /// Longer than the smallest window, so that a sender's larger one would show.
    static let message = (0..<300).flatMap { Array("\($0 % 97) ".utf8) }

    /// Sends messages with what one side knows, and receives them with what the other does.
    private func exchange(
        _ sent: PerMessageDeflateParameters.Direction,
        _ options: PerMessageDeflate,
        _ received: PerMessageDeflateParameters.Direction
    ) {
        var deflater = Deflater(sent, options)
        var inflater = Inflater(received)
        let message = Self.message
        for _ in 0..<2 {
            let (outcome, payload) = compress(&deflater, message)
            #expect(outcome == .compressed)
            #expect(inflate(&inflater, [payload]) == Inflated(outcome: .done, bytes: message))
        }
    }

    private func allOptions() -> [PerMessageDeflate] {
        var result: [PerMessageDeflate] = []
        for serverBits in [9, 12, 15] {
            for clientBits in [9, 11, 15] {
                for flags in 0..<4 {
                    result.append(
                        PerMessageDeflate(
                            serverMaxWindowBits: serverBits,
                            clientMaxWindowBits: clientBits,
                            serverNoContextTakeover: flags & 1 != 0,
                            clientNoContextTakeover: flags & 2 != 0
                        )
                    )
                }
            }
        }
        return result
    }

    /// A header without quoted strings, split: what the handshake does for real.
    private func parse(_ header: String) -> [ExtensionOffer] {
        header.split(separator: ",").map { element in
            let parts = element.split(separator: ";").map { part in
                String(part.drop { $0 == " " })
            }
            let parameters = parts.dropFirst().map { part -> (name: String, value: String?) in
                guard let equals = part.firstIndex(of: "=") else { return (part, nil) }
                return (String(part[..<equals]), String(part[part.index(after: equals)...]))
            }
            return ExtensionOffer(name: parts[0], parameters: Array(parameters))
        }
    }
}
