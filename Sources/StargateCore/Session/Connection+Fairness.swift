// What one connection may do in a turn of its loop, and how often in a second, so that a peer that
// never stops sending costs the others little.

/// How many messages may still come at once, where their rate is limited: a bucket that holds a
/// second's worth.
struct MessageCredit {
    private var count: Int32 = 0
    private var tick: UInt32 = 0

    /// The credit at this time.
    ///
    /// - Parameters:
    ///   - rate: messages per second, at least 1.
    ///   - now: the loop's clock, which is never 0.
    /// - Returns: so many may come now.
    mutating func refill(rate: Int, now: UInt32) -> Int {
        let elapsed = tick == 0 ? UInt32.max : now &- tick
        tick = now
        let perSecond = UInt64(DeadlineTable.ticksPerSecond)
        let earned =
            UInt64(min(elapsed, 60 * DeadlineTable.ticksPerSecond)) * UInt64(rate) / perSecond
        let total = min(UInt64(rate), UInt64(max(0, count)) + earned)
        count = Int32(clamping: total)
        return Int(count)
    }

    /// So many came.
    mutating func spend(_ spent: Int) { count = Int32(clamping: Int(count) - spent) }
}

extension Connection {
    /// How much one connection may read in one turn of the loop before others have theirs.
    static let readByteCountPerTurn = 1 << 20
    /// The same while others are read, too: with what is sent for it, about as long as a short
    /// message's way there and back takes without any.
    static let sharedByteCountPerTurn = 128 << 10

    /// So many frames of one connection are processed in a turn: a quarter of a millisecond for a
    /// handler that echoes, and a fifth of a second for one that takes 100 microseconds for each.
    static let frameCountPerTurn = 2048

    /// A plain request counts as so many frames, because its answer may be a page that is made for
    /// it: four are answered in a turn, however many a client sends ahead.
    static let frameCountPerRequest = frameCountPerTurn / 4

    /// Whether this connection may still be read in this turn.
    @inline(__always)
    func hasTurn() -> Bool {
        guard isLastReader else {
            beginReading()
            return true
        }
        let loop = loop
        let share = isSharing ? Self.sharedByteCountPerTurn : Self.readByteCountPerTurn
        return loop.state.lastReaderByteCount < share
            && loop.state.lastReaderFrameCount < Self.frameCountPerTurn
    }

    /// Whether this is the connection that was read last.
    @inline(__always)
    var isLastReader: Bool {
        // An optional pointer would be compared in two steps.
        unsafe UInt(bitPattern: loop.state.lastReader) == UInt(bitPattern: block)
    }

    /// Another connection was read before.
    @inline(__always)
    func beginReading() {
        let loop = loop
        unsafe loop.state.lastReader = unsafe block
        loop.state.lastReaderByteCount = 0
        loop.state.lastReaderFrameCount = 0
        loop.state.sharedTick = loop.state.now
    }

    /// Whether others were read a moment ago.
    @inline(__always)
    var isSharing: Bool { loop.state.now &- loop.state.sharedTick <= 1 }

    /// How many frames may be processed now.
    @inline(__always)
    func frameBudget(rate: Int) -> Int {
        let used = isLastReader ? loop.state.lastReaderFrameCount : 0
        let share = max(0, Self.frameCountPerTurn &- used)
        return rate == 0 ? share : min(share, messageCredit(rate: rate))
    }

    @inline(never)
    private func messageCredit(rate: Int) -> Int {
        state.messageCredit.refill(rate: rate, now: loop.currentTick())
    }

    /// Frames that the peer may send each second; 0 for any number.
    @inline(__always)
    var frameRate: Int { withContext { $0.limits.messagesPerSecond } ?? 0 }

    /// So many frames were processed, and so many of them were whole messages.
    @inline(__always)
    func countFrames(_ count: Int, messageCount: Int = 0, rate: Int) {
        let loop = loop
        let counters = loop.state.counters
        counters[Counter.framesReceived] &+= UInt64(truncatingIfNeeded: count)
        counters[Counter.messagesReceived] &+= UInt64(truncatingIfNeeded: messageCount)
        loop.state.lastReaderFrameCount &+= count
        if rate != 0 { state.messageCredit.spend(count) }
    }

    /// A plain request was answered, with others perhaps behind it.
    func countRequest() { loop.state.lastReaderFrameCount &+= Self.frameCountPerRequest }

    /// More came than may be processed now: keeps the rest for the next turn, or fails the
    /// connection of a peer that sends more often than it may.
    func postpone(_ rest: UnsafeRawBufferPointer, rate: Int) {
        if rate > 0, messageCredit(rate: rate) == 0 {
            return fail(.policyViolation, "messages come too often", reason: .messageRate)
        }
        state.flags.remove(.readsMuch)
        unsafe hold(rest)
        yieldTurn()
    }

    /// The share of this turn is used up: what is held comes next turn, before more is read.
    func yieldTurn() {
        guard !state.flags.contains(.hasYielded) else { return }
        state.flags.insert(.hasYielded)
        loop.state.counters[Counter.yields] &+= 1
        if loop.state.yielded.isEmpty { loop.eventLoop.startNextTurn() }
        loop.state.yielded.append(id)
    }

    /// The next turn has come.
    func endYielding(_ id: ConnectionID) {
        guard id == self.id, state.flags.contains(.hasYielded) else { return }
        state.flags.remove(.hasYielded)
        askForAttention()
    }
}
