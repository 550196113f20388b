// Finds the filters that match a topic without asking each of them: a tree of levels, in which
// the name of a topic is walked along its own branch, the one of `+`, and past every `#`.

/// Filters with wildcards, each with a value.
struct FilterTree<Value> {
    private final class Node {
        var children: [Substring: Node] = [:]
        /// The branch of `+`.
        var anyLevel: Node?
        /// The value of the filter that ends here.
        var value: Value?
        /// The value of the filter that goes on with `#` here.
        var restValue: Value?

        var isEmpty: Bool {
            children.isEmpty && anyLevel == nil && value == nil && restValue == nil
        }
    }

    private let root = Node()
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    private static func levels(of name: String) -> [Substring] {
        name.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// Adds a filter that is not in the tree.
    mutating func insert(_ filter: TopicFilter, _ value: Value) {
        count += 1
        var node = root
        for level in Self.levels(of: filter.name) {
            if level == "#" {
                node.restValue = value
                return
            }
            node = Self.child(of: node, level)
        }
        node.value = value
    }

    private static func child(of node: Node, _ level: Substring) -> Node {
        if let known = level == "+" ? node.anyLevel : node.children[level] { return known }
        let fresh = Node()
        if level == "+" { node.anyLevel = fresh } else { node.children[level] = fresh }
        return fresh
    }

    /// Removes a filter, and the branch it was alone on.
    mutating func remove(_ filter: TopicFilter) {
        if Self.remove(Self.levels(of: filter.name)[...], from: root) { count -= 1 }
    }

    /// Returns whether the filter was there.
    private static func remove(_ levels: ArraySlice<Substring>, from node: Node) -> Bool {
        guard let level = levels.first else {
            defer { node.value = nil }
            return node.value != nil
        }
        if level == "#" {
            defer { node.restValue = nil }
            return node.restValue != nil
        }
        guard let child = level == "+" ? node.anyLevel : node.children[level] else { return false }
        let wasThere = remove(levels.dropFirst(), from: child)
        if child.isEmpty {
            if level == "+" { node.anyLevel = nil } else { node.children[level] = nil }
        }
        return wasThere
    }

    /// The values of all filters that match.
    func matches(_ topic: Topic) -> [Value] {
        var found: [Value] = []
        Self.collect(Self.levels(of: topic.name)[...], from: root, into: &found)
        return found
    }

    /// As deep as a topic has levels, which its length bounds.
    private static func collect(
        _ levels: ArraySlice<Substring>,
        from node: Node,
        into found: inout [Value]
    ) {
        if let value = node.restValue { found.append(value) }
        guard let level = levels.first else {
            if let value = node.value { found.append(value) }
            return
        }
        let rest = levels.dropFirst()
        if let child = node.children[level] { collect(rest, from: child, into: &found) }
        if let child = node.anyLevel { collect(rest, from: child, into: &found) }
    }
}
