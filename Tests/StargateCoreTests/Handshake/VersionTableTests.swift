import Testing

@testable import StargateCore

@Suite struct VersionTableTests {
    @Test(arguments: TableCase.all)
    func decides(_ example: TableCase) {
        let head = upgrade(example.lines, upgrade: example.upgradeValue)
        let outcome = head.decide(example.protocols) { Outcome($0) }
        #expect(outcome == example.outcome)
    }

    @Test func testsEveryRow() {
        #expect(Set(TableCase.all.map(\.row)) == Set(1...13))
    }

    /// A client may send its fields in any order; the decision must not depend on it.
    @Test(arguments: TableCase.all)
    func doesNotCareAboutOrder(_ example: TableCase) {
        let head = upgrade(example.lines.reversed(), upgrade: example.upgradeValue)
        #expect(head.decide(example.protocols) { Outcome($0) } == example.outcome)
    }

    /// Whatever field of a request is lost on its way, what remains is not an older request.
    @Test(arguments: [
        ["Sec-WebSocket-Version: 13", sampleKey, "Origin: http://a", "Sec-WebSocket-Protocol: x"],
        ["Sec-WebSocket-Version: 8", sampleKey, "Sec-WebSocket-Origin: http://a"],
        [sampleKey1, sampleKey2, "Origin: http://a"],
    ])
    func neverFallsBack(_ lines: [String]) {
        for lost in lines.indices {
            var rest = lines
            rest.remove(at: lost)
            let isProof = lines[lost].hasPrefix("Sec-WebSocket-Key")
            let isVersion = lines[lost].hasPrefix("Sec-WebSocket-Version")
            guard isProof || isVersion else { continue }
            let outcome = upgrade(rest, upgrade: "WebSocket").decide { Outcome($0) }
            switch outcome {
            case .refused(400), .listing(400, _): break
            case .listing(426, _) where isVersion: break
            default: Issue.record("without \(lines[lost]) it became \(outcome)")
            }
        }
    }

    @Test func listsTheEnabledVersions() {
        #expect(ProtocolSet.default.versionList == "13, 8, 7")
        #expect(ProtocolSet.all.versionList == "13, 8, 7")
        #expect(ProtocolSet([.hybi7, .rfc6455]).versionList == "13, 7")
        #expect(ProtocolSet([.hixie75]).versionList.isEmpty)
        #expect(ProtocolSet.all.containsHixie)
        #expect(!ProtocolSet.default.containsHixie)
        #expect(ProtocolVersion.allCases.allSatisfy { ProtocolSet.all.contains($0) })
    }
}
