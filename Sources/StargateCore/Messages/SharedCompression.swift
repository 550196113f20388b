// Most connections are idle most of the time, so those without context takeover own neither a
// compressor nor a decompressor: the loop lends them its own, for the length of one message.

/// The compressors and decompressors of one loop, for messages that stand for themselves.
///
/// They hold no memory before the first compressed message, and give it back on demand.
final class SharedCompression {
    /// A decompressor on loan: it belongs to one connection from the first byte of a message to
    /// its last, however many reads that takes.
    final class Loan {
        var inflater: Inflater

        fileprivate init(inflater: consuming Inflater) {
            self.inflater = inflater
        }
    }

    /// How many decompressors wait for the next message with their memory, 40 KB each. More are
    /// made when more messages arrive in pieces at a time, but not kept.
    private static let keptMax = 4

    /// For nearly all messages.
    private var whole: WholeDeflater
    /// For the others, one for each window that a client may have asked for: 9 to 15.
    private var deflaters: InlineArray<7, Deflater>
    private var idle: [Loan] = []

    /// - Parameter options: the level and the memory level count; the windows are those of the
    ///   messages.
    init(_ options: PerMessageDeflate) {
        whole = WholeDeflater(level: options.level)
        deflaters = InlineArray { index in
            Deflater(
                windowBits: 9 &+ index,
                memoryLevel: options.memoryLevel,
                level: options.level,
                hasContextTakeover: false
            )
        }
    }

    /// Compresses one whole message, as ``Deflater/compress(_:into:)`` does.
    ///
    /// - Parameters:
    ///   - message: the payload.
    ///   - windowBits: what was agreed for this direction, 9 to 15.
    ///   - buffer: where the result is appended.
    /// - Returns: what became of it.
    func compress(
        _ message: UnsafeRawBufferPointer,
        windowBits: Int,
        into buffer: inout MessageBuffer
    ) -> Deflater.Outcome {
        // checked: the negotiation agrees to nothing else.
        precondition((9...15).contains(windowBits), "window bits are 9 to 15, not \(windowBits)")
        if WholeDeflater.takes(byteCount: message.count, windowBits: windowBits) {
            let outcome = unsafe whole.compress(message, into: &buffer)
            if outcome != .failed { return outcome }
        }
        return unsafe deflaters[windowBits &- 9].compress(message, into: &buffer)
    }

    /// Lends a decompressor for one message. It serves every window.
    func lend() -> Loan {
        idle.popLast() ?? Loan(inflater: Inflater(windowBits: 15, hasContextTakeover: false))
    }

    /// Takes a decompressor back, at the end of the message or of the connection.
    func takeBack(_ loan: Loan) {
        // In the middle of a message there is text of that connection in it.
        if loan.inflater.isInMessage { loan.inflater.discard() }
        if idle.count < Self.keptMax { idle.append(loan) }
    }

    /// Gives all memory back that no message needs right now.
    func releaseMemory() {
        idle = []
        whole.releaseMemory()
        for index in 0..<7 { deflaters[index].releaseMemory() }
    }
}
