/// What one loop has counted since it started. Plain integers: only the loop's thread writes them.
public struct LoopCounters: Sendable {
    /// Connections that were accepted from listening sockets.
    public internal(set) var connectionsAccepted: UInt64 = 0
    /// Connections whose opening handshake succeeded.
    public internal(set) var handshakesAccepted: UInt64 = 0
    /// Requests that were refused before they became a WebSocket connection.
    public internal(set) var handshakesRefused: UInt64 = 0
    /// Connections that are open or being opened or closed at this moment.
    public internal(set) var connectionsActive: UInt64 = 0
    /// Messages handed to handlers.
    public internal(set) var messagesReceived: UInt64 = 0
    /// Messages taken for sending.
    public internal(set) var messagesSent: UInt64 = 0
    /// Messages that a full queue made drop.
    public internal(set) var messagesDropped: UInt64 = 0
    /// Publications taken for subscribers, each counted once per subscriber.
    public internal(set) var publicationsDelivered: UInt64 = 0
    /// Publications that subscribers did not get because they were too slow, or that came faster
    /// than this loop could take them; conflated ones included.
    public internal(set) var publicationsDropped: UInt64 = 0
    /// Publications whose place a later one with the same topic and key took.
    public internal(set) var publicationsConflated: UInt64 = 0
    /// Reads from sockets that brought bytes.
    public internal(set) var reads: UInt64 = 0
    /// Writes to sockets, refused ones included.
    public internal(set) var writes: UInt64 = 0
    /// Times that accepting was paused because no file descriptor was left.
    public internal(set) var acceptPauses: UInt64 = 0
    /// Connections that this endpoint failed: protocol errors, limits, timeouts.
    public internal(set) var connectionsFailed: UInt64 = 0
    /// TLS handshakes that were completed, as server or client.
    public internal(set) var tlsHandshakes: UInt64 = 0
    /// Those of them that resumed an earlier session.
    public internal(set) var tlsHandshakesResumed: UInt64 = 0
    /// TLS connections that failed, in their handshake or later.
    public internal(set) var tlsFailures: UInt64 = 0
    /// Times that a client's handshake was put off to a later turn of the loop.
    public internal(set) var tlsHandshakesDeferred: UInt64 = 0

    /// Times that a callback kept the loop for longer than
    /// ``Server/Configuration/watchdogLimit``.
    public internal(set) var stalls: UInt64 = 0

    /// Times that the task of an asynchronous handler was run until it had to wait.
    public internal(set) var jobsRun: UInt64 = 0

    /// All zero.
    public init() {}

    /// What a loop has counted until now.
    init(_ counts: Meter.Counts) {
        connectionsAccepted = counts[Counter.connectionsAccepted]
        handshakesAccepted = counts[Counter.handshakesAccepted]
        handshakesRefused = counts[Counter.handshakesRefused]
        connectionsActive = counts[Counter.connectionsActive]
        messagesReceived = counts[Counter.messagesReceived]
        messagesSent = counts[Counter.messagesSent]
        messagesDropped = counts[Counter.messagesDropped]
        publicationsDelivered = counts[Counter.publicationsDelivered]
        publicationsDropped = counts[Counter.publicationsDropped]
        publicationsConflated = counts[Counter.publicationsConflated]
        reads = counts[Counter.reads]
        writes = counts[Counter.writes]
        acceptPauses = counts[Counter.acceptPauses]
        connectionsFailed = counts[Counter.connectionsFailed]
        jobsRun = counts[Counter.jobsRun]
        tlsHandshakes = counts[Counter.tlsHandshakes]
        tlsHandshakesResumed = counts[Counter.tlsHandshakesResumed]
        tlsFailures = counts[Counter.tlsHandshakesFailed]
        tlsHandshakesDeferred = counts[Counter.tlsHandshakesDeferred]
        stalls = counts[Counter.stalls]
    }

    /// Adds another loop's counts.
    public static func += (left: inout LoopCounters, right: LoopCounters) {
        left.connectionsAccepted &+= right.connectionsAccepted
        left.handshakesAccepted &+= right.handshakesAccepted
        left.handshakesRefused &+= right.handshakesRefused
        left.connectionsActive &+= right.connectionsActive
        left.messagesReceived &+= right.messagesReceived
        left.messagesSent &+= right.messagesSent
        left.messagesDropped &+= right.messagesDropped
        left.publicationsDelivered &+= right.publicationsDelivered
        left.publicationsDropped &+= right.publicationsDropped
        left.publicationsConflated &+= right.publicationsConflated
        left.reads &+= right.reads
        left.writes &+= right.writes
        left.acceptPauses &+= right.acceptPauses
        left.connectionsFailed &+= right.connectionsFailed
        left.stalls &+= right.stalls
        left.tlsHandshakes &+= right.tlsHandshakes
        left.tlsHandshakesResumed &+= right.tlsHandshakesResumed
        left.tlsFailures &+= right.tlsFailures
        left.tlsHandshakesDeferred &+= right.tlsHandshakesDeferred
        left.jobsRun &+= right.jobsRun
    }
}
