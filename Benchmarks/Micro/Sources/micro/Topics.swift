@testable import StargateCore

/// Which subscribers a topic has.
let topicBenchmarks: [Benchmark] = [
    Benchmark("topic-parse") { parseTopic() },
    Benchmark("filter-match") { matchFilter() },
    Benchmark("filter-tree-1000") { matchTree() },
]

private func parseTopic() -> (Int) -> Int {
    { times in
        var sum = 0
        for _ in 0..<times {
            if let topic = try? Topic("jobs/seven/state") { sum &+= topic.name.utf8.count }
        }
        return sum
    }
}

private func matchFilter() -> (Int) -> Int {
    guard let topic = try? Topic("jobs/seven/state"), let filter = try? TopicFilter("jobs/+/state")
    else { return { _ in 0 } }
    return { times in
        var sum = 0
        for _ in 0..<times where filter.matches(topic) { sum &+= 1 }
        return sum
    }
}

/// A tree of a thousand filters, four of which match.
private func matchTree() -> (Int) -> Int {
    var tree = FilterTree<Int>()
    for number in 0..<996 {
        if let filter = try? TopicFilter("jobs/\(number)/state") { tree.insert(filter, number) }
    }
    for (number, name) in ["jobs/+/state", "jobs/#", "+/7/state", "#"].enumerated() {
        if let filter = try? TopicFilter(name) { tree.insert(filter, 996 + number) }
    }
    guard let topic = try? Topic("jobs/7/state") else { return { _ in 0 } }
    return { times in
        var sum = 0
        for _ in 0..<times { sum &+= tree.matches(topic).count }
        return sum
    }
}
