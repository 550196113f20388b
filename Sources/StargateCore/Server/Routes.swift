/// The paths of a server, by what they lead to. A path may have both: a WebSocket for those who
/// ask to upgrade, and a page for the rest; neither hides the other's wildcards.
struct Routes: Sendable {
    typealias Respond = @Sendable (Request) -> Response

    var webSockets = Router<WebSocketRoute>()
    var gets = Router<Respond>()
}

/// Where clients are upgraded.
struct WebSocketRoute: Sendable {
    let origin: OriginPolicy
    let upgrade: @Sendable (UpgradeRequest) -> UpgradeDecision
}
