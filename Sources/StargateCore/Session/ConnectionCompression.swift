/// What a connection keeps for permessage-deflate (RFC 7692): contexts of its own for a direction
/// that takes over context from message to message, or nothing but the loop's shared ones.
final class ConnectionCompression {
    private let shared: LoopCompression
    private let minimumSize: Int
    private let outgoing: PerMessageDeflateParameters.Direction
    /// Only with context takeover; without, the loop's is borrowed per message.
    private var deflater: Deflater?
    private var inflater: Inflater?
    /// Without context takeover: a compressor of its own, as long as a message is being sent in
    /// fragments, because the loop's serves others meanwhile.
    private var fragmentDeflater: Deflater?
    /// The loop's decompressor, as long as a message is handed on in parts.
    private var loan: SharedCompression.Loan?

    init(
        _ parameters: PerMessageDeflateParameters,
        options: PerMessageDeflate,
        shared: LoopCompression,
        isClient: Bool
    ) {
        self.shared = shared
        minimumSize = options.minimumSize
        outgoing = isClient ? parameters.fromClient : parameters.fromServer
        let incoming = isClient ? parameters.fromServer : parameters.fromClient
        deflater = outgoing.hasContextTakeover ? Deflater(outgoing, options) : nil
        inflater = incoming.hasContextTakeover ? Inflater(incoming) : nil
    }

    /// The window of outgoing messages that stand for themselves, so that others with the same
    /// window can be sent the same bytes; nil if they refer to earlier ones.
    var sharedWindowBits: Int? {
        outgoing.hasContextTakeover ? nil : Int(outgoing.windowBits)
    }

    /// Compresses a message and lends the result, or returns nil when it is to be sent as it is.
    func withCompressed<Result>(
        _ message: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        guard message.count >= minimumSize else { return nil }
        let outcome =
            if deflater != nil {
                unsafe deflater?.compress(message, into: &shared.compressed) ?? .failed
            } else {
                unsafe shared.contexts.compress(
                    message,
                    windowBits: Int(outgoing.windowBits),
                    into: &shared.compressed
                )
            }
        defer { shared.compressed.removeAll(keepingAtMost: LoopCompression.keptByteCount) }
        guard outcome == .compressed else { return nil }
        return unsafe body(shared.compressed.bytes)
    }

    /// Compresses the next fragment of a message and lends the result, or returns nil when there is
    /// no memory for that.
    func withCompressedFragment<Result>(
        _ fragment: UnsafeRawBufferPointer,
        isFinal: Bool,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        let isCompressed: Bool
        if deflater != nil {
            isCompressed =
                unsafe deflater?.compressFragment(
                    fragment,
                    isFinal: isFinal,
                    into: &shared.compressed
                ) ?? false
        } else {
            if fragmentDeflater == nil {
                fragmentDeflater = Deflater(
                    windowBits: Int(outgoing.windowBits),
                    memoryLevel: shared.options.memoryLevel,
                    level: shared.options.level,
                    hasContextTakeover: true
                )
            }
            isCompressed =
                unsafe fragmentDeflater?.compressFragment(
                    fragment,
                    isFinal: isFinal,
                    into: &shared.compressed
                ) ?? false
            if isFinal, isCompressed { fragmentDeflater = nil }
        }
        defer { shared.compressed.removeAll(keepingAtMost: LoopCompression.keptByteCount) }
        guard isCompressed else { return nil }
        return unsafe body(shared.compressed.bytes)
    }

    /// Inflates a whole message and lends the result.
    ///
    /// - Parameters:
    ///   - message: the compressed payload.
    ///   - limit: the longest message, in bytes; the inflater stops before it grows past.
    ///   - body: is lent the result, if there is one.
    /// - Returns: what is wrong with it, or nil.
    func withInflated(
        _ message: UnsafeRawBufferPointer,
        limit: Int,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) -> ProtocolViolation? {
        let outcome: Inflater.Outcome
        if inflater != nil {
            outcome =
                unsafe inflater?.inflate(
                    message,
                    isFinal: true,
                    limit: limit,
                    into: &shared.inflated
                ) ?? .invalid
        } else {
            let loan = shared.contexts.lend()
            outcome = unsafe loan.inflater.inflate(
                message,
                isFinal: true,
                limit: limit,
                into: &shared.inflated
            )
            shared.contexts.takeBack(loan)
        }
        defer { shared.inflated.removeAll(keepingAtMost: LoopCompression.keptByteCount) }
        if outcome == .done { unsafe body(shared.inflated.bytes) }
        return violation(outcome)
    }

    // MARK: Parts

    /// Inflates some of a message that is handed on in parts, and lends the result.
    ///
    /// - Parameters:
    ///   - part: the next compressed bytes.
    ///   - budget: about how much output is wanted.
    ///   - limit: the longest message, in bytes.
    ///   - body: is lent the result, which may be empty, and told how much of `part` was used.
    /// - Returns: what is wrong with it, or nil.
    func withInflatedPart(
        _ part: UnsafeRawBufferPointer,
        budget: Int,
        limit: Int,
        _ body: (UnsafeRawBufferPointer, Int) -> Void
    ) -> ProtocolViolation? {
        let (outcome, used) =
            if inflater != nil {
                unsafe inflater?.inflateSome(
                    part,
                    budget: budget,
                    limit: limit,
                    into: &shared.inflated
                ) ?? (.invalid, 0)
            } else {
                unsafe partsLoan().inflater.inflateSome(
                    part,
                    budget: budget,
                    limit: limit,
                    into: &shared.inflated
                )
            }
        defer { shared.inflated.removeAll(keepingAtMost: LoopCompression.keptByteCount) }
        if outcome == .done { unsafe body(shared.inflated.bytes, used) }
        return violation(outcome)
    }

    /// Ends a message that was handed on in parts, and lends the rest of it.
    func withLastInflatedPart(
        limit: Int,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) -> ProtocolViolation? {
        let outcome: Inflater.Outcome
        if inflater != nil {
            outcome = inflater?.finishParts(limit: limit, into: &shared.inflated) ?? .invalid
        } else {
            let loan = partsLoan()
            outcome = loan.inflater.finishParts(limit: limit, into: &shared.inflated)
            shared.contexts.takeBack(loan)
            self.loan = nil
        }
        defer { shared.inflated.removeAll(keepingAtMost: LoopCompression.keptByteCount) }
        if outcome == .done { unsafe body(shared.inflated.bytes) }
        return violation(outcome)
    }

    private func partsLoan() -> SharedCompression.Loan {
        if let loan { return loan }
        let fresh = shared.contexts.lend()
        loan = fresh
        return fresh
    }

    private func violation(_ outcome: Inflater.Outcome) -> ProtocolViolation? {
        switch outcome {
        case .done: nil
        case .tooBig: .messageTooBig
        case .invalid: .invalidCompressedData
        case .outOfMemory: .outOfMemory
        }
    }

    /// What the contexts of this connection hold.
    var memoryByteCount: Int {
        var byteCount = 0
        if deflater != nil { byteCount &+= deflater?.memoryByteCount ?? 0 }
        if inflater != nil { byteCount &+= inflater?.memoryByteCount ?? 0 }
        if fragmentDeflater != nil { byteCount &+= fragmentDeflater?.memoryByteCount ?? 0 }
        if let loan { byteCount &+= loan.inflater.memoryByteCount }
        return byteCount
    }

    /// What was counted of that on the loop's account.
    var accountedByteCount = 0

    /// Gives memory back that an idle connection does not need.
    ///
    /// The compressor's history is this endpoint's own to forget, between fragments too; the
    /// decompressor's must stay, because the peer may refer to it.
    func releaseIdleMemory() {
        if deflater != nil { deflater?.releaseMemory() }
        if fragmentDeflater != nil { fragmentDeflater?.releaseMemory() }
    }
}

/// What the connections of a loop share for compression: contexts for messages that stand for
/// themselves, and one buffer for each direction, used within one call.
final class LoopCompression {
    /// What the buffers keep between messages.
    static let keptByteCount = 64 << 10

    fileprivate let options: PerMessageDeflate
    let contexts: SharedCompression
    fileprivate var compressed = MessageBuffer(limit: Int.max)
    fileprivate var inflated = MessageBuffer(limit: Int.max)

    init(_ options: PerMessageDeflate) {
        self.options = options
        contexts = SharedCompression(options)
    }
}

extension EventLoop {
    /// What the clients of this loop share for compression with these options.
    func clientCompression(_ options: PerMessageDeflate) -> LoopCompression {
        let key = ObjectIdentifier(LoopCompression.self)
        if let known = residents[key] as? LoopCompression, known.options == options { return known }
        let fresh = LoopCompression(options)
        residents[key] = fresh
        return fresh
    }
}
