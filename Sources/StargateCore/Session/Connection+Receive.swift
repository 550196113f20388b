// The walk of a message, steps 1 to 3: bytes arrive from the transport and go to the phase the
// connection is in.

extension Connection {
    /// What a peer may send ahead while the application decides; then it is not read from.
    static let waitingByteCountMax = 64 << 10
    /// A frame with at least this much to come is received into its message's own buffer.
    private static let directByteCountMin = 16 << 10
    /// What is read at first from a peer whose messages are larger than what a read brings: their
    /// header, and not much that would have to be copied.
    private static let firstReadByteCount = 16 << 10

    // MARK: Reading

    /// Where the transport is to put the next bytes; empty when this connection has had its share
    /// of the turn.
    @inline(__always)
    func receiveSpace() -> ReceiveSpace {
        guard state.flags.isDisjoint(with: .decideSpace) else { return otherReceiveSpace() }
        let buffer = loop.state.receiveBuffer
        return hasTurn() ? buffer.smallSpace : buffer.noSpace
    }

    /// The same for a connection that has something under way, or TLS, or sends much.
    @inline(never)
    private func otherReceiveSpace() -> ReceiveSpace {
        let buffer = loop.state.receiveBuffer
        // What is held comes first: whoever sends without a pause must not fill memory meanwhile.
        if let inbound = state.inbound, inbound.state.held.count > 0, !waitsForApplication {
            return buffer.noSpace
        }
        guard hasTurn() else { return buffer.noSpace }
        if state.tls != nil { return encryptedSpace() }
        if let inbound = state.inbound, let space = directSpace(inbound) { return space }
        if state.inbound != nil, waitsForApplication { return buffer.space(waitingRoom) }
        return plainSpace
    }

    /// As much as fits for who sends long frames; little for who may send so many short ones that
    /// they would have to wait here for their turns.
    private var plainSpace: ReceiveSpace {
        let buffer = loop.state.receiveBuffer
        if state.flags.contains(.expectsLargeFrame), state.inbound == nil {
            return buffer.space(Self.firstReadByteCount)
        }
        guard state.flags.contains(.readsMuch) else { return buffer.smallSpace }
        guard isSharing, !state.flags.contains(.sendsLong) else { return buffer.space }
        return buffer.space(Self.sharedByteCountPerTurn)
    }

    /// Where the transport puts the bytes of a connection with TLS. What they decrypt to is no
    /// longer, so the limit on what waits is kept here.
    private func encryptedSpace() -> ReceiveSpace {
        guard let shared = loop.state.tls else { return loop.state.receiveBuffer.noSpace }
        var room = state.flags.contains(.readsMuch) ? Int.max : ReceiveBuffer.smallCapacity
        if waitsForApplication { room = min(room, waitingRoom) }
        let space = unsafe shared.receiveSpace
        guard let start = space.baseAddress else { return loop.state.receiveBuffer.noSpace }
        return unsafe ReceiveSpace(start: start, count: min(space.count, room))
    }

    /// Where plaintext is put; never empty.
    func plaintextSpace() -> ReceiveSpace {
        if let inbound = state.inbound, let space = directSpace(inbound) { return space }
        return loop.state.receiveBuffer.space
    }

    /// The rest of a large frame goes straight to where it will stay.
    private func directSpace(_ inbound: Inbound) -> ReceiveSpace? {
        guard receivesFrames, inbound.state.held.count == 0, inbound.state.spillByteCount == 0,
            let frame = inbound.state.assembler.partialFrame,
            frame.remainingByteCount >= Self.directByteCountMin, !streamsMessages,
            !inbound.state.assembler.isCompressed
        else { return nil }
        let room = inbound.state.assembler.reserve(pool: &loop.state.buffers)
        let free = unsafe inbound.state.assembler.payload.free
        guard let start = free.baseAddress else { return nil }
        // A read that is not filled tells that nothing is left. So there is room for a little more
        // than the frame: a buffer has some behind its capacity.
        let more = room == frame.remainingByteCount ? BufferPool.slack : 0
        // checked: the room is within the buffer, and a few bytes more do not overflow.
        return unsafe ReceiveSpace(start: start, count: min(room, free.count) + more)
    }

    /// `count` bytes were written to the start of ``receiveSpace()``: at least one, and fewer than
    /// there was room for.
    @inline(never)
    func received(_ count: Int) {
        let loop = loop
        loop.state.lastReaderByteCount &+= count
        let counters = loop.state.counters
        counters[Counter.reads] &+= 1
        counters[Counter.bytesReceived] &+= UInt64(truncatingIfNeeded: count)
        guard state.flags.intersection(.decideReading) == .isOpen else {
            return receivedOther(count)
        }
        hear(loop)
        beginCallback(.isInCallback, loop)
        unsafe receiveMessages(loop.state.receiveBuffer.start, count: count, loop)
        endCallback(isCorked: true)
    }

    /// The same for bytes that are not simply frames of an open connection.
    @inline(never)
    private func receivedOther(_ count: Int) {
        if let session = state.tls { return receivedEncrypted(count, session) }
        receivedPlaintext(count)
    }

    /// The peer is there.
    @inline(__always)
    private func hear(_ loop: Loop) {
        state.lastHeard = loop.currentTick()
        state.flags.remove(.awaitsPong)
    }

    /// `count` bytes filled ``receiveSpace()``.
    ///
    /// If that is as much as may be read at first, there is probably more, and from now on it is
    /// read at once; but not from a peer whose frames are so short that most of it would have to be
    /// held for later turns.
    @inline(never)
    func receivedFull(_ byteCount: Int) {
        let before = loop.state.lastReaderFrameCount
        received(byteCount)
        guard byteCount == ReceiveBuffer.smallCapacity else { return }
        let count = loop.state.lastReaderFrameCount &- before
        let most = Self.frameCountPerTurn &* ReceiveBuffer.smallCapacity / ReceiveBuffer.capacity
        guard count <= most, receivesFrames else { return }
        state.flags.insert(.readsMuch)
    }

    /// `count` bytes were put to the start of where plain bytes go.
    func receivedPlaintext(_ count: Int) {
        hear(loop)
        if state.inbound == nil, state.phase == .open {
            beginCallback()
            unsafe receiveFrames(
                UnsafeMutableRawBufferPointer(start: loop.state.receiveBuffer.start, count: count)
            )
            if state.flags.contains(.expectsLargeFrame) { noteFrameSize() }
            return endCallback()
        }
        if let inbound = state.inbound {
            if directSpace(inbound) != nil { return receivedDirectly(count, inbound) }
            return receivedBehind(inbound, count)
        }
        unsafe process(
            UnsafeMutableRawBufferPointer(start: loop.state.receiveBuffer.start, count: count)
        )
    }

    /// The bytes follow something that was left over: puts that in front of them.
    private func receivedBehind(_ inbound: Inbound, _ count: Int) {
        let start = unsafe loop.state.receiveBuffer.start
        if inbound.state.awaitsProxyHeader {
            return unsafe receivedProxied(
                inbound,
                UnsafeRawBufferPointer(start: start, count: count)
            )
        }
        if inbound.state.held.count > 0 {
            // Paused with a read already under way: it waits behind what is held.
            unsafe hold(UnsafeRawBufferPointer(start: start, count: count))
            if waitsForApplication, waitingRoom == 0 { pauseReading() }
            return
        }
        if inbound.state.head.count > 0 {
            return unsafe processHead(inbound, UnsafeRawBufferPointer(start: start, count: count))
        }
        let spillByteCount = inbound.state.spillByteCount
        inbound.state.spillByteCount = 0
        let front = unsafe start - spillByteCount
        for index in 0..<spillByteCount {
            unsafe front.storeBytes(
                of: inbound.state.spill[index],
                toByteOffset: index,
                as: UInt8.self
            )
        }
        releaseIdleInbound()
        unsafe process(UnsafeMutableRawBufferPointer(start: front, count: spillByteCount &+ count))
    }

    // MARK: Processing

    /// Processes bytes in the callback of this connection: what is sent meanwhile is corked, and
    /// leaves in one system call at the end.
    func process(_ bytes: UnsafeMutableRawBufferPointer) {
        corked { unsafe processPhase(bytes) }
    }

    /// Runs `body` as a callback of this connection.
    func corked(_ body: () -> Void) {
        beginCallback()
        body()
        endCallback()
    }

    /// What is sent from here on is corked, unless something waits already.
    @inline(__always)
    private func beginCallback() {
        beginCallback(state.flags.contains(.keepsOutput) ? .isProcessing : .isInCallback, loop)
    }

    @inline(__always)
    private func beginCallback(_ flags: ConnectionFlags, _ loop: Loop) {
        assert(loop.state.cork.count == 0, "one connection is corked at a time")
        state.flags.formUnion(flags)
        loop.note(.received, route: state.route)
    }

    @inline(__always)
    private func endCallback(isCorked: Bool = false) {
        // What the messages were for goes on at once, while what it sends can still be corked.
        if loop.state.hasTasks { loop.runTasks() }
        let loop = loop
        if isCorked || state.flags.contains(.isCorked) {
            flushCork()
            loop.state.cork.expectsMore()
        }
        state.flags.subtract(.isInCallback)
        guard !state.flags.contains(.isOpen) else { return }
        // A connection on the attention list is looked at before the loop sleeps anyway.
        if !state.flags.contains(.needsAttention), state.phase == .ending { flush() }
    }

    private func processPhase(_ bytes: UnsafeMutableRawBufferPointer) {
        let used = unsafe receiveHandshake(bytes, scannedByteCount: 0)
        unsafe receiveBehindHandshake(bytes, from: used)
    }

    /// Takes in what follows a handshake in the same read: frames, or what has to wait.
    private func receiveBehindHandshake(_ bytes: UnsafeMutableRawBufferPointer, from used: Int) {
        guard used < bytes.count else { return }
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[used...])
        if receivesFrames {
            loop.note(.received, route: state.route)
            unsafe receiveFrames(rest)
        } else if waitsForApplication {
            unsafe hold(UnsafeRawBufferPointer(rest))
            if waitingRoom == 0 { pauseReading() }
        }
    }

    private func receivedDirectly(_ count: Int, _ inbound: Inbound) {
        let remaining = inbound.state.assembler.partialFrame?.remainingByteCount ?? 0
        let own = min(count, remaining)
        // What follows the frame, at most a few bytes, goes to where frames begin.
        let next = unsafe UnsafeMutableRawBufferPointer(
            start: loop.state.receiveBuffer.start,
            count: count &- own
        )
        if next.count > 0, let free = unsafe inbound.state.assembler.payload.free.baseAddress {
            // checked: so much was received there.
            let place = unsafe free + own
            unsafe next.copyMemory(from: UnsafeRawBufferPointer(start: place, count: next.count))
        }
        corked {
            if let violation = inbound.state.assembler.commit(own) { return fail(violation) }
            if inbound.state.assembler.isComplete { deliverAssembled(inbound) }
            if next.count > 0 { unsafe receiveFrames(next) }
        }
    }

    /// A read that was to find the header of a large frame is over: the next one is as long as any
    /// if there was none.
    private func noteFrameSize() {
        state.flags.set(
            .expectsLargeFrame,
            to: state.inbound?.state.assembler.partialFrame != nil
        )
    }

    // MARK: Heads that span reads

    /// Offers bytes to the owner as long as the connection is not open, and keeps what is not
    /// whole. Returns how many were used up.
    private func receiveHandshake(
        _ bytes: UnsafeMutableRawBufferPointer,
        scannedByteCount: Int
    ) -> Int {
        var used = 0
        var scanned = scannedByteCount
        while state.phase == .handshake, used < bytes.count,
            let owner = withContext({ $0.owner }) ?? nil
        {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[used...])
            // A client that asks and does not read is not answered without end.
            guard state.outbound == nil else {
                state.flags.insert(.isPausedByOutput)
                pauseReading()
                unsafe hold(rest)
                return bytes.count
            }
            // Nor is one that asks for much at once answered while others wait.
            guard frameBudget(rate: 0) > 0 else {
                unsafe hold(rest)
                yieldTurn()
                return bytes.count
            }
            switch unsafe owner.handshakeReceived(rest, scannedByteCount: scanned, on: self) {
            case .used(let count):
                used &+= count
                if state.phase == .handshake { countRequest() }
            case .incomplete(let scannedByteCount):
                unsafe keepHead(rest, scannedByteCount: scannedByteCount)
                return bytes.count
            }
            scanned = 0
        }
        return used
    }

    private func keepHead(_ bytes: UnsafeRawBufferPointer, scannedByteCount: Int) {
        guard state.phase == .handshake else { return }
        let inbound = inboundState()
        loop.state.buffers.reserve(bytes.count, in: &inbound.state.head)
        unsafe inbound.state.head.append(bytes)
        inbound.state.scannedByteCount = scannedByteCount
    }

    /// Appends to a head that was not whole and offers it again.
    private func processHead(_ inbound: Inbound, _ bytes: UnsafeRawBufferPointer) {
        let scannedByteCount = inbound.state.scannedByteCount
        unsafe keepHead(bytes, scannedByteCount: scannedByteCount)
        // Taken out, because the connection may be open, and receiving frames, before it is back.
        var head = inbound.state.head
        inbound.state.head = .empty
        releaseIdleInbound()
        corked {
            let all = unsafe head.bytes
            let used = unsafe receiveHandshake(all, scannedByteCount: scannedByteCount)
            unsafe receiveBehindHandshake(all, from: used)
        }
        loop.state.buffers.give(&head)
    }

    // MARK: Waiting for the application

    /// Whether a task of the application is at work on a request.
    var waitsForApplication: Bool { state.phase == .deciding || state.phase == .answering }

    /// How much more is read while the application is at work.
    private var waitingRoom: Int {
        max(0, Self.waitingByteCountMax &- (state.inbound?.state.held.count ?? 0))
    }

    /// The application has come to an end with a request: what was held comes next.
    func resumeAfterWaiting() {
        if let inbound = state.inbound, inbound.state.held.count > 0 { return askForAttention() }
        if state.flags.contains(.peerEnded) { return finishHandshake() }
        resumeReading()
    }

    // MARK: Pausing

    /// Keeps bytes that must not be processed now.
    func hold(_ bytes: UnsafeRawBufferPointer) {
        let inbound = inboundState()
        loop.state.buffers.reserve(bytes.count, in: &inbound.state.held)
        unsafe inbound.state.held.append(bytes)
    }

    func pauseReading() {
        guard state.flags.contains(.isReading) else { return }
        state.flags.remove(.isReading)
        loop.withTransport { $0.stopReading(self) }
    }

    /// Reads again if nothing speaks against it; what was held comes first, before the loop sleeps.
    func resumeReading() {
        guard state.flags.isDisjoint(with: .isPaused), !state.flags.contains(.isReading),
            state.phase != .ended, state.phase != .free
        else { return }
        if let inbound = state.inbound, inbound.state.held.count > 0 { return askForAttention() }
        startReading()
    }

    func startReading() {
        guard !state.flags.contains(.peerEnded) else { return }
        state.flags.insert(.isReading)
        loop.withTransport { $0.startReading(self) }
    }

    /// Processes what was held when reading is no longer paused.
    func resumeHeldInput() {
        guard let inbound = state.inbound, inbound.state.held.count > 0,
            state.flags.isDisjoint(with: [.isPaused, .hasYielded]), !waitsForApplication
        else { return }
        if !isLastReader { beginReading() }
        var held = inbound.state.held
        inbound.state.held = .empty
        unsafe process(held.bytes)
        loop.state.buffers.give(&held)
        releaseIdleInbound()
        if state.flags.contains(.peerEnded), state.phase == .handshake,
            state.inbound?.state.held.count ?? 0 == 0
        {
            return finishHandshake()
        }
        resumeReading()
    }
}
