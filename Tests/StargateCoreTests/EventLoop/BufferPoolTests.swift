import CUV
import Testing

@testable import StargateCore

@Suite("Buffers, lent by a loop")
struct BufferPoolTests {
    @Test(
        "every capacity is met, with slack behind it that may be written",
        arguments: [
            1, 63, 64, 4031, 4032, 4033, 4096, 65535, 65536, 100_000, (1 << 24) - 64, 1 << 24,
            20 << 20,
        ]
    )
    func capacities(capacity: Int) throws {
        var pool = BufferPool()
        var buffer = pool.take(capacity: capacity)
        #expect(buffer.capacity >= capacity)
        let base = try #require(buffer.base)
        base.initializeMemory(
            as: UInt8.self,
            repeating: 7,
            count: buffer.capacity + BufferPool.slack
        )
        #expect(pool.lentByteCount == buffer.capacity + BufferPool.slack)
        pool.give(&buffer)
        #expect(pool.lentByteCount == 0)
        #expect(buffer.base == nil && buffer.capacity == 0)
        #expect(pool.retainedByteCount <= BufferPool.retainedByteCountMax)
        pool.removeAll()
        #expect(pool.retainedByteCount == 0)
    }

    @Test("what is kept is used again, and is bounded")
    func retention() {
        var pool = BufferPool()
        var buffers = (0..<100).map { _ in pool.take(capacity: 500_000) }
        #expect(pool.lentByteCount >= 50_000_000)
        for index in buffers.indices { pool.give(&buffers[index]) }
        #expect(pool.lentByteCount == 0)
        #expect(pool.retainedByteCount <= BufferPool.retainedByteCountMax)
        #expect(pool.retainedByteCount > 0)
        let before = pool.retainedByteCount
        var again = pool.take(capacity: 500_000)
        #expect(pool.retainedByteCount < before)
        pool.give(&again)
        #expect(pool.retainedByteCount == before)
        pool.removeAll()
    }

    @Test("where little may be held little is kept, and large buffers are as good as others")
    func limitedRetention() {
        var pool = BufferPool()
        pool.limitRetention(to: 1 << 20)
        var buffers = [1000, 200_000, 300_000, 1 << 20, 40 << 20].map { pool.take(capacity: $0) }
        for index in buffers.indices {
            for _ in 0..<2 {
                pool.reserve(buffers[index].capacity, in: &buffers[index])
                let bytes = [UInt8](repeating: UInt8(index), count: buffers[index].free.count)
                bytes.withUnsafeBytes { buffers[index].append($0) }
            }
            #expect(buffers[index].bytes.allSatisfy { $0 == UInt8(index) })
        }
        for index in buffers.indices { pool.give(&buffers[index]) }
        #expect(pool.lentByteCount == 0)
        #expect(pool.retainedByteCount > 0 && pool.retainedByteCount <= 1 << 20)
        pool.removeAll()
        #expect(pool.retainedByteCount == 0)
    }

    @Test("what nobody needed for a while is freed, and what was needed is kept")
    func trimming() {
        var pool = BufferPool()
        // A busy moment: ten buffers of one size and five of another at once.
        var buffers = (0..<10).map { _ in pool.take(capacity: 4000) }
        buffers += (0..<5).map { _ in pool.take(capacity: 60_000) }
        for index in buffers.indices { pool.give(&buffers[index]) }
        let all = pool.retainedByteCount
        #expect(all == 10 * 4096 + 5 * 65_536)
        // They were needed since the last time.
        pool.trim()
        #expect(pool.retainedByteCount == all)
        // From now on three of the small ones are enough.
        var three = (0..<3).map { _ in pool.take(capacity: 4000) }
        for index in three.indices { pool.give(&three[index]) }
        pool.trim()
        #expect(pool.retainedByteCount == 3 * 4096)
        // One that is lent is not there to be freed, and comes back; the other two were not needed.
        var lent = pool.take(capacity: 4000)
        pool.trim()
        #expect(pool.retainedByteCount == 0)
        pool.give(&lent)
        #expect(pool.retainedByteCount == 4096 && pool.lentByteCount == 0)
        pool.trim()
        pool.trim()
        #expect(pool.retainedByteCount == 0)
    }

    @Test("an empty buffer may be given back")
    func giveEmpty() {
        var pool = BufferPool()
        var empty = PooledBuffer.empty
        pool.give(&empty)
        #expect(pool.lentByteCount == 0 && pool.retainedByteCount == 0)
    }

    @Test("growing keeps what was in it")
    func growing() {
        var pool = BufferPool()
        var buffer = PooledBuffer.empty
        var expected: [UInt8] = []
        for round in 0..<200 {
            let part = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: round * 13)
            pool.reserve(part.count, in: &buffer)
            part.withUnsafeBytes { buffer.append($0) }
            expected += part
        }
        #expect(Array(buffer.bytes) == expected)
        #expect(pool.lentByteCount == buffer.capacity + BufferPool.slack)
        pool.give(&buffer)
        pool.removeAll()
    }
}

@Suite("Output that waits")
struct OutboundQueueTests {
    /// Everything in the queue, gathered as for a write.
    private func contents(_ queue: OutboundQueue) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: Slice.self, capacity: 32) { slices in
            slices.initialize(repeating: Slice())
            let count = queue.gather(slices)
            return slices[..<count].flatMap { slice in
                Array(UnsafeRawBufferPointer(start: slice.base, count: slice.len))
            }
        }
    }

    @Test(
        "bytes come out as they went in, however they are consumed",
        arguments: [1, 100, 4096, 9000]
    )
    func consuming(step: Int) {
        var pool = BufferPool()
        var queue = OutboundQueue()
        var expected: [UInt8] = []
        for part in 0..<30 {
            let bytes = [UInt8](repeating: UInt8(part), count: part * 37)
            bytes.withUnsafeBytes { queue.append($0, pool: &pool) }
            expected += bytes
        }
        queue.append(count: 5000, pool: &pool) { target in
            target.initializeMemory(as: UInt8.self, repeating: 0xAB, count: 5000)
        }
        expected += [UInt8](repeating: 0xAB, count: 5000)
        #expect(queue.byteCount == expected.count)
        while !queue.isEmpty {
            #expect(contents(queue) == expected)
            queue.consume(step, pool: &pool)
            expected.removeFirst(min(step, expected.count))
            #expect(queue.byteCount == expected.count)
        }
        queue.removeAll(pool: &pool)
        #expect(pool.lentByteCount == 0)
        pool.removeAll()
    }

    @Test("consuming more than there is empties it")
    func consumingTooMuch() {
        var pool = BufferPool()
        var queue = OutboundQueue()
        [UInt8]([1, 2, 3]).withUnsafeBytes { queue.append($0, pool: &pool) }
        queue.consume(100, pool: &pool)
        #expect(queue.isEmpty && queue.byteCount == 0 && pool.lentByteCount == 0)
        pool.removeAll()
    }

    @Test("bytes appended while others are offered do not move those")
    func stability() {
        var pool = BufferPool()
        var queue = OutboundQueue()
        [UInt8]([1, 2, 3]).withUnsafeBytes { queue.append($0, pool: &pool) }
        withUnsafeTemporaryAllocation(of: Slice.self, capacity: 4) { slices in
            slices.initialize(repeating: Slice())
            #expect(queue.gather(slices) == 1)
            let offered = slices[0].base
            for _ in 0..<100 {
                [UInt8](repeating: 9, count: 1000).withUnsafeBytes { queue.append($0, pool: &pool) }
            }
            slices.initialize(repeating: Slice())
            _ = queue.gather(slices)
            #expect(slices[0].base == offered)
        }
        queue.removeAll(pool: &pool)
        #expect(pool.lentByteCount == 0)
        pool.removeAll()
    }
}

private typealias Slice = uv_buf_t
