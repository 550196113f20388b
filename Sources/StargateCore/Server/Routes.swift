/// The paths of a server, by what they lead to. A path may have both: a WebSocket for those who
/// ask to upgrade, and a page for the rest; neither hides the other's wildcards.
struct Routes: Sendable {
    var webSockets = Router<WebSocketRoute>()
    var resources = Router<Resource>()
}

/// Where clients are upgraded. A class, because every handshake looks at it.
final class WebSocketRoute: Sendable {
    /// What decides about a client.
    enum Upgrade: Sendable {
        /// At once, on the loop.
        case immediate(@Sendable (UpgradeRequest) throws -> UpgradeDecision)
        /// In a task, while the connection waits.
        case eventual(@Sendable (UpgradeRequest) async throws -> UpgradeDecision)
    }

    let pattern: String
    let mark: RouteMark
    let origin: OriginPolicy
    let upgrade: Upgrade

    init(pattern: String, origin: OriginPolicy, upgrade: Upgrade) {
        self.pattern = pattern
        mark = RouteMark(pattern)
        self.origin = origin
        self.upgrade = upgrade
    }
}

/// What answers the requests for one pattern, by their methods.
struct Resource: Sendable {
    /// What makes a response.
    enum Respond: Sendable {
        /// At once, on the loop.
        case immediate(@Sendable (Request) throws -> Response)
        /// In a task, while the connection waits.
        case eventual(@Sendable (Request) async throws -> Response)
    }

    let pattern: String
    let mark: RouteMark
    private var answers: [(method: HTTPMethod, respond: Respond)] = []

    init(pattern: String) {
        self.pattern = pattern
        mark = RouteMark(pattern)
    }

    mutating func add(_ method: HTTPMethod, _ respond: Respond) throws(RouteError) {
        guard !answers.contains(where: { $0.method == method }) else {
            throw RouteError(pattern: pattern, kind: .duplicate)
        }
        answers.append((method, respond))
    }

    /// What answers a method. RFC 9110 section 9.3.2: HEAD is GET without the body.
    func respond(to method: HTTPMethod) -> Respond? {
        if let answer = answers.first(where: { $0.method == method }) { return answer.respond }
        return method == .head ? respond(to: .get) : nil
    }

    /// The methods that are answered, in the order of the method's cases.
    var methods: [HTTPMethod] {
        HTTPMethod.allCases.filter { respond(to: $0) != nil }
    }
}
