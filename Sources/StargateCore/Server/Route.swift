/// What a path of a server leads to: a WebSocket, an HTTP response, or both.
struct Route: Sendable {
    var webSocket: WebSocketRoute?
    var get: (@Sendable (Request) -> Response)?
}

/// Where clients are upgraded.
struct WebSocketRoute: Sendable {
    let origin: OriginPolicy
    let upgrade: @Sendable (UpgradeRequest) -> UpgradeDecision
}
