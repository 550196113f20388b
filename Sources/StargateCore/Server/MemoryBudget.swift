internal import CUV
internal import Synchronization

/// What the loops of a server hold together, and how much that may be.
///
/// The loops keep their accounts as plain numbers and publish them once a turn; they are summed
/// here when somebody asks: at every accepted connection, and when a loop's accounts have grown.
final class MemoryBudget: Sendable {
    /// In bytes; nil for no limit.
    let byteCount: Int?
    private let meters: Lock<[Meter]>
    /// What is held in publications.
    private let frames: FrameAccount

    init(_ byteCount: Int?, frames: FrameAccount = FrameAccount()) {
        self.byteCount = byteCount
        self.frames = frames
        meters = Lock([])
    }

    /// Half of what this process may use: of the memory of the machine, or of its container. The
    /// other half is the application's, the allocator's and the kernel's, whose socket buffers
    /// count in a container.
    static var defaultByteCount: Int {
        let physical = uv_get_total_memory()
        let constrained = uv_get_constrained_memory()
        let available = constrained > 0 ? min(physical, constrained) : physical
        return Int(clamping: available / 2)
    }

    /// How much more a loop holds before it looks at the sum again: little beside the 2 of 100
    /// that are left, with many loops.
    var noticeableByteCount: UInt64 {
        UInt64(clamping: min(4 << 20, (byteCount ?? .max) / 256))
    }

    func add(_ meter: Meter) {
        meters.withLock { $0.append(meter) }
    }

    /// What is held now, by the loops and in publications, which belong to none of them.
    var usedByteCount: Int {
        held.byteCount &+ frames.byteCount
    }

    private var held: (byteCount: Int, loopCount: Int) {
        meters.withLock { meters in
            var held: UInt64 = 0
            // By index: to walk over them would count references to all.
            for index in meters.indices { held &+= meters[index].counts.heldByteCount }
            return (Int(clamping: held), meters.count)
        }
    }

    /// At 95 of 100 nobody is let in: those who are there need the rest.
    var isTight: Bool { isUsed(95) }

    /// At 98 of 100 those who hold the most have to go.
    var isExhausted: Bool { isUsed(98) }

    /// What may be held when loops look: less than the budget by what they may take in a turn
    /// before they do, and while a message moves to a larger buffer.
    private var limit: Int? { byteCount.map { $0 - min(4 << 20, $0 / 16) } }

    private func isUsed(_ percentage: Int) -> Bool {
        guard let limit else { return false }
        return usedByteCount / 100 >= limit / 10_000 * percentage
    }

    /// How much is to be set free until no more than so much of 100 is used.
    func excessByteCount(over percentage: Int) -> Int {
        guard let limit else { return 0 }
        return max(0, usedByteCount - limit / 100 * percentage)
    }

    /// A loop's fair share of what loops hold: one of them holds as much, however much is published.
    var shareByteCount: Int {
        let held = held
        return held.byteCount / max(1, held.loopCount)
    }

    /// What a loop may keep of buffers that nobody uses, beside what is held: little of a small
    /// budget, all loops taken together.
    func spareByteCountMax(loopCount: Int) -> Int {
        min(BufferPool.retainedByteCountMax, (byteCount ?? .max) / 16 / max(1, loopCount))
    }
}

extension Meter.Counts {
    /// What a loop holds in all of its accounts but the spare one, which is given up when it is
    /// needed.
    var heldByteCount: UInt64 {
        var total: UInt64 = 0
        for place in 0..<Int(MemoryAccount.spare.rawValue) { total &+= self[.memory, place] }
        return total
    }
}

/// Sees to it that a loop stays within its server's budget.
final class MemoryGuard {
    private let budget: MemoryBudget
    private let compression: LoopCompression?
    /// When room was made for others; nil for never.
    private var lastRoomTick: UInt32?

    init(_ budget: MemoryBudget, _ compression: LoopCompression?) {
        self.budget = budget
        self.compression = compression
    }

    /// The accounts of a loop have grown: if the budget is used up, sets free what nobody uses, and
    /// then ends the connections that hold the most, until it is no longer tight. Only a loop that
    /// holds at least its share does that, so that the worst offender goes and not everybody's
    /// neighbour.
    func check(_ loop: Loop) {
        guard budget.isTight else { return }
        releaseSpare(loop)
        guard budget.isExhausted, holdsItsShare(loop) else { return }
        shed(loop, untilUsed: 95)
    }

    /// Somebody was not let in because memory is tight: makes room for those who come next, once a
    /// second. Otherwise those who hold it would keep everybody else out.
    func makeRoom(_ loop: Loop) {
        let now = loop.currentTick()
        if let lastRoomTick, now &- lastRoomTick < DeadlineTable.ticksPerSecond { return }
        guard holdsItsShare(loop) else { return }
        lastRoomTick = now
        releaseSpare(loop)
        shed(loop, untilUsed: 90)
    }

    private func holdsItsShare(_ loop: Loop) -> Bool {
        Int(clamping: loop.state.counters.heldByteCount) >= budget.shareByteCount
    }

    private func releaseSpare(_ loop: Loop) {
        loop.state.buffers.removeAll()
        compression?.contexts.releaseMemory()
    }

    private func shed(_ loop: Loop, untilUsed percentage: Int) {
        var excess = budget.excessByteCount(over: percentage)
        let holders = loop.state.slab.active
            .map { (connection: $0, byteCount: $0.heldByteCount) }
            .filter { $0.byteCount > 0 }
            .sorted { $0.byteCount > $1.byteCount }
        for holder in holders where excess > 0 {
            holder.connection.shed()
            excess -= holder.byteCount
        }
        loop.serveAttention()
        // What those who went gave back is not kept for others.
        loop.state.buffers.removeAll()
        _ = loop.eventLoop.publishMemory()
    }
}
