@testable import StargateCore

/// Filters with wildcards, one by one and as a tree, against a matcher that compares level by level.
///
/// The first line of the input is the topic, every other one a filter.
func fuzzTopics(_ input: consuming FuzzInput) {
    let text = String(decoding: input.rest(), as: UTF8.self)
    let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
        String(Substring($0))
    }
    guard let first = lines.first, let topic = try? Topic(first) else { return }

    var tree = FilterTree<[UInt8]>()
    var filters: [TopicFilter] = []
    var matching: Set<[UInt8]> = []
    for line in lines.dropFirst() {
        guard let filter = try? TopicFilter(line), !filters.contains(filter) else { continue }
        let isMatch = matches(levels(filter.name)[...], levels(topic.name)[...])
        requireEqual(filter.matches(topic), isMatch, "\(filter) and \(topic)")
        tree.insert(filter, Array(filter.name.utf8))
        filters.append(filter)
        if isMatch { matching.insert(Array(filter.name.utf8)) }
    }
    check(tree, topic, matching)
    // One after the other goes; those that stay still match.
    for filter in filters {
        tree.remove(filter)
        matching.remove(Array(filter.name.utf8))
        check(tree, topic, matching)
    }
    require(tree.isEmpty, "the tree is not empty at the end")
}

private func check(_ tree: FilterTree<[UInt8]>, _ topic: Topic, _ expected: Set<[UInt8]>) {
    let found = tree.matches(topic)
    requireEqual(found.count, expected.count, "the number of filters that match")
    requireEqual(Set(found), expected, "the filters that match")
}

private func levels(_ name: String) -> [[UInt8]] {
    Array(name.utf8).split(separator: 0x2F, omittingEmptySubsequences: false).map(Array.init)
}

/// MQTT 5, section 4.7.
private func matches(_ filter: ArraySlice<[UInt8]>, _ topic: ArraySlice<[UInt8]>) -> Bool {
    if filter.first == Array("#".utf8) { return true }
    guard let wanted = filter.first, let level = topic.first else {
        return filter.isEmpty && topic.isEmpty
    }
    return (wanted == Array("+".utf8) || wanted == level)
        && matches(filter.dropFirst(), topic.dropFirst())
}
