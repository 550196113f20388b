/// What a loop holds for its connections beside their blocks and the pool's buffers, in bytes.
struct LoopMemory {
    /// Contexts of compression that belong to single connections.
    var compression = 0
    /// TLS sessions and their buffers.
    var tls = 0
    /// Bodies of HTTP requests that are on the way.
    var bodies = 0
    /// The queues of publications, without what waits in them.
    var publications = 0
}

extension EventLoop {
    /// Lets other threads see what this loop's memory is used for.
    ///
    /// - Returns: whether it has become noticeably more since this last said so.
    func publishMemory() -> Bool {
        let received = loop.state.buffers.lentByteCount &- loop.state.buffers.outputByteCount
        var total = publish(.connections, loop.state.slab.byteCount)
        total &+= publish(.received, received)
        total &+= publish(
            .output,
            loop.state.buffers.outputByteCount &+ loop.state.memory.publications
        )
        total &+= publish(.compression, loop.state.memory.compression)
        total &+= publish(.tls, loop.state.memory.tls)
        total &+= publish(.bodies, loop.state.memory.bodies)
        total &+= publish(.waiting, executor.state.waitingByteCount)
        total &+= publish(.spare, loop.state.buffers.retainedByteCount)
        if total < noticedByteCount { noticedByteCount = total }
        guard total >= noticedByteCount &+ noticeableByteCount else { return false }
        noticedByteCount = total
        return true
    }

    private func publish(_ account: MemoryAccount, _ byteCount: Int) -> UInt64 {
        let value = UInt64(clamping: byteCount)
        if value != meter.counts[account] { meter.counts[account] = value }
        return value
    }
}
