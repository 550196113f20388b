/// How long the head of a message may be. Each limit is inclusive.
///
/// The defaults are those of most servers, far above what browsers send (half a KiB, and cookies):
/// whoever needs more sends something that does not belong into a head.
struct HeadLimits: Sendable, Hashable {
    /// The whole head in bytes, with the blank line that ends it. A connection buffers no more
    /// than this before its handshake.
    let headByteCount: Int
    /// The first line in bytes, without its line end.
    let startLineByteCount: Int
    /// Any other line in bytes, without its line end.
    let fieldLineByteCount: Int
    /// The number of header fields.
    let fieldCount: Int

    /// - Parameters:
    ///   - headByteCount: 16 KiB, as Node.js has it; at most 65,535, because ranges within a
    ///     head are 16 bits wide.
    ///   - startLineByteCount: 8 KiB, which RFC 9112 section 3 recommends as the least.
    ///   - fieldLineByteCount: 8 KiB, which holds the largest cookie a browser keeps twice.
    ///   - fieldCount: 100; browsers send 12 to 20.
    init(
        headByteCount: Int = 16_384,
        startLineByteCount: Int = 8192,
        fieldLineByteCount: Int = 8192,
        fieldCount: Int = 100
    ) {
        // checked: limits are set in the program, no peer chooses them.
        precondition(
            (1...Int(UInt16.max)).contains(headByteCount),
            "a head may have 1 to 65535 bytes, not \(headByteCount)"
        )
        // checked: so are these limits.
        precondition(startLineByteCount > 0 && fieldLineByteCount > 0 && fieldCount >= 0)
        self.headByteCount = headByteCount
        self.startLineByteCount = startLineByteCount
        self.fieldLineByteCount = fieldLineByteCount
        self.fieldCount = fieldCount
    }

    static let `default` = HeadLimits()
}
