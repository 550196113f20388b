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

    private func compress(_ shared: SharedCompression, _ windowBits: Int) -> [UInt8] {
        var buffer = MessageBuffer(limit: 1 << 20)
        let outcome = message.withUnsafeBytes {
            shared.compress($0, windowBits: windowBits, into: &buffer)
        }
        #expect(outcome == .compressed)
        return Array(buffer.bytes)
    }
}
