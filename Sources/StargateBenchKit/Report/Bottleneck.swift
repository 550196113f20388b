// What kept the figures from being higher? A closed loop always runs as fast as something lets it,
// and a figure is worth little as long as nobody knows what that was.

/// What limited a run.
enum Bottleneck: Sendable, Equatable {
    /// The busiest of the client's loops had no time left.
    case client(share: Double)
    /// The busiest of the server's threads had none.
    case server(share: Double)
    /// Both.
    case both(client: Double, server: Double)
    /// Threads that had work waited for a core.
    case machine(waiting: Double)
    /// The rate that was asked for: both sides had time left.
    case rate
    /// Neither side was full: the time went by in waiting for each other.
    case neither
    /// Neither the client nor the machine; the server's process cannot be seen.
    case notClient

    /// From this share on a thread counts as full: the rest is lost between its turns.
    static let fullShare = 0.9
    /// From this share of waiting for a core on, the machine has too few of them for this run.
    static let shortageShare = 0.2

    /// - Parameters:
    ///   - client: the busy shares of the client's loops.
    ///   - clientWaiting: the share in which the client's loops waited for a core.
    ///   - server: the busy share of the server's busiest thread; nil when it cannot be seen.
    ///   - serverWaiting: the share in which that thread waited for a core.
    ///   - keptRate: whether a rate was asked for, and kept.
    init(
        client: [Double],
        clientWaiting: Double,
        server: Double?,
        serverWaiting: Double,
        keptRate: Bool = false
    ) {
        let clientShare = client.max() ?? 0
        let isClientFull = clientShare >= Self.fullShare
        let isServerFull = (server ?? 0) >= Self.fullShare
        let waiting = max(clientWaiting, serverWaiting)
        if keptRate {
            self = .rate
            return
        }
        switch (isClientFull, isServerFull) {
        case (true, true): self = .both(client: clientShare, server: server ?? 0)
        case (true, false): self = .client(share: clientShare)
        case (false, true): self = .server(share: server ?? 0)
        case (false, false):
            if waiting >= Self.shortageShare {
                self = .machine(waiting: waiting)
            } else {
                self = server == nil ? .notClient : .neither
            }
        }
    }

    /// The key in the JSON report.
    var key: String {
        switch self {
        case .client: "client"
        case .server: "server"
        case .both: "client_and_server"
        case .machine: "machine"
        case .rate: "rate"
        case .neither: "neither"
        case .notClient: "not_the_client"
        }
    }

    /// A sentence for the report, and what to do about it.
    var explanation: String {
        switch self {
        case .client(let share):
            "the client: its busiest loop was \(Figure.percent(share)) busy; give it more with -t"
        case .server(let share):
            "the server: its busiest thread was \(Figure.percent(share)) busy"
        case .both(let client, let server):
            """
            client and server alike: busiest threads \(Figure.percent(client)) and \
            \(Figure.percent(server)) busy; give the client more with -t
            """
        case .machine(let waiting):
            """
            the machine: threads with work to do waited for a core \(Figure.percent(waiting)) of \
            the time
            """
        case .rate:
            "the rate that was asked for, which was kept"
        case .neither:
            "neither side: both waited for the next message; more in flight (-c, -p) goes higher"
        case .notClient:
            "not the client; whether the server was full cannot be seen from here"
        }
    }
}
