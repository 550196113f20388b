import Testing

@testable import StargateCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite("The buffer of a message")
struct MessageBufferTests {
    @Test("what is appended is there, in order")
    func append() {
        var buffer = MessageBuffer(limit: 10_000)
        var expected: [UInt8] = []
        #expect(buffer.capacity == 0 && buffer.count == 0)
        for count in [0, 1, 7, 256, 300, 0, 4000] {
            let piece = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(piece.withUnsafeBytes { buffer.append($0) })
            expected += piece
            #expect(Array(buffer.bytes) == expected)
        }
        #expect(buffer.count == expected.count)
    }

    @Test(
        "the limit is exact, and a refusal changes nothing",
        arguments: [0, 1, 255, 256, 257, 5000]
    )
    func limit(limit: Int) {
        var buffer = MessageBuffer(limit: limit)
        for index in 0..<limit {
            #expect([UInt8(truncatingIfNeeded: index)].withUnsafeBytes { buffer.append($0) })
            #expect(buffer.capacity <= limit)
        }
        #expect([UInt8(1)].withUnsafeBytes { !buffer.append($0) })
        #expect(buffer.reserve(1) == nil)
        #expect(buffer.reserve(Int.max) == nil)
        #expect(buffer.count == limit)
        #expect(Array(buffer.bytes) == (0..<limit).map { UInt8(truncatingIfNeeded: $0) })
    }

    /// The address sanitizer ends the process where malloc would return null.
    static let hasOrdinaryMalloc = dlsym(dlopen(nil, RTLD_NOW), "__asan_init") == nil

    @Test("memory that does not exist is a value", .enabled(if: hasOrdinaryMalloc))
    func noMemory() {
        var buffer = MessageBuffer(limit: .max)
        #expect([UInt8(7)].withUnsafeBytes { buffer.append($0) })
        #expect(buffer.reserve(1 << 60) == nil)
        #expect(Array(buffer.bytes) == [7])
    }

    @Test("growth doubles: few allocations for many small pieces")
    func growth() {
        var buffer = MessageBuffer(limit: 1 << 20)
        var capacities: Set<Int> = []
        for _ in 0..<(1 << 16) {
            #expect([UInt8(1)].withUnsafeBytes { buffer.append($0) })
            capacities.insert(buffer.capacity)
        }
        #expect(capacities.count <= 10)
    }

    @Test("room is filled in place, with slack behind it")
    func reserve() throws {
        var buffer = MessageBuffer(limit: 1000)
        let reserved = buffer.reserve(10)
        let room = try #require(reserved)
        #expect(room.count >= 10)
        for index in 0..<10 { room[index] = UInt8(index) }
        buffer.commit(4)
        #expect(Array(buffer.bytes) == [0, 1, 2, 3])
        let rest = buffer.reserve(996)
        let all = try #require(rest)
        #expect(all.count == 996 && buffer.capacity == 1000)
        // The slack is real memory: a sanitizer would see it if it were not.
        let end = try #require(all.baseAddress) + all.count
        end.storeBytes(of: 0x55, toByteOffset: MessageBuffer.slack - 1, as: UInt8.self)
        #expect(end.load(fromByteOffset: MessageBuffer.slack - 1, as: UInt8.self) == 0x55)
        buffer.truncate(to: 2)
        #expect(Array(buffer.bytes) == [0, 1])
        buffer.mutableBytes[1] = 9
        #expect(Array(buffer.bytes) == [0, 9])
    }

    @Test("what is large is given back, what is small is kept")
    func removeAll() {
        var buffer = MessageBuffer(limit: 100_000)
        let bytes = [UInt8](repeating: 1, count: 50_000)
        #expect(bytes.withUnsafeBytes { buffer.append($0) })
        let capacity = buffer.capacity
        buffer.removeAll(keepingAtMost: capacity)
        #expect(buffer.count == 0 && buffer.capacity == capacity)
        buffer.removeAll(keepingAtMost: capacity - 1)
        #expect(buffer.capacity == 0)
        #expect(bytes.withUnsafeBytes { buffer.append($0) })
        #expect(Array(buffer.bytes) == bytes)
        buffer.removeAll()
        #expect(buffer.capacity == 0 && buffer.count == 0)
    }
}
