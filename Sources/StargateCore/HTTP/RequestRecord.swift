// A request that outlives the read it came with. One object for all of it: whoever copies a request
// counts one reference, and a request that nobody kept gives its memory to the next one.

/// What is known of one request: a copy of its head, and of where everything lies in it.
///
/// Sendable although it can be filled anew: that is done only while nobody else has it, see
/// ``ServerLoop/withRecord(of:_:_:_:_:)``. For whoever has it, it does not change.
@safe
final class RequestRecord: @unchecked Sendable {
    /// Holds what a browser sends, with some cookies. No larger record is kept for the next.
    private static let usualByteCount = 2048

    /// The fields, eight bytes each; the captures, four bytes each; and the head.
    private var memory: UnsafeMutableRawBufferPointer
    private var fieldCount = 0
    private var captureCount = 0
    private var headByteCount = 0
    private(set) var head: RequestHead
    /// The names of the captures, in order.
    private(set) var names: [String]
    /// Where the client sits, and where it came in. Set before the application sees the request, as
    /// is all that follows.
    var remoteAddress: SocketAddress?
    var localAddress: SocketAddress?
    /// The proxy that told the other two.
    var proxyAddress: SocketAddress?
    var tls: TLSInfo? { didSet { isSecure = tls != nil } }
    /// Whether there is one. Apart, because it is large and every request asks.
    private(set) var isSecure = false
    var body: [UInt8] = []

    /// Copies a head.
    init(
        copying view: HeadView,
        head: RequestHead,
        names: [String],
        captures: RouteCaptures
    ) {
        let needed = Self.byteCount(view, captures)
        unsafe memory = .allocate(byteCount: max(needed, Self.usualByteCount), alignment: 8)
        self.head = head
        self.names = names
        copy(view, captures)
    }

    deinit { unsafe memory.deallocate() }

    /// Becomes the record of another request. Nobody else may have it.
    ///
    /// - Returns: false if it is too small for that.
    func refill(
        copying view: HeadView,
        head: RequestHead,
        names: [String],
        captures: RouteCaptures
    ) -> Bool {
        guard unsafe Self.byteCount(view, captures) <= memory.count else { return false }
        self.head = head
        self.names = names
        copy(view, captures)
        return true
    }

    /// Whether it is worth being kept for the next request.
    var isReusable: Bool { unsafe memory.count == Self.usualByteCount && body.isEmpty }

    private static func byteCount(_ view: HeadView, _ captures: RouteCaptures) -> Int {
        let fields = view.fieldCount &* MemoryLayout<HeadField>.stride
        return unsafe fields &+ captures.count &* MemoryLayout<HeadRange>.stride &+ view.bytes.count
    }

    private func copy(_ view: HeadView, _ captures: RouteCaptures) {
        guard var target = unsafe memory.baseAddress else { return }
        fieldCount = view.fieldCount
        captureCount = captures.count
        headByteCount = unsafe view.bytes.count
        let fields = unsafe UnsafeRawBufferPointer(view.fields)
        if let source = fields.baseAddress {
            unsafe target.copyMemory(from: source, byteCount: fields.count)
            unsafe target += fields.count
        }
        for index in 0..<captures.count {
            unsafe target.storeBytes(of: captures[index], as: HeadRange.self)
            unsafe target += MemoryLayout<HeadRange>.stride
        }
        if let source = unsafe view.bytes.baseAddress {
            unsafe target.copyMemory(from: source, byteCount: headByteCount)
        }
    }

    /// Where the captures end, and the head begins.
    private var headStart: Int {
        fieldCount &* MemoryLayout<HeadField>.stride
            &+ captureCount &* MemoryLayout<HeadRange>.stride
    }

    /// What was captured under the name at this place; nil where there is none.
    func capture(at index: Int) -> HeadRange? {
        guard index >= 0, index < captureCount else { return nil }
        return unsafe memory.loadUnaligned(
            fromByteOffset: fieldCount &* MemoryLayout<HeadField>.stride
                &+ index &* MemoryLayout<HeadRange>.stride,
            as: HeadRange.self
        )
    }

    /// Lends the head as it was lent when this copy was made.
    func withView<Result>(_ body: (HeadView) throws -> Result) rethrows -> Result {
        let start = headStart
        let head = unsafe UnsafeRawBufferPointer(
            rebasing: memory[start..<start &+ headByteCount]
        )
        let fieldsEnd = fieldCount &* MemoryLayout<HeadField>.stride
        let fields = unsafe UnsafeRawBufferPointer(rebasing: memory[..<fieldsEnd])
        return try unsafe fields.withMemoryRebound(to: HeadField.self) { fields in
            try unsafe body(HeadView(bytes: head, fields: fields))
        }
    }

    /// A copy of one range as text; bytes that are not UTF-8 become U+FFFD.
    func string(_ range: HeadRange) -> String { withView { $0.string(range) } }

    /// A copy of one range as text, with its percent escapes decoded.
    func decodedString(_ range: HeadRange, plusIsBlank: Bool = false) -> String {
        withView { unsafe PercentDecoding.string($0.slice(range), plusIsBlank: plusIsBlank) }
    }
}
