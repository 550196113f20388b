// Messages in parts, on their way to a handler that waits for them. As with whole messages, reading
// stops while the handler lags; what waits here is never more than the credit and one read.

/// A part of a message that waits for the handler.
struct ReceivedPart: WaitingPayload {
    /// Short parts of one message are put together up to this length, so that a message of
    /// one-byte fragments costs its bytes and not an array for each.
    private static let joinedByteCountMax = 16 << 10

    let isText: Bool
    let isFirst: Bool
    private(set) var isLast: Bool
    private(set) var bytes: [UInt8]

    var byteCount: Int { bytes.count }

    init(_ bytes: RawSpan, _ part: MessagePart) {
        isText = part.isText
        isFirst = part.isFirst
        isLast = part.isLast
        self.bytes = bytes.copied
    }

    /// Takes the following part in, if both are short. Returns whether it did.
    mutating func join(_ next: RawSpan, _ part: MessagePart) -> Bool {
        guard !isLast, !part.isFirst, byteCount + next.byteCount <= Self.joinedByteCountMax else {
            return false
        }
        unsafe next.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        isLast = part.isLast
        return true
    }
}

/// Where a handler is in the messages that it takes part by part.
enum IncomingState {
    case betweenMessages
    /// In a message, whose first part waits until it is asked for.
    case inMessage(first: ReceivedPart?)
}

extension AsyncSession {
    @usableFromInline
    func receivedPart(_ bytes: RawSpan, _ part: MessagePart, on socket: WebSocket) {
        guard !state.isOver else { return }
        let isJoined = state.parts.updateLast { $0.join(bytes, part) } ?? false
        if !isJoined { state.parts.append(ReceivedPart(bytes, part), bytes.byteCount) }
        accountInput()
        inputArrived(state.parts.count, state.parts.byteCount)
    }

    private func takePart() -> ReceivedPart? {
        guard !isCancelled, let part = state.parts.popFirst() else { return nil }
        accountInput()
        resumeReadingIfCaughtUp()
        return part
    }

    /// Waits for the next message to begin, and throws away what is left of the one before.
    nonisolated(nonsending) func nextIncoming() async throws -> IncomingMessage? {
        if case .inMessage(let first) = incoming {
            if first?.isLast == true { incoming = .betweenMessages }
            while case .inMessage = incoming {
                guard try await takeNextPart(orEnd: true) != nil else { return nil }
            }
        }
        guard let first = try await takeNextPart(orEnd: true) else { return nil }
        incomingNumber += 1
        incoming = .inMessage(first: first)
        return IncomingMessage(session: self, number: incomingNumber, isText: first.isText)
    }

    /// The next part of a message; nil when there is none, because it or its turn is over.
    nonisolated(nonsending) func nextPart(of number: Int) async throws -> [UInt8]? {
        guard number == incomingNumber, case .inMessage(let first) = incoming else { return nil }
        var part = first
        if let first { incoming = first.isLast ? .betweenMessages : .inMessage(first: nil) }
        // Only a first or a last part may be empty.
        while part?.bytes.isEmpty != false {
            if part?.isLast == true { return nil }
            part = try await takeNextPart(orEnd: false)
        }
        return part?.bytes
    }

    /// Takes a part, when it is there. Nil at a normal end, where that is allowed.
    private nonisolated(nonsending) func takeNextPart(
        orEnd allowsEnd: Bool
    ) async throws -> ReceivedPart? {
        while true {
            if isCancelled { throw CancellationError() }
            if let part = takePart() {
                if part.isLast { incoming = .betweenMessages }
                return part
            }
            if try await waitForInput() { continue }
            // The peer said goodbye, which is no end within a message.
            guard allowsEnd, case .betweenMessages = incoming else { throw closedError }
            return nil
        }
    }
}

extension AsyncSession {
    /// A session whose handler takes messages part by part; the connection must be one that
    /// streams them.
    convenience init(
        credit: ReceiveCredit,
        request: UpgradeRequest? = nil,
        completion: Completion? = nil,
        streaming body:
            nonisolated(nonsending) @escaping @Sendable (
                AsyncWebSocket, IncomingMessages
            ) async throws -> Void
    ) {
        self.init(
            credit: credit,
            isStreaming: true,
            request: request,
            completion: completion
        ) { socket in
            try await body(socket, socket.incomingMessages)
        }
    }
}
