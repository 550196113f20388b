internal import Synchronization

/// How long a client waits before it connects again.
///
/// The delays grow, so that a server that is down is left alone, and they are random in part, so
/// that a thousand clients of a server that restarts do not come back in the same moment.
public struct ReconnectPolicy: Sendable {
    /// The longest first delay. Half a second: most restarts are over by then.
    public var initialDelay = Duration.milliseconds(500)
    /// No delay is longer. Half a minute: what people wait before they look at the cable.
    public var maximumDelay = Duration.seconds(30)
    /// Each delay is so many times the one before.
    public var multiplier = 2.0
    /// Which part of a delay is random, from 0 to 1: with 0.5, a delay of 8 seconds is 4 to 8.
    public var jitter = 0.5
    /// A connection that was open for so long was a good one: the next delay is the first again.
    public var stableAfter = Duration.seconds(10)
    /// How many attempts in a row may fail; nil for no limit.
    public var maximumAttempts: Int?
    /// Whether to try again after an error of the connection or of the body.
    public var isTransient: @Sendable (any Error) -> Bool = ReconnectPolicy.isTransientByDefault

    /// The defaults.
    public init() {}

    /// The delay before an attempt.
    ///
    /// - Parameters:
    ///   - failureCount: how many attempts or connections failed in a row, at least 1.
    ///   - generator: where the random part comes from.
    /// - Returns: the delay.
    public func delay(
        afterFailures failureCount: Int,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let longest = max(0, maximumDelay / .seconds(1))
        var seconds = min(longest, max(0, initialDelay / .seconds(1)))
        var left = failureCount - 1
        // Ends early at the maximum, and never overflows.
        while left > 0, seconds < longest, seconds > 0, multiplier > 1 {
            seconds = min(longest, seconds * multiplier)
            left -= 1
        }
        let share = min(1, max(0, jitter))
        return .seconds(seconds * (1 - share * Double.random(in: 0...1, using: &generator)))
    }

    /// What may be better in a moment: a server that is not there, restarts, or is overloaded. What
    /// will be the same, a refusal or a broken rule, is not tried again.
    public static func isTransientByDefault(_ error: any Error) -> Bool {
        switch error {
        case let error as ClientError:
            switch error.kind {
            case .unknownHost, .notConnected, .closed, .timedOut: true
            case .refused(let status): status == 429 || status >= 500
            default: false
            }
        case let error as WebSocketClosed:
            switch error.code {
            case .goingAway, .noStatusReceived, .abnormalClosure, .internalError, .serviceRestart,
                .tryAgainLater, .badGateway:
                true
            default: false
            }
        default: false
        }
    }
}

extension WebSocketClient {
    /// Runs `body` with a connection, and with another whenever one is lost.
    ///
    /// Ends when `body` returns while its connection is open, or after the server closed with 1000,
    /// and returns what it returned; throws what is not worth another attempt. When the server went
    /// away (1001) or is not there, the client waits as the policy says, and connects again. Cancel
    /// the task to end it at any time.
    ///
    /// - Parameters:
    ///   - request: where to, and what for.
    ///   - policy: how long to wait, and how often.
    ///   - receiveCredit: how far the server may run ahead of `body`.
    ///   - body: uses a connection; called anew for each.
    /// - Returns: what the last `body` returned.
    /// - Throws: ``ClientError``, what `body` throws, or `CancellationError`.
    public func keepConnected<Result: Sendable>(
        _ request: ClientRequest,
        policy: ReconnectPolicy = ReconnectPolicy(),
        receiveCredit: ReceiveCredit = ReceiveCredit(),
        _ body: nonisolated(nonsending) @escaping @Sendable (AsyncWebSocket) async throws -> Result
    ) async throws -> Result {
        var generator = SystemRandomNumberGenerator()
        var failureCount = 0
        while true {
            let opening = OpeningTime()
            let failure: any Error
            do {
                let (result, end) = try await withConnection(request, receiveCredit: receiveCredit)
                {
                    socket in
                    opening.set()
                    let result = try await body(socket)
                    return (result, socket.end)
                }
                // The server's 1000 is an end as good as the body's own.
                guard let end, end.code != .normalClosure, policy.isTransient(end) else {
                    return result
                }
                failure = end
            } catch {
                failure = error
            }
            guard !Task.isCancelled, policy.isTransient(failure) else { throw failure }
            failureCount = opening.isBefore(policy.stableAfter) ? 1 : failureCount + 1
            if let most = policy.maximumAttempts, failureCount >= most { throw failure }
            try await Task.sleep(for: policy.delay(afterFailures: failureCount, using: &generator))
        }
    }
}

/// When a connection was opened, if it was.
private final class OpeningTime: Sendable {
    private let instant = Lock<ContinuousClock.Instant?>(nil)

    func set() { instant.withLock { $0 = .now } }

    /// Whether it was opened at least so long ago.
    func isBefore(_ duration: Duration) -> Bool {
        guard let instant = instant.withLock({ $0 }) else { return false }
        return instant.duration(to: .now) >= duration
    }
}
