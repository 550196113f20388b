// The patterns a server is told at its start: `/health`, `/chat/:room`, `/files/*`. Their mistakes
// are the programmer's, and are told when the route is added, not when a request comes.

/// A route that cannot be added.
public struct RouteError: Error, Sendable, Equatable, CustomStringConvertible {
    enum Kind: Sendable, Equatable {
        case noLeadingSlash
        case badByte(UInt8)
        case badParameterName(String)
        case repeatedParameterName(String)
        case wildcardNotLast
        case duplicate
        case otherNames([String])
    }

    /// The pattern as it was given.
    public let pattern: String
    let kind: Kind

    /// What is wrong with the pattern.
    public var description: String {
        switch kind {
        case .noLeadingSlash:
            "the route pattern \"\(pattern)\" does not begin with a slash"
        case .badByte(let byte):
            "the route pattern \"\(pattern)\" holds the byte 0x\(String(byte, radix: 16)), which "
                + "no path holds: write it as a percent escape"
        case .badParameterName(let name):
            "the route pattern \"\(pattern)\" has the parameter name \"\(name)\": names are made "
                + "of letters, digits and underscores"
        case .repeatedParameterName(let name):
            "the route pattern \"\(pattern)\" has the parameter name \"\(name)\" twice"
        case .wildcardNotLast:
            "the route pattern \"\(pattern)\" has a star that is not its last segment"
        case .duplicate:
            "the route pattern \"\(pattern)\" matches the same paths as an earlier one"
        case .otherNames(let names):
            "the route pattern \"\(pattern)\" matches the same paths as an earlier one whose "
                + "parameters are called \(names.joined(separator: ", "))"
        }
    }
}

/// A pattern taken apart into its segments.
struct RoutePattern {
    enum Segment: Equatable {
        /// Matches the same bytes. An empty one comes from a slash at the end.
        case literal([UInt8])
        /// Matches one segment that is not empty.
        case parameter
        /// Matches all that is left, which may be nothing.
        case wildcard
    }

    let text: String
    let segments: [Segment]
    /// The names of the captures, in order; that of a star is `*`.
    let names: [String]

    /// - Parameter text: begins with a slash. A segment that begins with a colon is a parameter;
    ///   a last segment of `*` matches everything below; all else is matched byte for byte, and
    ///   so must be written with the percent escapes that clients send.
    /// - Throws: what is wrong with the pattern.
    init(_ text: String) throws(RouteError) {
        guard text.utf8.first == HeadByte.slash else {
            throw RouteError(pattern: text, kind: .noLeadingSlash)
        }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var segments: [Segment] = []
        var names: [String] = []
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count &- 1
            let segment = try Self.segment(part, isLast: isLast, of: text)
            let name = segment == .parameter ? String(part.dropFirst()) : "*"
            segments.append(segment)
            if case .literal = segment { continue }
            guard !names.contains(name) else {
                throw RouteError(pattern: text, kind: .repeatedParameterName(name))
            }
            names.append(name)
        }
        self.text = text
        self.segments = segments
        self.names = names
    }

    private static func segment(
        _ part: Substring,
        isLast: Bool,
        of pattern: String
    ) throws(RouteError) -> Segment {
        if part.utf8.first == HeadByte.colon {
            let name = part.dropFirst()
            guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
                throw RouteError(pattern: pattern, kind: .badParameterName(String(name)))
            }
            return .parameter
        }
        if part == "*" {
            guard isLast else { throw RouteError(pattern: pattern, kind: .wildcardNotLast) }
            return .wildcard
        }
        for byte in part.utf8 where !isPathByte(byte) {
            throw RouteError(pattern: pattern, kind: .badByte(byte))
        }
        guard !part.utf8.contains(UInt8(ascii: "*")) else {
            throw RouteError(pattern: pattern, kind: .wildcardNotLast)
        }
        return .literal(Array(part.utf8))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        HeadByte.isLetter(byte) || HeadByte.isDigit(byte) || byte == UInt8(ascii: "_")
    }

    /// Visible ASCII, but for what ends a path.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != HeadByte.questionMark && byte != UInt8(ascii: "#")
    }
}
