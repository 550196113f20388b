/// What the pattern of a route captured from the path of a request.
///
/// For the pattern `/chat/:room` and the path `/chat/lobby`, `parameters["room"]` is `lobby`. What
/// a closing `*` stands for has the name `*`.
public struct PathParameters: Sendable {
    private let storage: HeadStorage?
    private let names: [String]
    private let captures: [HeadRange]

    init(storage: HeadStorage, names: [String], captures: [HeadRange]) {
        assert(names.count == captures.count)
        self.storage = names.isEmpty ? nil : storage
        self.names = names
        self.captures = captures
    }

    /// The names in the pattern, in their order.
    public var allNames: [String] { names }

    /// What was captured under this name, with percent escapes decoded; `nil` when the pattern
    /// has no such name.
    ///
    /// It is never empty for a name with a colon, but may hold anything else, slashes included:
    /// an escaped slash does not end a segment.
    public subscript(name: String) -> String? {
        guard let index = names.firstIndex(of: name), captures.indices.contains(index) else {
            return nil
        }
        return storage?.decodedString(captures[index])
    }
}
