// From the path of a request to whoever answers it. The routes form a tree with one level per
// segment; a request walks down it over its own bytes, and copies none of them.

/// What a path leads to.
struct RouteMatch<Endpoint> {
    var endpoint: Endpoint
    /// The names of the captures, as the pattern has them.
    var names: [String]
    /// Where the captures lie, as ranges of the head.
    var captures: [HeadRange]
}

/// The routes of a server, by the patterns of their paths.
///
/// A literal segment goes before a parameter, a parameter before a star, at every level; when the
/// better one leads nowhere further down, the next one is tried. A slash at the end matters, and
/// so does case. The order in which routes were added does not.
struct Router<Endpoint> {
    fileprivate struct Leaf {
        var endpoint: Endpoint
        var names: [String]
    }

    fileprivate struct Node {
        var literals: [(segment: [UInt8], child: Int)] = []
        var parameter: Int?
        /// What the pattern that ends here leads to.
        var leaf: Leaf?
        /// What a star below here leads to.
        var wildcard: Leaf?
    }

    /// The root is the first one; children have higher indices than their parents.
    private var nodes = [Node()]

    init() {}

    /// Adds a route.
    mutating func add(_ pattern: String, _ endpoint: Endpoint) throws(RouteError) {
        let route = try RoutePattern(pattern)
        try setLeaf(of: route) { leaf throws(RouteError) in
            guard leaf == nil else { throw RouteError(pattern: pattern, kind: .duplicate) }
            leaf = Leaf(endpoint: endpoint, names: route.names)
        }
    }

    /// Changes the endpoint of a pattern in place, for endpoints that several calls make together,
    /// such as one per method.
    ///
    /// - Parameters:
    ///   - pattern: when it was given before, its parameters must have had the same names.
    ///   - initial: the endpoint to start from when the pattern is new.
    ///   - body: may throw to refuse; a pattern that was new is then not added.
    /// - Throws: what is wrong with the pattern, or what the body throws.
    mutating func update(
        _ pattern: String,
        default initial: @autoclosure () -> Endpoint,
        _ body: (inout Endpoint) throws(RouteError) -> Void
    ) throws(RouteError) {
        let route = try RoutePattern(pattern)
        try setLeaf(of: route) { leaf throws(RouteError) in
            var changed = leaf ?? Leaf(endpoint: initial(), names: route.names)
            guard changed.names == route.names else {
                throw RouteError(pattern: pattern, kind: .otherNames(changed.names))
            }
            try body(&changed.endpoint)
            leaf = changed
        }
    }

    /// Walks to the place of a route, making it when need be, and lets the body fill it.
    private mutating func setLeaf(
        of route: RoutePattern,
        _ body: (inout Leaf?) throws(RouteError) -> Void
    ) throws(RouteError) {
        var node = 0
        for segment in route.segments {
            switch segment {
            case .wildcard: return try body(&nodes[node].wildcard)
            case .parameter: node = parameterChild(of: node)
            case .literal(let bytes): node = literalChild(of: node, bytes)
            }
        }
        try body(&nodes[node].leaf)
    }

    private mutating func parameterChild(of node: Int) -> Int {
        if let child = nodes[node].parameter { return child }
        nodes.append(Node())
        nodes[node].parameter = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func literalChild(of node: Int, _ bytes: [UInt8]) -> Int {
        if let known = nodes[node].literals.first(where: { $0.segment == bytes }) {
            return known.child
        }
        nodes.append(Node())
        nodes[node].literals.append((segment: bytes, child: nodes.count - 1))
        return nodes.count - 1
    }
}

extension Router {
    /// Finds the route for a path.
    ///
    /// A path without parameters is found without an allocation. The work is bounded by the
    /// number of routes and the length of the path, whatever the path is.
    ///
    /// - Parameters:
    ///   - path: where the path lies in the head; begins with a slash.
    ///   - view: the head.
    /// - Returns: `nil` when no pattern matches.
    func match(_ path: HeadRange, in view: HeadView) -> RouteMatch<Endpoint>? {
        let bytes = unsafe view.slice(path)
        guard let first = unsafe bytes.first, first == HeadByte.slash else { return nil }
        var captures: [HeadRange] = []
        let found = unsafe find(in: bytes, from: 1, below: 0, into: &captures)
        guard let found else { return nil }
        let origin = Int(path.start)
        for index in captures.indices {
            let capture = captures[index]
            captures[index] = HeadRange(
                from: origin &+ Int(capture.start),
                to: origin &+ capture.end
            )
        }
        return RouteMatch(endpoint: found.endpoint, names: found.names, captures: captures)
    }

    /// Looks for the rest of the path below a node. As deep as the deepest pattern, no deeper.
    /// `start` is where the segment begins that this level is about; it lies beyond the end when
    /// the path has no more.
    private func find(
        in bytes: UnsafeRawBufferPointer,
        from start: Int,
        below index: Int,
        into captures: inout [HeadRange]
    ) -> Leaf? {
        let node = nodes[index]
        guard start <= bytes.count else { return node.leaf }
        var end = start
        while end < bytes.count, unsafe bytes[end] != HeadByte.slash { end &+= 1 }
        let segment = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        for (literal, child) in node.literals where unsafe segment.elementsEqual(literal) {
            let found = unsafe find(in: bytes, from: end &+ 1, below: child, into: &captures)
            if let found { return found }
        }
        if let child = node.parameter, end > start {
            captures.append(HeadRange(from: start, to: end))
            let found = unsafe find(in: bytes, from: end &+ 1, below: child, into: &captures)
            if let found { return found }
            captures.removeLast()
        }
        guard let wildcard = node.wildcard else { return nil }
        captures.append(HeadRange(from: start, to: bytes.count))
        return wildcard
    }
}

extension Router: Sendable where Endpoint: Sendable {}
extension Router.Node: Sendable where Endpoint: Sendable {}
extension Router.Leaf: Sendable where Endpoint: Sendable {}
