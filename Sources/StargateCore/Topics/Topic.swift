/// The name of a topic: what messages are published to, and connections subscribe to.
///
/// Levels separated by `/`, as in `markets/xetra/SAP`; a level may be empty. 1 to 255 bytes of
/// UTF-8 without NUL, and without `+` and `#`, which stand for levels in a ``TopicFilter``. No name
/// has a meaning of its own: a leading `$` is a character like others.
public struct Topic: Hashable, Sendable {
    /// The longest name, in bytes of UTF-8. Long enough for a path of identifiers, short enough
    /// that a million topics fit into memory.
    public static let byteCountMax = 255

    /// The name.
    public let name: String

    /// A topic with a name from outside, such as a path parameter.
    ///
    /// - Parameter name: the levels, separated by `/`.
    /// - Throws: ``TopicError`` when the name is none of a topic.
    public init(_ name: String) throws(TopicError) {
        try Self.validate(name)
        guard !name.utf8.contains(where: { $0 == TopicByte.plus || $0 == TopicByte.hash }) else {
            throw .containsWildcard
        }
        self.name = name
    }

    /// What holds for names of topics and filters alike.
    static func validate(_ name: String) throws(TopicError) {
        let bytes = name.utf8
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= byteCountMax else { throw .tooLong(byteCount: bytes.count) }
        guard !bytes.contains(0) else { throw .containsNUL }
    }
}

extension Topic: ExpressibleByStringLiteral {
    /// A topic whose name stands in the source code; a name that is none of a topic ends the
    /// program. For names from outside there is ``init(_:)``.
    public init(stringLiteral name: String) {
        do throws(TopicError) {
            try self.init(name)
        } catch {
            preconditionFailure("\"\(name)\" is not the name of a topic: \(error)")
        }
    }
}

extension Topic: CustomStringConvertible {
    /// The name.
    public var description: String { name }
}

/// Why a text is not the name of a topic, or not a filter.
public enum TopicError: Error, Hashable, Sendable {
    /// It has no bytes.
    case empty
    /// It has more bytes than ``Topic/byteCountMax``.
    case tooLong(byteCount: Int)
    /// It has a NUL, which other systems take for the end.
    case containsNUL
    /// It names a topic and holds `+` or `#`.
    case containsWildcard
    /// In a filter, `+` and `#` stand for whole levels, and `#` only for the last.
    case misplacedWildcard
}

/// The bytes that have a meaning in names.
enum TopicByte {
    static let slash = UInt8(ascii: "/")
    static let plus = UInt8(ascii: "+")
    static let hash = UInt8(ascii: "#")
}
