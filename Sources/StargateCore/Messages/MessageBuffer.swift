// Where a message grows when it does not lie in the receive buffer as a whole: fragments are
// gathered here, and compressed ones are inflated into it. Memory comes from malloc and not from a
// Swift array, because an array ends the process when there is no memory, and because what is
// reserved here need not be filled with zeros first.

internal import CZlib

/// A buffer that grows by doubling, up to a limit; failures are values.
@safe struct MessageBuffer: ~Copyable {
    /// Bytes behind the end that belong to the buffer and may be read and overwritten by code that
    /// works in wide steps (unmasking, validation).
    static let slack = 16

    /// The smallest allocation; smaller ones would only be repeated.
    private static let capacityMin = 256

    private var base: UnsafeMutableRawPointer?
    /// How many bytes fit without growing, the slack not counted.
    private(set) var capacity = 0
    /// How many bytes are filled.
    private(set) var count = 0
    /// How many bytes the buffer may ever hold.
    let limit: Int

    /// An empty buffer, which has no memory yet.
    ///
    /// - Parameter limit: the most that it may hold, in bytes.
    init(limit: Int) {
        self.limit = min(max(0, limit), Int.max &- Self.slack)
        unsafe self.base = nil
    }

    deinit {
        unsafe free(base)
    }

    /// What is filled. Valid until the buffer changes.
    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// What is filled, to be changed in place. Valid until the buffer changes.
    var mutableBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    /// Makes room behind what is filled.
    ///
    /// - Parameter additional: how many bytes are needed at least.
    /// - Returns: all the room there is, to be filled and then announced by ``commit(_:)``; nil if
    ///   the limit does not allow it or there is no memory. The buffer is as before then.
    mutating func reserve(_ additional: Int) -> UnsafeMutableRawBufferPointer? {
        assert(additional >= 0, "cannot reserve \(additional) bytes")
        guard additional <= limit &- count else { return nil }
        let needed = count &+ additional
        if needed > capacity || capacity == 0 {
            let doubled = capacity > limit / 2 ? limit : capacity &* 2
            let grown = min(limit, max(needed, doubled, Self.capacityMin))
            guard let moved = unsafe realloc(base, grown &+ Self.slack) else { return nil }
            unsafe base = moved
            capacity = grown
        }
        return unsafe UnsafeMutableRawBufferPointer(
            start: base.map { unsafe $0 + count },
            count: capacity &- count
        )
    }

    /// Counts bytes as filled that were written into what ``reserve(_:)`` returned.
    mutating func commit(_ additional: Int) {
        // checked: callers commit what zlib says it wrote into the room it was given.
        precondition(
            additional >= 0 && additional <= capacity &- count,
            "\(additional) bytes were not reserved: \(capacity &- count) were"
        )
        count &+= additional
    }

    /// Copies bytes to the end.
    ///
    /// - Returns: false, with nothing changed, if the limit does not allow it or there is no memory.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let room = unsafe reserve(bytes.count) else { return false }
        unsafe room.copyMemory(from: bytes)
        count &+= bytes.count
        return true
    }

    /// Drops bytes from the end; the memory stays.
    ///
    /// - Parameter newCount: how many remain: at most ``count``.
    mutating func truncate(to newCount: Int) {
        // checked: callers go back to a count that they had before.
        precondition(
            newCount >= 0 && newCount <= count,
            "cannot keep \(newCount) of \(count) bytes"
        )
        count = newCount
    }

    /// Forgets what is filled.
    ///
    /// - Parameter kept: memory beyond this many bytes is given back, so that one large
    ///   message does not stay in memory for ever.
    mutating func removeAll(keepingAtMost kept: Int = 0) {
        count = 0
        if capacity > kept {
            unsafe free(base)
            unsafe base = nil
            capacity = 0
        }
    }
}
