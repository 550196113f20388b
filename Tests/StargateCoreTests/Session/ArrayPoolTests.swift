import Testing

@testable import StargateCore

@Suite("Arrays that are filled again")
struct ArrayPoolTests {
    /// Bytes that tell one message from another.
    private func message(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    @Test("lengths that have an array", arguments: [0, 1, 119, 120, 121, Int.max])
    func lengths(count: Int) {
        #expect(ArrayPool.suits(count) == (1...120).contains(count))
    }

    @Test("every length, after every kind of other", arguments: [1, 7, 15, 16, 17, 119])
    func contents(step: Int) {
        var pool = ArrayPool()
        for number in 0..<2000 {
            let bytes = message(number, 1 + (number * step) % ArrayPool.byteCountMax)
            #expect(pool.copy(bytes.span.bytes) == bytes)
        }
    }

    @Test("an array that somebody keeps stays as it is")
    func kept() {
        var pool = ArrayPool()
        let messages = (0..<1000).map { message($0, 1 + $0 % 40) }
        let kept = messages.map { pool.copy($0.span.bytes) }
        #expect(kept == messages)
    }

    @Test("an array that was let go is used again")
    func reused() {
        var pool = ArrayPool()
        func address(_ bytes: [UInt8]) -> Int {
            pool.copy(bytes.span.bytes).withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
        }
        let addresses = (0..<200).map { address(message($0, 20)) }
        #expect(Set(addresses).count <= 16)
    }
}
