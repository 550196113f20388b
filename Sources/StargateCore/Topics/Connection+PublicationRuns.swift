// The short way of publications: to a peer that reads, and for whom nothing waits, they are written
// where they lie, without a place in its queue. What the kernel refuses goes the long way.

extension ConnectionFlags {
    /// Publications must pass through the queue.
    fileprivate static let needsQueue: ConnectionFlags = [
        .isBlocked, .isTransformed, .isCondemned, .sendsFragments,
    ]
}

extension Connection {
    /// Whether nothing that was sent or published before waits, and frames go out as they are.
    func takesRuns(_ subscriptions: Subscriptions) -> Bool {
        state.phase == .open && state.flags.isDisjoint(with: .needsQueue)
            && state.outbound == nil && state.tls == nil && subscriptions.queue.isEmpty
            && !subscriptions.hasOverflown
    }

    /// Writes a run. Returns how many of its publications are dealt with: the others are still
    /// messages, which wait by the rules of a policy.
    func write(_ run: PublicationRun) -> Int {
        let bytes = unsafe run.frame.bytes
        let written = unsafe writeOnce(bytes)
        if written == bytes.count {
            loop.state.counters[Counter.messagesSent] &+= UInt64(truncatingIfNeeded: run.count)
            return run.count
        }
        // Whatever was wrong: nothing is delivered to a connection that was condemned.
        guard let sent = written else { return 0 }
        // What the kernel has begun to take must follow; one at least, so that something waits.
        let begun = run.begun(after: sent)
        outboundQueue().queue.refer(to: begun.last, from: begun.last.count &- (begun.end &- sent))
        loop.state.counters[Counter.messagesSent] &+= UInt64(truncatingIfNeeded: begun.count)
        becomeBlocked()
        return begun.count
    }
}
