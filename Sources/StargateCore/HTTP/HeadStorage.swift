// A head that outlives the read it came with: the bytes of the receive buffer and the ranges of
// the scanner, copied into one array. A request costs one allocation however many fields it has;
// strings are made of them when somebody asks.

/// A copy of a head and of where its fields lie.
struct HeadStorage: Sendable {
    /// The fields, eight bytes each, and behind them the head.
    private let bytes: [UInt8]
    private let fieldCount: Int

    init(copying view: HeadView) {
        let fields = unsafe UnsafeRawBufferPointer(view.fields)
        let head = unsafe view.bytes
        let byteCount = fields.count &+ head.count
        fieldCount = view.fieldCount
        bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            unsafe target.copyMemory(from: fields)
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[fields.count...])
                .copyMemory(from: head)
            count = byteCount
        }
    }

    /// Lends the head as it was lent when this copy was made.
    func withView<Result>(_ body: (HeadView) throws -> Result) rethrows -> Result {
        let fieldsEnd = fieldCount &* MemoryLayout<HeadField>.stride
        return try unsafe bytes.withUnsafeBytes { all in
            let head = unsafe UnsafeRawBufferPointer(rebasing: all[fieldsEnd...])
            let fields = unsafe UnsafeRawBufferPointer(rebasing: all[..<fieldsEnd])
            return try unsafe fields.withMemoryRebound(to: HeadField.self) { fields in
                try unsafe body(HeadView(bytes: head, fields: fields))
            }
        }
    }

    /// A copy of one range as text; bytes that are not UTF-8 become U+FFFD.
    func string(_ range: HeadRange) -> String { withView { $0.string(range) } }

    /// A copy of one range as text, with its percent escapes decoded.
    func decodedString(_ range: HeadRange, plusIsBlank: Bool = false) -> String {
        withView { unsafe PercentDecoding.string($0.slice(range), plusIsBlank: plusIsBlank) }
    }
}
