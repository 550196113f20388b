import Testing

@testable import StargateCore

@Suite struct OriginPolicyTests {
    private let version13 = ["Sec-WebSocket-Version: 13", sampleKey]
    private let version8 = ["Sec-WebSocket-Version: 8", sampleKey]
    private let version7 = ["Sec-WebSocket-Version: 7", sampleKey]
    private let hixie76 = [sampleKey1, sampleKey2]

    /// Nil if the policy lets the client in, else the status.
    private func status(
        _ lines: [String],
        _ policy: OriginPolicy,
        host: String = "example.com",
        isSecure: Bool = false,
        target: String = "/"
    ) -> UInt16? {
        let head = upgrade(lines, target: target, upgrade: "WebSocket", host: host)
        return head.decide(isSecure: isSecure) { decision in
            guard case .accept(let handshake) = decision else { return 0 }
            return handshake.refusal(by: policy)?.status.code
        }
    }

    @Test(arguments: [
        ("http://example.com", "example.com", false, true),
        ("http://example.com:80", "example.com", false, true),
        ("http://example.com", "example.com:80", false, true),
        ("HTTP://EXAMPLE.com", "Example.COM", false, true),
        ("http://example.com:8080", "example.com:8080", false, true),
        ("https://example.com", "example.com", true, true),
        ("https://example.com:443", "example.com", true, true),
        ("http://[::1]:9001", "[::1]:9001", false, true),
        ("https://example.com", "example.com", false, false),
        ("http://example.com", "example.com", true, false),
        ("http://example.com:81", "example.com", false, false),
        ("http://example.com", "example.com:8080", false, false),
        ("http://evil.com", "example.com", false, false),
        ("http://example.com.evil.com", "example.com", false, false),
        ("http://evilexample.com", "example.com", false, false),
        ("http://example.com@evil.com", "example.com", false, false),
        ("http://example.com/", "example.com", false, false),
        ("http://example.com http://evil.com", "example.com", false, false),
        ("null", "example.com", false, false),
        ("null", "null", false, false),
        ("example.com", "example.com", false, false),
        ("//example.com", "example.com", false, false),
        ("://example.com", "example.com", false, false),
        ("http:/example.com", "example.com", false, false),
        ("http://", "example.com", false, false),
        ("file://", "example.com", false, false),
        ("", "example.com", false, false),
    ])
    func sameOrigin(_ origin: String, _ host: String, _ isSecure: Bool, _ isAdmitted: Bool) {
        let lines = version13 + ["Origin: \(origin)"]
        let found = status(lines, .sameOrigin, host: host, isSecure: isSecure)
        #expect(found == (isAdmitted ? nil : 403))
    }

    @Test func sameOriginGoesByTheAuthorityOfAnAbsoluteTarget() {
        let lines = version13 + ["Origin: http://a"]
        #expect(status(lines, .sameOrigin, host: "b", target: "http://a/") == nil)
        #expect(status(lines, .sameOrigin, host: "a", target: "http://b/") == 403)
    }

    @Test func overlongOrigin() {
        let lines = version13 + ["Origin: http://" + String(repeating: "a", count: 6000)]
        #expect(status(lines, .sameOrigin) == 403)
        #expect(status(lines, .any) == nil)
    }

    @Test(arguments: [
        ("https://example.com", true), ("https://EXAMPLE.com:443", true),
        ("http://localhost:8080", true), ("null", true), ("file://", true),
        ("chrome-extension://abcdef", true), ("http://localhost", false),
        ("http://localhost:80", false), ("http://example.com", false), ("NULL", false),
        ("https://example.com.", false), ("https://example.com/", false), ("", false),
    ])
    func allowList(_ origin: String, _ isAdmitted: Bool) {
        let policy = OriginPolicy.allow([
            "https://Example.com", "http://localhost:8080", "null", "file://",
            "chrome-extension://abcdef",
        ])
        let found = status(version13 + ["Origin: \(origin)"], policy)
        #expect(found == (isAdmitted ? nil : 403))
    }

    @Test func anEmptyListAdmitsNoPage() {
        #expect(status(version13 + ["Origin: http://a"], .allow([])) == 403)
        #expect(status(version13 + ["Origin: null"], .allow(["http://a"])) == 403)
    }

    @Test func withoutOrigin() {
        for lines in [version13, version8, version7] {
            #expect(status(lines, .sameOrigin) == nil)
            #expect(status(lines, .any) == nil)
            #expect(status(lines, .allow(["http://a"])) == nil)
            #expect(status(lines, .check { $0 == nil }) == nil)
            #expect(status(lines, .check { $0 != nil }) == 403)
        }
        #expect(status(hixie76, .sameOrigin) == nil)
        #expect(status(hixie76, .any) == nil)
        #expect(status(hixie76, .allow(["http://a"])) == 403)
    }

    @Test func theFieldOfEachGeneration() {
        let new = "Origin: http://a"
        let old = "Sec-WebSocket-Origin: http://a"
        let policy = OriginPolicy.check { $0 == "http://a" }
        #expect(status(version13 + [new], policy) == nil)
        #expect(status(version13 + [old], policy) == 403)
        #expect(status(version13 + [old, "Origin: http://b"], policy) == 403)
        #expect(status(version13 + ["Sec-WebSocket-Origin: http://b", new], policy) == nil)
        for version in [version8, version7] {
            #expect(status(version + [new], policy) == nil)
            #expect(status(version + [old], policy) == nil)
            #expect(status(version + [old, new], policy) == nil)
            #expect(status(version + [old, "Origin: http://b"], .any) == 403)
            #expect(status(version + [old, old], .any) == 403)
        }
        #expect(status(hixie76 + [new], policy) == nil)
        #expect(status([new], policy) == nil)
    }

    @Test func twoOriginsAreNone() {
        let twice = ["Origin: http://a", "Origin: http://a"]
        for lines in [version13, version8, version7, hixie76, []] {
            #expect(status(lines + twice, .any) == 403)
        }
    }

    @Test func theCheckSeesTheRawValue() {
        let lines = version13 + ["Origin:   http://A.b/ c "]
        #expect(status(lines, .check { $0 == "http://A.b/ c" }) == nil)
    }

    @Test(arguments: ["http://example.com/", "http://a b", "https://*.example.com/x"])
    func anEntryThatCouldNeverMatchIsAMistake(_ entry: String) async {
        // The argument is repeated here because the child process starts from nothing.
        await #expect(processExitsWith: .failure) {
            _ = OriginPolicy.allow(["http://example.com/"])
        }
        #expect(withBytes(entry) { WebOrigin($0) == nil })
    }
}
