/// How messages are compressed: the extension permessage-deflate of RFC 7692.
///
/// Compression costs processor time and, with a context of its own for every connection, memory:
/// ``shared`` and ``dedicated`` are the two sensible choices. Never compress a secret together with
/// text that an attacker can choose: the length of the result tells about the secret.
///
/// The words of the RFC name both directions from the server's side: in a client, "server" is what
/// is received and "client" what is sent.
public struct PerMessageDeflate: Hashable, Sendable {
    /// The largest LZ77 window of messages from the server, as a power of two: 9 to 15.
    ///
    /// A compressor of its own takes `2^(bits + 2)` bytes for the window, a decompressor `2^bits`.
    /// The RFC knows 8 too, which zlib cannot write: an offer that insists on it is declined.
    public var serverMaxWindowBits: Int

    /// The largest LZ77 window of messages from the client, as a power of two: 9 to 15.
    ///
    /// A server can ask for it only when the client says that it understands the parameter; all
    /// browsers do.
    public var clientMaxWindowBits: Int

    /// Whether each message from the server stands for itself, so that all connections of a loop
    /// share one compressor. It costs compression where messages are short and alike.
    public var serverNoContextTakeover: Bool

    /// Whether each message from the client stands for itself, so that no window is kept for it.
    public var clientNoContextTakeover: Bool

    /// How hard zlib, or libdeflate where each message stands for itself, tries: 1 (fastest) to 9
    /// (smallest).
    public var level: Int

    /// How much memory a compressor takes besides its window: `2^(memoryLevel + 9)` bytes for 1
    /// to 9.
    public var memoryLevel: Int

    /// Messages shorter than this many bytes are sent as they are: what is saved on them does not
    /// pay for the work.
    public var minimumSize: Int

    /// - Parameters:
    ///   - serverMaxWindowBits: 9 to 15.
    ///   - clientMaxWindowBits: 9 to 15.
    ///   - serverNoContextTakeover: whether messages from the server stand for themselves.
    ///   - clientNoContextTakeover: whether messages from the client stand for themselves.
    ///   - level: 1 to 9. 1 is the default, for at the sizes of messages it takes two thirds of
    ///     the time of 6 and saves nearly as much.
    ///   - memoryLevel: 1 to 9.
    ///   - minimumSize: in bytes. The default of 64 is where the shortest texts begin to shrink.
    public init(
        serverMaxWindowBits: Int = 15,
        clientMaxWindowBits: Int = 15,
        serverNoContextTakeover: Bool = false,
        clientNoContextTakeover: Bool = false,
        level: Int = 1,
        memoryLevel: Int = 8,
        minimumSize: Int = 64
    ) {
        // checked: options are the application's own, no peer sets them.
        precondition(
            (9...15).contains(serverMaxWindowBits) && (9...15).contains(clientMaxWindowBits),
            "window bits are 9 to 15, not \(serverMaxWindowBits) and \(clientMaxWindowBits)"
        )
        // checked: options are the application's own, no peer sets them.
        precondition((1...9).contains(level), "the level is 1 to 9, not \(level)")
        // checked: options are the application's own, no peer sets them.
        precondition(
            (1...9).contains(memoryLevel),
            "the memory level is 1 to 9, not \(memoryLevel)"
        )
        // checked: options are the application's own, no peer sets them.
        precondition(minimumSize >= 0, "a size is not negative: \(minimumSize)")
        self.serverMaxWindowBits = serverMaxWindowBits
        self.clientMaxWindowBits = clientMaxWindowBits
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientNoContextTakeover = clientNoContextTakeover
        self.level = level
        self.memoryLevel = memoryLevel
        self.minimumSize = minimumSize
    }

    /// One compressor and one decompressor per loop; every message stands for itself.
    ///
    /// An idle connection costs nothing. The right choice for many connections.
    public static let shared = PerMessageDeflate(
        serverNoContextTakeover: true,
        clientNoContextTakeover: true
    )

    /// A compressor and a decompressor per connection; messages refer to earlier ones.
    ///
    /// About 50 KB for each connection that is in use, with a window of 4 KiB: at the sizes of
    /// messages a larger one compresses no better, and zlib's own defaults cost six times as much.
    public static let dedicated = PerMessageDeflate(
        serverMaxWindowBits: 12,
        clientMaxWindowBits: 12,
        memoryLevel: 5
    )
}
