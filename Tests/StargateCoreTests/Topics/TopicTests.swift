import Testing

@testable import StargateCore

@Suite("Names of topics and filters")
struct TopicTests {
    @Test(
        "a name is a topic",
        arguments: ["a", "/", "a/b", "/a", "a/", "a//b", "$SYS/x", "ä/ö", " "]
    )
    func names(name: String) throws {
        #expect(try Topic(name).name == name)
        #expect(try TopicFilter(name).hasWildcards == false)
        #expect(try TopicFilter(name) == TopicFilter(try Topic(name)))
    }

    @Test("lengths at the limits")
    func lengths() throws {
        let nothing = String()
        #expect(throws: TopicError.empty) { try Topic(nothing) }
        #expect(throws: TopicError.empty) { try TopicFilter(nothing) }
        #expect(try Topic(String(repeating: "x", count: 255)).name.utf8.count == 255)
        // Bytes count, not characters.
        let long = String(repeating: "ä", count: 128)
        #expect(throws: TopicError.tooLong(byteCount: 256)) { try Topic(long) }
        #expect(throws: TopicError.tooLong(byteCount: 256)) { try TopicFilter(long) }
    }

    @Test("a text that is no topic", arguments: ["+", "#", "a/+", "a/#", "a+", "a#b"])
    func wildcardsInTopics(name: String) {
        #expect(throws: TopicError.containsWildcard) { try Topic(name) }
    }

    @Test("NUL is refused everywhere", arguments: ["\0", "a\0", "a/\0/b"])
    func nul(name: String) {
        #expect(throws: TopicError.containsNUL) { try Topic(name) }
        #expect(throws: TopicError.containsNUL) { try TopicFilter(name) }
    }

    @Test(
        "wildcards stand for whole levels, # for the last",
        arguments: [
            "a+", "+a", "a/b+", "a/+b/c", "a#", "#a", "a/#/b", "#/", "#/#", "++", "##", "a/b#",
        ]
    )
    func misplaced(name: String) {
        #expect(throws: TopicError.misplacedWildcard) { try TopicFilter(name) }
    }

    @Test("literals")
    func literals() {
        let topic: Topic = "a/b"
        let filter: TopicFilter = "a/+"
        #expect(topic.description == "a/b" && filter.description == "a/+" && filter.hasWildcards)
    }

    /// The examples of MQTT version 5, section 4.7.1, and cases around them.
    static let table: [(filter: String, topic: String, matches: Bool)] = [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/tennis/player1/#", "sport/tennis/player10", false),
        ("sport/tennis/player1/#", "sport/tennis", false),
        ("sport/#", "sport", true),
        ("sport/#", "sport/", true),
        ("sport/#", "sports", false),
        ("#", "sport", true),
        ("#", "/", true),
        ("#", "a/b/c", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player2", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+", "sport", true),
        ("+", "sport/tennis", false),
        ("+", "/finance", false),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("/+", "finance", false),
        ("+/tennis/#", "sport/tennis", true),
        ("+/tennis/#", "sport/tennis/x/y", true),
        ("+/tennis/#", "/tennis", true),
        ("+/tennis/#", "tennis", false),
        ("+/#", "a", true),
        ("+/#", "a/b", true),
        ("+/+/#", "a", false),
        ("+/+/#", "a/b", true),
        ("a/+/c", "a/b/c", true),
        ("a/+/c", "a//c", true),
        ("a/+/c", "a/b/d", false),
        ("a/+/c", "a/b/c/d", false),
        ("a/+/c", "a/c", false),
        ("a/b", "a/b", true),
        ("a/b", "a/B", false),
        ("a", "a/b", false),
        ("a/b", "a", false),
        ("a/+/#", "a/b", true),
        ("a/+/#", "a", false),
        ("$SYS/#", "$SYS/x", true),
        ("#", "$SYS/x", true),
        // A combining mark behind a slash: to people one character, on the wire still a slash.
        ("+", "0/\u{6DB}", false),
        ("+/+", "0/\u{6DB}", true),
        ("+/\u{301}", "a/\u{301}", true),
        // The same to people, other bytes.
        ("caf\u{E9}", "cafe\u{301}", false),
        ("+/caf\u{E9}", "a/cafe\u{301}", false),
    ]

    @Test("what a filter matches", arguments: table)
    func matches(filter: String, topic: String, matches: Bool) throws {
        let filter = try TopicFilter(filter)
        let topic = try Topic(topic)
        #expect(filter.matches(topic) == matches)
        var tree = FilterTree<Int>()
        tree.insert(filter, 1)
        #expect(tree.matches(topic) == (matches ? [1] : []))
        tree.remove(filter)
        #expect(tree.isEmpty && tree.matches(topic) == [])
    }

    @Test("the tree finds what asking every filter finds, while filters come and go")
    func treeAgainstMatcher() throws {
        var generator = SeededGenerator(state: 4)
        var tree = FilterTree<TopicFilter>()
        var filters: Set<TopicFilter> = []
        for _ in 0..<2000 {
            let filter = try TopicFilter(Self.randomName(&generator, wildcards: true))
            if filters.insert(filter).inserted {
                tree.insert(filter, filter)
            } else {
                filters.remove(filter)
                tree.remove(filter)
            }
            #expect(tree.count == filters.count)
            let topic = try Topic(Self.randomName(&generator, wildcards: false))
            let found = tree.matches(topic)
            #expect(found.count == Set(found).count)
            #expect(Set(found) == filters.filter { $0.matches(topic) })
        }
        for filter in filters { tree.remove(filter) }
        #expect(tree.isEmpty)
    }

    static func randomName(_ generator: inout SeededGenerator, wildcards: Bool) -> String {
        var levels: [String] = []
        for _ in 0...Int.random(in: 0...3, using: &generator) {
            let names = wildcards ? ["a", "b", "", "+"] : ["a", "b", ""]
            levels.append(names.randomElement(using: &generator) ?? "a")
        }
        if wildcards, Bool.random(using: &generator) { levels.append("#") }
        let name = levels.joined(separator: "/")
        return name.isEmpty ? "a" : name
    }
}
