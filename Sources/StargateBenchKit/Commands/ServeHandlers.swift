// What the reference server does on its paths.

internal import StargateCore

/// Sends back what it receives.
final class EchoHandler: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) {
        _ = socket.send(message)
    }
}

/// Sends back what it receives, cut into fragments.
final class FragmentHandler: WebSocketHandler {
    private let size: Int

    /// - Parameter size: bytes in a fragment.
    init(size: Int) { self.size = size }

    func received(_ message: Message, on socket: WebSocket) {
        switch message {
        case .text(let text): sendBack(text.span.bytes, isText: true, on: socket)
        case .binary(let bytes): sendBack(bytes, isText: false, on: socket)
        }
    }

    private func sendBack(_ message: RawSpan, isText: Bool, on socket: WebSocket) {
        var start = 0
        repeat {
            let end = start + min(size, message.byteCount - start)
            let result = socket.sendFragment(
                message.extracting(start..<end),
                isText: isText,
                isFinal: end == message.byteCount
            )
            // There is no room for the rest of a message that has begun.
            if result == .dropped { return socket.close(.internalError) }
            start = end
        } while start < message.byteCount
    }
}

/// Publishes what it receives to everybody else on its path.
final class TopicHandler: WebSocketHandler {
    private let topic: Topic

    init(_ topic: Topic) { self.topic = topic }

    func opened(_ socket: WebSocket) { socket.subscribe(to: topic) }

    func received(_ message: Message, on socket: WebSocket) {
        socket.publish(message, to: topic)
    }
}

/// Sends numbered messages: at a rate, or as fast as they are taken.
final class PushHandler: WebSocketHandler {
    private var bytes: [UInt8]
    private let rate: Double?
    private var number: UInt64 = 0
    private var startedAt: UInt64 = 0
    private var timer: LoopTimer?
    private var isBlocked = false

    /// Messages that one turn of the loop sends at most, so that other connections have theirs.
    private static let burst = 256

    /// - Parameters:
    ///   - size: bytes in a message.
    ///   - rate: messages a second; nil for as fast as they are taken.
    init(size: Int, rate: Double?) {
        bytes = NumberedMessage.buffer(size: size)
        self.rate = rate
    }

    func opened(_ socket: WebSocket) {
        startedAt = MonotonicClock.now()
        let interval: Duration = rate == nil ? .milliseconds(1) : .milliseconds(2)
        timer = socket.eventLoop?.schedule(every: interval) { [weak self] _ in self?.fill(socket) }
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func drained(_ socket: WebSocket) {
        isBlocked = false
        fill(socket)
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        timer?.cancel()
        timer = nil
    }

    private func fill(_ socket: WebSocket) {
        var left = Self.burst
        while !isBlocked, left > 0, socket.isOpen {
            let now = MonotonicClock.now()
            if let rate, Double(number) > Double(now.minus(startedAt)) / 1e9 * rate { return }
            NumberedMessage.write(.init(number: number, sentAt: now), into: &bytes)
            switch socket.send(UTF8Span(unchecked: bytes.span, isKnownASCII: true)) {
            case .sent: number += 1
            case .queued:
                number += 1
                isBlocked = true
            case .dropped, .unsupported, .unfinished: isBlocked = true
            }
            left -= 1
        }
    }
}
