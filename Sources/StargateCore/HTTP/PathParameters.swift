/// What the pattern of a route captured from the path of a request.
///
/// For the pattern `/chat/:room` and the path `/chat/lobby`, `parameters["room"]` is `lobby`. What
/// a closing `*` stands for has the name `*`.
public struct PathParameters: Sendable {
    let storage: RequestRecord

    /// The names in the pattern, in their order.
    public var allNames: [String] { storage.names }

    /// What was captured under this name, with percent escapes decoded; `nil` when the pattern
    /// has no such name.
    ///
    /// It is never empty for a name with a colon, but may hold anything else, slashes included:
    /// an escaped slash does not end a segment.
    public subscript(name: String) -> String? {
        guard let index = storage.names.firstIndex(of: name) else { return nil }
        return storage.capture(at: index).map { storage.decodedString($0) }
    }
}
