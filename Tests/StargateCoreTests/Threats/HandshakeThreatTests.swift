// Rows of the list of threats that are about what the library gives an application, and not about
// what a served echo does: those are attacked from outside, in Tests/Attacks.

import Testing

@testable import StargateCore

@Suite("Threats: handshakes and clients")
struct HandshakeThreatTests {
    /// Whether a policy lets a page of this origin in.
    private func admits(
        _ policy: OriginPolicy,
        _ lines: String...,
        host: String = "example.com"
    )
        -> Bool?
    {
        upgrade([sampleKey, "Sec-WebSocket-Version: 13"] + lines, host: host).decide { decision in
            guard case .accept(let handshake) = decision else { return nil }
            return handshake.refusal(by: policy) == nil
        }
    }

    @Test("row 27: a foreign, null, overlong or double origin is nobody's own")
    func row27() {
        let list = OriginPolicy.allow(["http://example.com"])
        for policy in [OriginPolicy.sameOrigin, list] {
            #expect(admits(policy, "Origin: http://example.com") == true)
            let foreign = [
                "http://evil.com", "null", "", "http://example.com.evil.com", "https://example.com",
                "http://example.com:8080", "http://evil.com/http://example.com", "//example.com",
                "http://example.com@evil.com", "http://" + String(repeating: "a", count: 8000),
                "http://example.com, http://evil.com", "example.com", "http://example.com/",
            ]
            for origin in foreign {
                #expect(admits(policy, "Origin: \(origin)") == false, "\(origin)")
            }
            #expect(
                admits(policy, "Origin: http://example.com", "Origin: http://evil.com") == false
            )
        }
        // Not even a host that is called so.
        #expect(admits(.sameOrigin, "Origin: null", host: "null") == false)
        #expect(admits(.any, "Origin: null") == true)
    }

    @Test("row 27: a policy of the application's own sees the field as it was sent")
    func row27Raw() {
        let policy = OriginPolicy.check { $0 == "HTTP://Example.COM:80" }
        #expect(admits(policy, "Origin: HTTP://Example.COM:80") == true)
        #expect(admits(policy, "Origin: http://example.com:80") == false)
        #expect(admits(policy) == false)
    }

    @Test("row 29: what an application adds to a handshake cannot end a line")
    func row29() {
        for bad in ["a\r\nX: y", "a\nb", "a\rb", "a\u{0}b"] {
            #expect(!HandshakeHeaders.mayAdd("X-Name", bad))
            #expect(!HandshakeHeaders.mayAdd(bad, "value"))
            var bytes: [UInt8] = []
            #expect(!ResponseEncoder.appendField("X-Name", bad, to: &bytes))
            #expect(!ResponseEncoder.appendField(bad, "value", to: &bytes))
            #expect(bytes.isEmpty)
        }
    }

    @Test("row 35: secrets are compared in constant time, and right")
    func row35() {
        #expect(ConstantTime.areEqual("secret", "secret"))
        #expect(ConstantTime.areEqual("", ""))
        for other in ["", "secre", "secrets", "Secret", "secreT", "xxxxxx"] {
            #expect(!ConstantTime.areEqual(other, "secret"))
            #expect(!ConstantTime.areEqual("secret", other))
        }
        #expect(ConstantTime.areEqual([0, 255], [0, 255] as [UInt8]))
        #expect(!ConstantTime.areEqual([0, 255], [0, 254] as [UInt8]))
        // The same to people, other bytes: Swift's own comparison would let it in.
        #expect(!ConstantTime.areEqual("caf\u{E9}", "cafe\u{301}"))
    }

    @Test("row 73: masking keys come from the system, and none follows from another")
    func row73Keys() {
        var pool = RandomPool()
        var other = RandomPool()
        let keys = (0..<4096).map { _ in pool.nextWord() }
        let others = Set((0..<4096).map { _ in other.nextWord() })
        // Among 4,096 of 2^32 a pair is as likely as 1 in 500; three pairs never happen.
        #expect(Set(keys).count >= 4093)
        #expect(others.intersection(keys).count <= 3)
        let bits = keys.reduce(0) { $0 + $1.nonzeroBitCount }
        // Half of 131,072, give or take 14 standard deviations.
        #expect(abs(bits - 65_536) < 2600)
    }

    @Test("row 73: a masked frame from a server is a violation")
    func row73Masked() {
        for first: UInt8 in [0x81, 0x82, 0x89, 0x88] {
            let violation = scan(frame(first, [0x61]), isServer: false).violation
            #expect(violation == .maskedFrame && violation?.code == .protocolError)
        }
    }

    @Test("row 73: an answer without end is not waited for")
    func row73Endless() {
        let start = Array("HTTP/1.1 101 x\r\n".utf8)
        let endless = [
            start + [UInt8](repeating: 0x61, count: 65 << 10),
            start + Array(repeatElement(Array("a: b\r\n".utf8), count: 11_000).joined()),
            Array("HTTP/1.1 101 ".utf8) + [UInt8](repeating: 0x61, count: 65 << 10),
        ]
        for bytes in endless {
            let scan = withHead(bytes, capacity: 100) { bytes, fields in
                ResponseHeadScanner.scan(
                    bytes,
                    previouslyScanned: 0,
                    limits: .default,
                    into: fields
                )
            }
            guard case .malformed = scan else {
                Issue.record("\(scan)")
                continue
            }
        }
    }
}
