// A door for load testers, below messages: frames in runs, made and compared without being parsed.
// Whoever knows what comes back compares a whole read with it at once; what is not as expected goes
// the way of all frames, and is judged there.

/// A client's handler that sees what a read brought before it is parsed. Asked for with
/// ``ClientRequest/offersFrames``.
package protocol FrameReader: WebSocketHandler {
    /// Frames arrived, the last of them perhaps not whole.
    ///
    /// - Parameters:
    ///   - bytes: lent during the call; they begin with the start of a frame.
    ///   - socket: the connection's handle.
    /// - Returns: what was used, from the front and in whole frames. The rest is parsed, and comes
    ///   as messages.
    func receivedFrames(_ bytes: RawSpan, on socket: WebSocket) -> FrameRun

    /// The peer sent a ping, which is being answered.
    func answeredPing()

    /// The message that comes next was cut into so many fragments.
    func joinedFragments(_ count: Int)
}

extension FrameReader {
    /// Uses nothing.
    package func receivedFrames(_ bytes: RawSpan, on socket: WebSocket) -> FrameRun { .none }
    /// Does nothing.
    package func answeredPing() {}
    /// Does nothing.
    package func joinedFragments(_ count: Int) {}
}

/// A number of whole frames, one behind the other.
package struct FrameRun: Equatable, Sendable {
    package var byteCount: Int
    package var count: Int

    package init(byteCount: Int, count: Int) {
        self.byteCount = byteCount
        self.count = count
    }

    package static let none = FrameRun(byteCount: 0, count: 0)
}

extension Connection {
    /// Offers a read to the application before it is parsed.
    ///
    /// - Parameter bytes: what arrived, from the start of a frame on.
    /// - Returns: how many bytes it used.
    @inline(never)
    func offerFrames(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard state.inbound == nil, mayProceed,
            let reader = withContext({ $0.frameReader }) ?? nil
        else { return 0 }
        let run = reader.receivedFrames(unsafe bytes.bytes, on: WebSocket(self))
        loop.state.counters[Counter.messagesReceived] &+= UInt64(truncatingIfNeeded: run.count)
        countFrames(run.count, rate: frameRate)
        return min(run.byteCount, bytes.count)
    }

    /// Tells who wants to know such things of a ping, or of a message in fragments.
    @inline(never)
    func tellFrameReader(_ body: (any FrameReader) -> Void) {
        if let reader = withContext({ $0.frameReader }) ?? nil { body(reader) }
    }

    /// Sends frames that were made beforehand, as they are.
    func sendFrames(_ frames: UnsafeRawBufferPointer, count: Int) -> SendResult {
        guard state.phase == .open else { return .dropped }
        guard !state.flags.contains(.isTransformed) else { return .unsupported }
        if state.flags.contains(.isCorked), state.outbound == nil,
            frames.count <= loop.state.cork.available, let source = frames.baseAddress
        {
            unsafe loop.state.cork.end.copyMemory(from: source, byteCount: frames.count)
            loop.state.cork.commit(frames.count)
            loop.state.counters[Counter.messagesSent] &+= UInt64(truncatingIfNeeded: count)
            return .sent
        }
        if state.flags.contains(.isCorked) { flushCork() }
        guard !state.flags.contains(.isCondemned), hasRoom(for: frames.count) else {
            loop.state.counters[Counter.messagesDropped] &+= UInt64(truncatingIfNeeded: count)
            return .dropped
        }
        unsafe outboundQueue().queue.append(frames, pool: &loop.state.buffers)
        loop.state.counters[Counter.messagesSent] &+= UInt64(truncatingIfNeeded: count)
        checkSoftLimit()
        return sendResultAfterQueueing()
    }
}

extension WebSocket {
    /// Sends frames of RFC 6455 that were made beforehand, masked as a client's must be. Nothing is
    /// checked.
    ///
    /// - Parameters:
    ///   - frames: whole ones, each a message; copied, or written before this returns.
    ///   - count: how many.
    /// - Returns: what became of all of them. Unsupported where messages are not plain frames: with
    ///   a hixie draft, or compression.
    package func sendFrames(_ frames: RawSpan, count: Int) -> SendResult {
        guard let current else { return .dropped }
        return unsafe frames.withUnsafeBytes { unsafe current.sendFrames($0, count: count) }
    }
}
