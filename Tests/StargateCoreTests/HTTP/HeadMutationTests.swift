import Testing

@testable import StargateCore

/// A small generator whose numbers are the same in every run. SplitMix64, by Sebastiano Vigna.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed &>> 31)
    }
}

@Suite("Heads that were damaged")
struct HeadMutationTests {
    static let telling: [UInt8] = [0, 9, 10, 13, 32, 47, 58, 63, 127, 128, 255]

    private static func mutate(_ bytes: inout [UInt8], with numbers: inout Numbers) {
        for _ in 0..<Int.random(in: 1...3, using: &numbers) {
            guard let index = bytes.indices.randomElement(using: &numbers) else { return }
            let byte = telling.randomElement(using: &numbers) ?? 0
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0: bytes[index] = byte
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.removeSubrange(index..<min(index + 5, bytes.count))
            }
        }
    }

    @Test("pieces never change the decision, and no head exceeds its bytes", arguments: 0..<4)
    func decisions(seed: UInt64) {
        var numbers = Numbers(state: seed)
        var refused = 0
        for _ in 0..<250 {
            var bytes = Array(chromeUpgrade.utf8)
            Self.mutate(&bytes, with: &numbers)
            // A blank line calls for a decision: without one, a bad name may show later in pieces.
            bytes += [13, 10, 13, 10]
            let whole = scanRequest(bytes)
            let (pieces, _) = scanRequest(bytes, arrivingAt: 1...bytes.count)
            let step = Int.random(in: 2...200, using: &numbers)
            let ends = Array(stride(from: step, to: bytes.count, by: step)) + [bytes.count]
            #expect(scanRequest(bytes, arrivingAt: ends).outcome == whole)
            #expect(pieces == whole)
            if case .refused = whole { refused += 1 }
            if let request = whole.request {
                #expect(request.head.byteCount <= bytes.count)
                #expect(bytes[..<request.head.byteCount].suffix(4) == [13, 10, 13, 10])
            }
        }
        // Most damage shows; if it did not, this test would prove nothing.
        #expect(refused > 100)
    }

    @Test("what can be made of a damaged request is made without a trap", arguments: 10..<12)
    func requests(seed: UInt64) {
        var numbers = Numbers(state: seed)
        var complete = 0
        for _ in 0..<400 {
            let start = "GET http://h:80/%41/%?a=%zz&b=%C3 HTTP/1.1\r\nHost: [::1]:80\r\n"
            var bytes = Array((start + "Cookie: a=b; c\r\nContent-Length: 12\r\n\r\n").utf8)
            Self.mutate(&bytes, with: &numbers)
            let isConsistent = withRequest(String(decoding: bytes, as: UTF8.self)) { view, head in
                let request = Request(copying: view, head: head)
                _ = (HostHeader.validate(view, head), view.bodyFraming, request.cookies["a"])
                return request.headers.count == head.fieldCount
                    && request.query.count(where: { _ in true }) <= 9 && !request.path.isEmpty
            }
            guard let isConsistent else { continue }
            complete += 1
            #expect(isConsistent)
        }
        #expect(complete > 50)
    }
}
