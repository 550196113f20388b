// Finds the filters that match a topic without asking each of them: a tree of levels, in which
// the name of a topic is walked along its own branch, the one of `+`, and past every `#`.

/// Filters with wildcards, each with a value.
struct FilterTree<Value> {
    private final class Node {
        var children: [TopicName: Node] = [:]
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

    /// Adds a filter that is not in the tree.
    mutating func insert(_ filter: TopicFilter, _ value: Value) {
        count += 1
        var node = root
        for level in TopicName(filter.name).levels {
            if level.isHash {
                node.restValue = value
                return
            }
            node = Self.child(of: node, level)
        }
        node.value = value
    }

    private static func child(of node: Node, _ level: TopicName) -> Node {
        if let known = level.isPlus ? node.anyLevel : node.children[level] { return known }
        let fresh = Node()
        if level.isPlus { node.anyLevel = fresh } else { node.children[level] = fresh }
        return fresh
    }

    /// Removes a filter, and the branch it was alone on.
    mutating func remove(_ filter: TopicFilter) {
        if Self.remove(TopicName(filter.name).levels[...], from: root) { count -= 1 }
    }

    /// Returns whether the filter was there.
    private static func remove(_ levels: ArraySlice<TopicName>, from node: Node) -> Bool {
        guard let level = levels.first else {
            defer { node.value = nil }
            return node.value != nil
        }
        if level.isHash {
            defer { node.restValue = nil }
            return node.restValue != nil
        }
        guard let child = level.isPlus ? node.anyLevel : node.children[level] else { return false }
        let wasThere = remove(levels.dropFirst(), from: child)
        if child.isEmpty {
            if level.isPlus { node.anyLevel = nil } else { node.children[level] = nil }
        }
        return wasThere
    }

    /// The values of all filters that match.
    func matches(_ topic: Topic) -> [Value] {
        var found: [Value] = []
        Self.collect(TopicName(topic.name).levels[...], from: root, into: &found)
        return found
    }

    /// As deep as a topic has levels, which its length bounds.
    private static func collect(
        _ levels: ArraySlice<TopicName>,
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
