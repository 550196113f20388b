/// The topics that a subscription is for: one, or all that match a pattern.
///
/// As in MQTT (version 5, section 4.7): `+` stands for one level of whatever name, the empty one
/// included; `#`, as the last level, for any number of levels and also for none, so that
/// `markets/#` matches `markets` too. A filter without either is the topic of that name.
public struct TopicFilter: Hashable, Sendable {
    /// The levels as they were written.
    public let name: String
    /// Whether it may match more than one topic.
    public let hasWildcards: Bool

    /// A filter from outside.
    ///
    /// - Parameter name: levels separated by `/`; 1 to 255 bytes without NUL.
    /// - Throws: ``TopicError`` when it cannot be a filter.
    public init(_ name: String) throws(TopicError) {
        try Topic.validate(name)
        var hasWildcards = false
        let levels = name.utf8.split(separator: TopicByte.slash, omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            let hasHash = level.contains(TopicByte.hash)
            guard hasHash || level.contains(TopicByte.plus) else { continue }
            guard level.count == 1, !hasHash || index == levels.count - 1 else {
                throw .misplacedWildcard
            }
            hasWildcards = true
        }
        self.name = name
        self.hasWildcards = hasWildcards
    }

    /// The filter that matches one topic.
    public init(_ topic: Topic) {
        name = topic.name
        hasWildcards = false
    }

    /// Whether messages to a topic are for those who subscribed with this filter.
    public func matches(_ topic: Topic) -> Bool {
        hasWildcards ? Self.matches(name.utf8, topic.name.utf8) : self == TopicFilter(topic)
    }

    /// Walks both names once, side by side.
    private static func matches(
        _ filter: String.UTF8View,
        _ topic: String.UTF8View
    ) -> Bool {
        var place = filter.startIndex
        var other = topic.startIndex
        while place < filter.endIndex {
            switch filter[place] {
            case TopicByte.hash:
                return true
            case TopicByte.plus:
                other = topic[other...].firstIndex(of: TopicByte.slash) ?? topic.endIndex
            case let byte:
                // The topic is over: what is left may only stand for no level at all.
                guard other < topic.endIndex else {
                    return filter[place...].elementsEqual("/#".utf8)
                }
                guard byte == topic[other] else { return false }
                other = topic.index(after: other)
            }
            place = filter.index(after: place)
        }
        return other == topic.endIndex
    }
}

extension TopicFilter: ExpressibleByStringLiteral {
    /// A filter that stands in the source code; a text that is none ends the program. For filters
    /// from outside there is ``init(_:)-(String)``.
    public init(stringLiteral name: String) {
        do throws(TopicError) {
            try self.init(name)
        } catch {
            preconditionFailure("\"\(name)\" is not a filter: \(error)")
        }
    }
}

extension TopicFilter: CustomStringConvertible {
    /// The levels as they were written.
    public var description: String { name }
}
