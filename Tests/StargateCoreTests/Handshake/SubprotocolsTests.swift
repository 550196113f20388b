import Testing

@testable import StargateCore

@Suite struct SubprotocolsTests {
    /// The offer, or nil if it was refused with 400.
    private func offer(_ lines: [String], upgrade value: String = "websocket") -> [String]? {
        upgrade(lines, upgrade: value).decide { decision -> [String]? in
            guard case .accept(let handshake) = decision else { return nil }
            do {
                return try handshake.offeredSubprotocols()
            } catch {
                #expect((error as? HandshakeRefusal)?.status == .badRequest)
                return nil
            }
        }
    }

    private func hybi(_ values: [String], version: Int = 13) -> [String]? {
        offer(
            ["Sec-WebSocket-Version: \(version)", sampleKey]
                + values.map { "Sec-WebSocket-Protocol: \($0)" }
        )
    }

    @Test(arguments: [
        ([], []), (["chat"], ["chat"]), (["chat, superchat"], ["chat", "superchat"]),
        (["a,b\t ,  c"], ["a", "b", "c"]), ([", a,, b,"], ["a", "b"]), ([""], []), ([" , ,"], []),
        (["a", "b, c"], ["a", "b", "c"]), (["a", "A"], ["a", "A"]),
        (["v1.chat+json!#$%&'*^_`|~"], ["v1.chat+json!#$%&'*^_`|~"]),
    ])
    func lists(_ values: [String], _ names: [String]) {
        for version in [13, 8, 7] { #expect(hybi(values, version: version) == names) }
    }

    @Test(arguments: [
        ["a b"], ["a/b"], ["\"a\""], ["a;b"], ["a", "b@c"], ["é"], ["a, a"], ["a, b, a"],
        ["a", "a"], ["a\u{7F}"], ["(x)"], ["a,b c,d"],
    ])
    func badLists(_ values: [String]) {
        for version in [13, 8, 7] { #expect(hybi(values, version: version) == nil) }
    }

    @Test func longLists() {
        let names = (0..<700).map { "p\($0)" }
        #expect(hybi([names.joined(separator: ",")]) == names)
        #expect(hybi([names.joined(separator: ",") + ",p699"]) == nil)
        #expect(hybi(["a" + String(repeating: " ", count: 6000) + ",b"]) == ["a", "b"])
        #expect(hybi(["a" + String(repeating: " ", count: 6000) + "b"]) == nil)
        #expect(hybi([String(repeating: ",", count: 6000)]) == [])
    }

    @Test(arguments: ["sample", "a sample, really", "!\"#~", "a,a"])
    func hixieOffersOneText(_ text: String) {
        let new = [sampleKey1, sampleKey2, "Sec-WebSocket-Protocol: \(text)"]
        #expect(offer(new) == [text])
        let old = ["Origin: http://a", "WebSocket-Protocol: \(text)"]
        #expect(offer(old, upgrade: "WebSocket") == [text])
    }

    @Test(arguments: [["é"], [""], ["a\u{1}"], ["a\u{7F}"], ["a", "a"], ["a", "b"]])
    func badHixieTexts(_ values: [String]) {
        let new = values.map { "Sec-WebSocket-Protocol: \($0)" }
        #expect(offer([sampleKey1, sampleKey2] + new) == nil)
        let old = values.map { "WebSocket-Protocol: \($0)" }
        #expect(offer(["Origin: http://a"] + old, upgrade: "WebSocket") == nil)
    }

    @Test func theOtherGenerationsFieldMeansNothing() {
        let line = "WebSocket-Protocol: sample"
        #expect(offer([sampleKey1, sampleKey2, line]) == [])
        #expect(offer(["Sec-WebSocket-Version: 13", sampleKey, line]) == [])
    }
}
