import Testing

@testable import StargateCore

@Suite("Compression shared by a loop's connections")
struct SharedCompressionTests {
    let message = Array(String(repeating: "one message like many others; ", count: 100).utf8)

    @Test("each window has its compressor, and stays within it", arguments: 9...15)
    func windows(windowBits: Int) {
        let shared = SharedCompression(.shared)
        for _ in 0..<3 {
            let payload = compress(shared, windowBits)
            #expect(payload.count < message.count / 4)
            var inflater = Inflater(windowBits: windowBits, hasContextTakeover: false)
            #expect(inflate(&inflater, [payload]) == Inflated(outcome: .done, bytes: message))
        }
        shared.releaseMemory()
        #expect(!compress(shared, windowBits).isEmpty)
    }

    @Test("messages that arrive at the same time do not see each other")
    func interleaved() {
        let shared = SharedCompression(.shared)
        let payload = compress(shared, 15)
        let loans = (0..<10).map { _ in shared.lend() }
        var results: [[UInt8]] = Array(repeating: [], count: loans.count)
        for byte in payload.indices {
            for (index, loan) in loans.enumerated() {
                var buffer = MessageBuffer(limit: 1 << 20)
                let isFinal = byte == payload.count - 1
                let outcome = feed(&loan.inflater, [payload[byte]], isFinal, 1 << 20, &buffer)
                #expect(outcome == .done)
                results[index] += Array(buffer.bytes)
            }
        }
        #expect(results.allSatisfy { $0 == message })
        for loan in loans { shared.takeBack(loan) }
    }

    @Test("a decompressor that comes back in the middle of a message has forgotten it")
    func abandoned() {
        let shared = SharedCompression(.shared)
        let payload = compress(shared, 15)
        let loan = shared.lend()
        var buffer = MessageBuffer(limit: 1 << 20)
        #expect(feed(&loan.inflater, Array(payload.prefix(9)), false, 1 << 20, &buffer) == .done)
        shared.takeBack(loan)
        let next = shared.lend()
        #expect(next === loan)
        #expect(next.inflater.isInMessage == false)
        let result = inflate(&next.inflater, [payload])
        #expect(result == Inflated(outcome: .done, bytes: message))
    }

    @Test("only a few decompressors are kept")
    func kept() {
        let shared = SharedCompression(.shared)
        let loans = (0..<20).map { _ in shared.lend() }
        for loan in loans { shared.takeBack(loan) }
        let again = (0..<20).map { _ in shared.lend() }
        let known = again.filter { loan in loans.contains { $0 === loan } }
        #expect(known.count == 4)
        shared.releaseMemory()
    }

    @Test("every length comes back, by whichever compressor", arguments: [9, 12, 15])
    func lengths(windowBits: Int) {
        let shared = SharedCompression(.shared)
        var inflater = Inflater(windowBits: windowBits, hasContextTakeover: false)
        let edges = [511, 512, 513, 4095, 4096, 4097, 65_536, 262_143, 262_144, 262_145, 600_000]
        for count in Array(64...300) + edges {
            let text = (0..<count).map { UInt8(97 + ($0 &* $0 >> 5) % 3) }
            let payload = compress(shared, windowBits, text)
            #expect(payload.count < count)
            let result = inflate(&inflater, [payload], limit: 1 << 20)
            #expect(result == Inflated(outcome: .done, bytes: text))
        }
    }

    @Test("a message of one call ends with its last block and an empty one, RFC 7692 7.2.3.4")
    func ending() {
        let text = Array(String(repeating: "Hello, ", count: 20).utf8)
        let payload = compress(SharedCompression(.shared), 15, text)
        // The only block is the last one: BFINAL is the first bit.
        #expect(payload.first.map { $0 & 1 } == 1)
        #expect(payload.last == 0)
        // A receiver that goes on behind it, with what it adds to every message, finds nothing more.
        var inflater = Inflater(windowBits: 15, hasContextTakeover: true)
        for _ in 0..<3 {
            let result = inflate(&inflater, [payload])
            #expect(result == Inflated(outcome: .done, bytes: text))
        }
    }

    @Test("what does not become smaller is left as it is")
    func noise() {
        let shared = SharedCompression(.shared)
        var randomness = SystemRandomNumberGenerator()
        for count in [1, 2, 3, 20, 1000, 100_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &randomness) }
            var buffer = MessageBuffer(limit: 1 << 20)
            let outcome = bytes.withUnsafeBytes {
                shared.compress($0, windowBits: 15, into: &buffer)
            }
            #expect(outcome == .notSmaller)
            #expect(buffer.count == 0)
        }
    }

    private func compress(
        _ shared: SharedCompression,
        _ windowBits: Int,
        _ message: [UInt8]? = nil
    ) -> [UInt8] {
        var buffer = MessageBuffer(limit: 1 << 20)
        let outcome = (message ?? self.message).withUnsafeBytes {
            shared.compress($0, windowBits: windowBits, into: &buffer)
        }
        #expect(outcome == .compressed)
        return Array(buffer.bytes)
    }
}
