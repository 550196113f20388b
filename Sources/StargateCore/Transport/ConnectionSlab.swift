internal import Synchronization

/// The blocks of a loop's connections.
///
/// Blocks are cut from chunks and used again, never returned to the system: the memory behind a
/// handle that was kept too long is always a connection block, so its generation can be compared.
/// A loop that stops leaves its chunks to the loops that come after it.
@safe
struct ConnectionSlab {
    /// Where the transport's storage begins within a block.
    static let transportOffset = (MemoryLayout<ConnectionBlock>.size + 15) & ~15
    private static let blocksPerChunk = 64

    private let stride: Int
    private var chunks: [UnsafeMutableRawPointer] = unsafe []
    private var free: [UInt32] = []
    private(set) var activeCount = 0

    /// Chunks of loops that stopped, by stride.
    private static let retired = Lock<[Int: [RetiredChunk]]>([:])

    @safe
    private struct RetiredChunk: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
    }

    init(storageByteCount: Int) {
        stride = (Self.transportOffset + storageByteCount + 15) & ~15
    }

    /// What the blocks take.
    var byteCount: Int { unsafe chunks.count * Self.blocksPerChunk * stride }

    /// The connection at a slot, if one is there.
    subscript(slot: UInt32) -> Connection? {
        let index = Int(slot)
        guard unsafe index < chunks.count * Self.blocksPerChunk else { return nil }
        let connection = block(at: index)
        return connection.state.phase == .free ? nil : connection
    }

    /// Every connection that is there.
    var active: [Connection] {
        unsafe (0..<chunks.count * Self.blocksPerChunk).compactMap {
            self[UInt32(truncatingIfNeeded: $0)]
        }
    }

    private func block(at index: Int) -> Connection {
        let base = unsafe chunks[index / Self.blocksPerChunk]
        let raw = unsafe base + (index % Self.blocksPerChunk) * stride
        return unsafe Connection(raw.assumingMemoryBound(to: ConnectionBlock.self))
    }

    /// Takes a free block.
    mutating func take(for loop: Loop) -> Connection {
        if free.isEmpty { addChunk(for: loop) }
        activeCount += 1
        return block(at: Int(free.removeLast()))
    }

    /// Takes a block back.
    mutating func give(_ connection: Connection) {
        activeCount -= 1
        free.append(connection.state.slot)
    }

    private mutating func addChunk(for loop: Loop) {
        let chunkIndex = unsafe chunks.count
        let loopIndex = UInt32(truncatingIfNeeded: loop.eventLoop.index)
        let reused = Self.retired.withLock { $0[stride]?.popLast() }
        let chunk =
            unsafe reused?.base
            ?? .allocate(byteCount: stride * Self.blocksPerChunk, alignment: 64)
        unsafe chunks.append(chunk)
        for place in (0..<Self.blocksPerChunk).reversed() {
            let slot = UInt32(truncatingIfNeeded: chunkIndex * Self.blocksPerChunk + place)
            let pointer = unsafe (chunk + place * stride).assumingMemoryBound(
                to: ConnectionBlock.self
            )
            // The count of generations goes on where an earlier loop left it.
            let generation = unsafe reused == nil ? 0 : pointer.pointee.generation
            unsafe pointer.initialize(
                to: ConnectionBlock(loop: loop, slot: slot, loopIndex: loopIndex)
            )
            unsafe pointer.pointee.generation = generation
            free.append(slot)
        }
    }

    /// The loop has stopped: leaves the chunks to others.
    mutating func retire() {
        assert(activeCount == 0, "a loop ends after its connections")
        let left = unsafe chunks.map { unsafe RetiredChunk(base: $0) }
        let stride = stride
        Self.retired.withLock { $0[stride, default: []] += left }
        unsafe chunks = []
        free = []
    }
}
