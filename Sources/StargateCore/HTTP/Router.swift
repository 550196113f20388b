// From the path of a request to whoever answers it. The routes form a tree with one level per
// segment; a request walks down it over its own bytes, and copies none of them.

/// What a path leads to.
struct RouteMatch<Endpoint> {
    var endpoint: Endpoint
    /// The names of the captures, as the pattern has them.
    var names: [String]
    /// Where the captures lie, as ranges of the head.
    var captures: RouteCaptures
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

    /// One segment of some patterns. All indices and no references: a walk over the nodes counts
    /// no references either.
    fileprivate struct Node {
        /// The bytes of a literal segment, as a part of `literals`.
        var literalStart = 0
        var literalCount = 0
        /// The first child that is a literal; the others follow as its siblings.
        var firstLiteral: Int?
        var nextSibling: Int?
        var parameter: Int?
        /// What the pattern that ends here leads to.
        var leaf: Int?
        /// What a star below here leads to.
        var wildcard: Int?
    }

    /// The root is the first one.
    private var nodes = [Node()]
    private var leaves: [Leaf] = []
    /// The bytes of all literal segments.
    private var literals: [UInt8] = []

    init() {}

    /// Adds a route.
    mutating func add(_ pattern: String, _ endpoint: Endpoint) throws(RouteError) {
        let route = try RoutePattern(pattern)
        let place = place(of: route)
        guard nodes[place.node][keyPath: place.end] == nil else {
            throw RouteError(pattern: pattern, kind: .duplicate)
        }
        append(Leaf(endpoint: endpoint, names: route.names), at: place)
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
        let place = place(of: route)
        if let leaf = nodes[place.node][keyPath: place.end] {
            let names = leaves[leaf].names
            guard names == route.names else {
                throw RouteError(pattern: pattern, kind: .otherNames(names))
            }
            try body(&leaves[leaf].endpoint)
        } else {
            var endpoint = initial()
            try body(&endpoint)
            append(Leaf(endpoint: endpoint, names: route.names), at: place)
        }
    }

    /// Where the end of a pattern is noted: at which node, and in which of its properties.
    private typealias Place = (node: Int, end: WritableKeyPath<Node, Int?>)

    private mutating func append(_ leaf: Leaf, at place: Place) {
        leaves.append(leaf)
        nodes[place.node][keyPath: place.end] = leaves.count &- 1
    }

    /// Walks to the place of a pattern, making the way when need be.
    private mutating func place(of route: RoutePattern) -> Place {
        var node = 0
        for segment in route.segments {
            switch segment {
            case .wildcard: return (node, \.wildcard)
            case .parameter: node = parameterChild(of: node)
            case .literal(let bytes): node = literalChild(of: node, bytes)
            }
        }
        return (node, \.leaf)
    }

    private mutating func parameterChild(of node: Int) -> Int {
        if let child = nodes[node].parameter { return child }
        nodes.append(Node())
        nodes[node].parameter = nodes.count &- 1
        return nodes.count &- 1
    }

    private mutating func literalChild(of node: Int, _ bytes: [UInt8]) -> Int {
        var sibling = nodes[node].firstLiteral
        while let known = sibling {
            let start = nodes[known].literalStart
            if literals[start..<start &+ nodes[known].literalCount].elementsEqual(bytes) {
                return known
            }
            sibling = nodes[known].nextSibling
        }
        var child = Node()
        child.literalStart = literals.count
        child.literalCount = bytes.count
        child.nextSibling = nodes[node].firstLiteral
        literals.append(contentsOf: bytes)
        nodes.append(child)
        nodes[node].firstLiteral = nodes.count &- 1
        return nodes.count &- 1
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
        var walk = RouteWalk(offset: Int(path.start))
        let found = unsafe find(in: bytes, from: 1, below: 0, &walk)
        guard let found else { return nil }
        return RouteMatch(
            endpoint: leaves[found].endpoint,
            names: leaves[found].names,
            captures: walk.captures
        )
    }

    /// Looks for the rest of the path below a node. As deep as the deepest pattern, no deeper.
    ///
    /// `start` is where the segment begins that this level is about; it lies beyond the end when
    /// the path has no more.
    private func find(
        in bytes: UnsafeRawBufferPointer,
        from start: Int,
        below node: Int,
        _ walk: inout RouteWalk
    ) -> Int? {
        guard start <= bytes.count else { return nodes[node].leaf }
        var end = start
        while end < bytes.count, unsafe bytes[end] != HeadByte.slash { end &+= 1 }
        let segment = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        if let child = unsafe literalChild(of: node, equalTo: segment) {
            let found = unsafe find(in: bytes, from: end &+ 1, below: child, &walk)
            if let found { return found }
        }
        if let child = nodes[node].parameter, end > start {
            walk.capture(start, end)
            let found = unsafe find(in: bytes, from: end &+ 1, below: child, &walk)
            if let found { return found }
            walk.captures.removeLast()
        }
        guard let wildcard = nodes[node].wildcard else { return nil }
        walk.capture(start, bytes.count)
        return wildcard
    }

    private func literalChild(of node: Int, equalTo segment: UnsafeRawBufferPointer) -> Int? {
        var sibling = nodes[node].firstLiteral
        while let index = sibling {
            let child = nodes[index]
            if unsafe child.literalCount == segment.count && holds(segment, child.literalStart) {
                return index
            }
            sibling = child.nextSibling
        }
        return nil
    }

    /// Whether `literals` has these bytes from a position on.
    private func holds(_ segment: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        for offset in 0..<segment.count {
            if unsafe literals[start &+ offset] != segment[offset] { return false }
        }
        return true
    }
}

/// What a walk through the routes has gathered.
private struct RouteWalk {
    /// Where the path begins in the head.
    let offset: Int
    var captures = RouteCaptures()

    mutating func capture(_ start: Int, _ end: Int) {
        captures.append(HeadRange(from: offset &+ start, to: offset &+ end))
    }
}

extension Router: Sendable where Endpoint: Sendable {}
extension Router.Leaf: Sendable where Endpoint: Sendable {}
extension Router.Node: Sendable {}
