/// The connections that have something to do before the loop sleeps, in the order they asked.
///
/// A list through the connections themselves, so that asking costs two stores and no memory.
struct AttentionList {
    private var first: Connection?
    private var last: Connection?

    var isEmpty: Bool { first == nil }

    /// Appends a connection that is not on the list.
    mutating func append(_ connection: Connection) {
        connection.state.next = nil
        if let last { last.state.next = connection } else { first = connection }
        last = connection
    }

    /// Takes the first connection off.
    mutating func popFirst() -> Connection? {
        guard let connection = first else { return nil }
        first = connection.state.next
        if first == nil { last = nil }
        connection.state.next = nil
        return connection
    }
}

extension Loop {
    /// Serves every connection that asked, and those that ask meanwhile.
    ///
    /// A block on the list is not recycled before it is taken off, see ``Connection/release()``.
    @inline(__always)
    func serveAttention() {
        if !state.attention.isEmpty { serveListed() }
    }

    private func serveListed() {
        while let connection = state.attention.popFirst() {
            connection.state.flags.remove(.needsAttention)
            connection.attend()
        }
    }
}
