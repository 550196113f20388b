/// How a server says goodbye: what the peers are told, and how fast.
///
/// A client that is told to go comes back at once, to the next generation of the server or to
/// another machine. If all are told in the same millisecond, all come back in the same one: so the
/// goodbyes are spread over a window, each at a random moment of it.
public struct DrainPolicy: Sendable {
    /// The code that WebSocket peers are told: 1001 (going away), or 1012 (service restart), on
    /// which some clients reconnect without asking their user.
    public var closeCode = CloseCode.goingAway

    /// The reason beside it, at most 123 bytes of UTF-8.
    public var closeReason = "the server is shutting down"

    /// How many peers are told within a second, by all loops together. A server of TLS connections
    /// takes about two thousand handshakes a second on one core: the one that gets these clients
    /// next should not be asked for more.
    public var goodbyesPerSecond = 2500

    /// The longest time over which the goodbyes are spread, however many peers there are. The
    /// default and ``Server/Configuration/closeTimeout`` together are shorter than
    /// ``Server/Configuration/shutdownTimeout``, so that the last one told has time to answer.
    public var window = Duration.seconds(4)

    /// How long the server goes on as before once it was told to stop, with
    /// ``Server/isReady`` false. Load balancers that ask for readiness need some seconds to send
    /// their clients elsewhere; without one there is nothing to wait for.
    public var delay = Duration.zero

    /// Told about once a second how far it is, on one of the loops: it must not block.
    public var progress: (@Sendable (DrainReport) -> Void)?

    /// The defaults.
    public init() {}
}

/// What became of a server's connections when it stopped.
public struct DrainReport: Sendable, Equatable {
    /// Connections that ended in good order: the closing handshake was completed, the last request
    /// was answered, or nothing was going on.
    public internal(set) var closedCount = 0

    /// Connections that broke while they waited for their goodbye or for its answer.
    public internal(set) var lostCount = 0

    /// Connections that this server cut: the peer did not answer in time, or a second signal came.
    public internal(set) var cutCount = 0

    /// Connections that are still there; 0 at the end.
    public internal(set) var remainingCount = 0

    /// How long it has taken so far.
    public internal(set) var duration = Duration.zero

    /// Nothing to report.
    public init() {}
}

extension DrainReport: CustomStringConvertible {
    /// As `10000 connections closed, 0 lost, 0 cut, 0 left after 4.2 s`.
    public var description: String {
        let tenths = duration.milliseconds / 100
        return "\(closedCount) connections closed, \(lostCount) lost, \(cutCount) cut, "
            + "\(remainingCount) left after \(tenths / 10).\(tenths % 10) s"
    }
}

/// How one connection ended while its server was stopping.
enum DrainOutcome {
    case closed
    case lost
    case cut
}
