// The head of an HTTP message as it lies in a receive buffer: ranges, never copies. Scanners fill
// the ranges in; the handshake and the router read them. Nothing here outlives the read.

/// A run of bytes inside a message head, which is at most 64 KiB long.
struct HeadRange: Equatable {
    var start: UInt16
    var count: UInt16

    static let empty = HeadRange(start: 0, count: 0)
}

/// One header field: where its name and its value (without surrounding blanks) lie.
struct HeadField: Equatable {
    var name: HeadRange
    var value: HeadRange
}

/// A complete head, borrowed: the bytes it lies in, and its fields.
///
/// Valid only until the read callback returns. Whoever needs it longer makes a ``Request``.
@safe struct HeadView {
    let bytes: UnsafeRawBufferPointer
    let fields: UnsafeBufferPointer<HeadField>

    /// - Parameters:
    ///   - bytes: the head, from its first byte to the blank line that ends it.
    ///   - fields: its fields; every range must lie within `bytes`.
    init(bytes: UnsafeRawBufferPointer, fields: UnsafeBufferPointer<HeadField>) {
        unsafe self.bytes = bytes
        unsafe self.fields = fields
    }

    /// The bytes of one range.
    @inline(__always)
    func slice(_ range: HeadRange) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            rebasing: bytes[Int(range.start)..<Int(range.start) &+ Int(range.count)]
        )
    }

    /// A copy of one range as text; bytes that are not UTF-8 become U+FFFD.
    func string(_ range: HeadRange) -> String {
        unsafe String(decoding: slice(range), as: UTF8.self)
    }
}
