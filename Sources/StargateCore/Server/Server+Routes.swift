extension Server {
    // MARK: WebSockets

    /// Serves WebSocket connections on a path.
    ///
    /// - Parameters:
    ///   - pattern: a path whose segments may be parameters (`/chat/:room`); a final `*` takes the
    ///     rest of the path.
    ///   - origin: from which pages browsers may connect; what is not a browser sends no origin.
    ///     Without this check any page on the Internet could use a visitor's cookies here.
    ///   - upgrade: decides about each client, on its loop: it must not block. An error that it
    ///     throws becomes 500 and a line in the log, unless it is a ``ResponseError``, which says
    ///     itself what the client is told.
    public func webSocket(
        _ pattern: String,
        origin: OriginPolicy = .sameOrigin,
        upgrade: @escaping @Sendable (UpgradeRequest) throws -> UpgradeDecision
    ) {
        add(WebSocketRoute(pattern: pattern, origin: origin, upgrade: .immediate(upgrade)))
    }

    /// Serves WebSocket connections on a path, and takes time to decide about them: the place to
    /// find out who a client is before it is let in.
    ///
    ///     server.webSocket("/orders", origin: .allow(["https://shop.example"])) { request in
    ///         guard let token = request.cookies["session"],
    ///             let user = try await sessions.user(of: token)
    ///         else { return .reject(.unauthorized) }
    ///         return .accept { Orders(of: user) }
    ///     }
    ///
    /// The closure runs as a task of its own, while the loop serves others. What the client sends
    /// meanwhile is kept, and delivered right after the handler's `opened`. When the client goes,
    /// or ``Configuration/upgradeTimeout`` has passed, the task is cancelled; in the latter case
    /// the client gets 503. A decision that comes after that has no effect: its handler is not
    /// made.
    ///
    /// A closure that awaits nothing is better given to the other overload, which costs no task;
    /// the compiler chooses by whether there is an `await` in it.
    ///
    /// - Parameters:
    ///   - pattern: as for the other overload.
    ///   - origin: as for the other overload; judged before the closure is called.
    ///   - upgrade: decides about each client. What it throws is answered as in the other overload.
    public func webSocket(
        _ pattern: String,
        origin: OriginPolicy = .sameOrigin,
        upgrade: @escaping @Sendable (UpgradeRequest) async throws -> UpgradeDecision
    ) {
        add(WebSocketRoute(pattern: pattern, origin: origin, upgrade: .eventual(upgrade)))
    }

    private func add(_ route: WebSocketRoute) {
        addRoute { routes throws(RouteError) in try routes.webSockets.add(route.pattern, route) }
    }

    // MARK: Plain HTTP

    /// Answers the requests with a method on a path, at once.
    ///
    /// GET answers HEAD too. A path with routes for some methods answers the others with 405 and
    /// the list of those it has. When several patterns match a path the most specific one is asked,
    /// whatever methods it has.
    ///
    /// - Parameters:
    ///   - method: not CONNECT.
    ///   - pattern: a path whose segments may be parameters (`/jobs/:id`); a final `*` takes the
    ///     rest of the path. A WebSocket may have the same.
    ///   - respond: makes the response when the request's body has arrived, on the client's loop:
    ///     it must not block. An error that it throws becomes 500 and a line in the log, unless it
    ///     is a ``ResponseError``.
    public func route(
        _ method: HTTPMethod,
        _ pattern: String,
        respond: @escaping @Sendable (Request) throws -> Response
    ) {
        add(method, pattern, .immediate(respond))
    }

    /// Answers the requests with a method on a path, and takes time for it.
    ///
    /// The closure runs as a task of its own. The connection's next request is not looked at before
    /// the response is there; after ``Configuration/responseTimeout`` the client gets 503 and the
    /// task is cancelled, as it is when the connection breaks.
    ///
    /// - Parameters:
    ///   - method: not CONNECT.
    ///   - pattern: as for the other overload.
    ///   - respond: makes the response. What it throws is answered as in the other overload.
    public func route(
        _ method: HTTPMethod,
        _ pattern: String,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) {
        add(method, pattern, .eventual(respond))
    }

    private func add(_ method: HTTPMethod, _ pattern: String, _ respond: Resource.Respond) {
        addRoute { routes throws(RouteError) in
            let empty = Resource(pattern: pattern)
            try routes.resources.update(pattern, default: empty) { resource throws(RouteError) in
                try resource.add(method, respond)
            }
        }
    }
}

extension Server {
    // MARK: By method

    /// Answers GET and HEAD requests on a path, at once: `route` says more.
    public func get(
        _ pattern: String,
        respond: @escaping @Sendable (Request) throws -> Response
    ) {
        route(.get, pattern, respond: respond)
    }

    /// Answers GET and HEAD requests on a path, and takes time for it: `route` says more.
    public func get(
        _ pattern: String,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) {
        route(.get, pattern, respond: respond)
    }

    /// Answers POST requests on a path, at once: `route` says more.
    public func post(
        _ pattern: String,
        respond: @escaping @Sendable (Request) throws -> Response
    ) {
        route(.post, pattern, respond: respond)
    }

    /// Answers POST requests on a path, and takes time for it: `route` says more.
    public func post(
        _ pattern: String,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) {
        route(.post, pattern, respond: respond)
    }

    /// Answers PUT requests on a path, at once: `route` says more.
    public func put(
        _ pattern: String,
        respond: @escaping @Sendable (Request) throws -> Response
    ) {
        route(.put, pattern, respond: respond)
    }

    /// Answers PUT requests on a path, and takes time for it: `route` says more.
    public func put(
        _ pattern: String,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) {
        route(.put, pattern, respond: respond)
    }

    /// Answers DELETE requests on a path, at once: `route` says more.
    public func delete(
        _ pattern: String,
        respond: @escaping @Sendable (Request) throws -> Response
    ) {
        route(.delete, pattern, respond: respond)
    }

    /// Answers DELETE requests on a path, and takes time for it: `route` says more.
    public func delete(
        _ pattern: String,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) {
        route(.delete, pattern, respond: respond)
    }
}
