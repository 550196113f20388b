import Testing

@testable import StargateCore

@Suite struct ExtensionsTests {
    /// The offers, written in one way, or nil if they were refused with 400.
    private func parse(_ values: [String], version: Int = 13) -> [String]? {
        let lines = ["Sec-WebSocket-Version: \(version)", sampleKey]
        let head = upgrade(lines + values.map { "Sec-WebSocket-Extensions: \($0)" })
        return head.decide { decision -> [String]? in
            guard case .accept(let handshake) = decision else { return nil }
            do {
                return try handshake.extensionOffers().map(Self.text)
            } catch {
                #expect((error as? HandshakeRefusal)?.status == .badRequest)
                return nil
            }
        }
    }

    private static func text(_ offer: ExtensionOffer) -> String {
        let parameters = offer.parameters.map { parameter in
            parameter.value.map { "\(parameter.name)=\($0)" } ?? parameter.name
        }
        return ([offer.name] + parameters).joined(separator: ";")
    }

    @Test(arguments: [
        ([], []), (["permessage-deflate"], ["permessage-deflate"]),
        (
            ["permessage-deflate; client_max_window_bits; server_max_window_bits=10"],
            ["permessage-deflate;client_max_window_bits;server_max_window_bits=10"]
        ),
        (["a;b=\"10\""], ["a;b=10"]), (["a ; b = c\t;d , e"], ["a;b=c;d", "e"]),
        (["a, b;c", "d"], ["a", "b;c", "d"]), (["a;b=\"\\1\\0\""], ["a;b=10"]),
        ([",a,,b,"], ["a", "b"]), ([""], []), (["a;x;x=1;x=2"], ["a;x;x=1;x=2"]),
        (["foo, foo"], ["foo", "foo"]),
    ])
    func offers(_ values: [String], _ offers: [String]) {
        for version in [13, 8, 7] { #expect(parse(values, version: version) == offers) }
    }

    @Test(arguments: [
        ";", "a;", "a;;b", ";;;", "a;=", "a;b=", "a;b=,c", "a b", "a=b", "a;b=\"", "a;b=\"\"",
        "a;b=\"x", "a;b=\"x y\"", "a;b=\"x\\", "a;b=\"x\\\"", "a;b=\"x\"y", "a;b=\"é\"", "(a)",
        "é", "a;b=c d", "a;b=\"a,b\"", "a/b",
    ])
    func badSyntax(_ value: String) {
        #expect(parse([value]) == nil)
        #expect(parse(["fine, " + value]) == nil)
        #expect(parse(["fine", value]) == nil)
    }

    @Test func isBounded() {
        func offers(_ count: Int) -> String { (0..<count).map { "e\($0)" }.joined(separator: ",") }
        func parameters(_ count: Int) -> String { "a" + String(repeating: ";b", count: count) }
        let offersMax = Extensions.offerCountMax
        #expect(parse([offers(offersMax)])?.count == offersMax)
        #expect(parse([offers(offersMax + 1)]) == nil)
        #expect(parse([offers(350)]) == nil)
        #expect(parse([offers(offersMax), "x"]) == nil)
        #expect(parse([parameters(Extensions.parameterCountMax)])?.count == 1)
        #expect(parse([parameters(Extensions.parameterCountMax + 1)]) == nil)
        #expect(parse(["a;b=\"" + String(repeating: "\\a", count: 3500)]) == nil)
        #expect(parse(["a" + String(repeating: " ", count: 6000) + ";b"]) == ["a;b"])
    }

    @Test func hixieKnowsNoExtensions() {
        let head = upgrade([sampleKey1, sampleKey2, "Sec-WebSocket-Extensions: ;;;"])
        let count = head.decide { decision -> Int? in
            guard case .accept(let handshake) = decision else { return nil }
            return try? handshake.extensionOffers().count
        }
        #expect(count == 0)
    }
}
