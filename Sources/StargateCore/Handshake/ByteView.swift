// A window on bytes of a message head, with the few comparisons that HTTP's grammar needs. It keeps
// the pointers of this room in one file: reading past the end gives 0, a byte that no grammar here
// accepts, so nothing that a peer sends can trap.

/// Borrowed bytes, read by index without a trap. Valid only until the read callback returns.
@safe struct ByteView {
    private let base: UnsafeRawPointer?
    let count: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe base = bytes.baseAddress
        count = bytes.count
    }

    var isEmpty: Bool { count == 0 }

    /// The byte at `index`, or 0 outside of the view.
    @inline(__always)
    subscript(index: Int) -> UInt8 {
        // One comparison refuses negative indices as well.
        guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return 0 }
        // checked: there is a base where there is a count.
        return unsafe base.unsafelyUnwrapped.load(fromByteOffset: index, as: UInt8.self)
    }

    /// Eight bytes from `index` on, the first of them the lowest, or 0 when the view has not that many.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        guard index >= 0, count &- index >= 8, let base = unsafe base else { return 0 }
        // checked: eight bytes are there.
        return unsafe UInt64(
            littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        )
    }

    /// The part from `start` up to `end`, cut to what the view holds.
    func part(_ start: Int, _ end: Int) -> ByteView {
        let first = min(max(start, 0), count)
        let last = min(max(end, first), count)
        return unsafe ByteView(
            UnsafeRawBufferPointer(start: base.map { unsafe $0 + first }, count: last - first)
        )
    }

    /// The bytes themselves, for the one call that copies them.
    var buffer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// A copy as text; bytes that are not UTF-8 become U+FFFD.
    var string: String { unsafe String(decoding: buffer, as: UTF8.self) }

    /// Where `byte` is first found at or behind `start`.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }
}

extension ByteView {
    /// Whether the bytes are those of `text`.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount, text.hasPointerRepresentation else { return false }
        for index in 0..<count where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether both hold the same bytes.
    func equals(_ other: ByteView) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }

    /// Whether the bytes are the UTF-8 of `text`.
    func equals(text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            if self[index] != byte { return false }
            index &+= 1
        }
        return true
    }

    /// Whether the bytes are those of `text`, which is in lower case, when ASCII case is ignored.
    ///
    /// Setting bit 5 folds letters and leaves digits and `-` alone; what else it folds onto them
    /// are control characters, which the scanner has refused before. Eight bytes at a time, the
    /// last eight overlapping: field names are compared for every request.
    @inline(__always)
    func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount, let base = unsafe base else { return false }
        let text = unsafe UnsafeRawPointer(lowercase.utf8Start)
        // The length is known where this is compiled, and with it which of these lines are needed. The
        // last word begins within the one before.
        let length = lowercase.utf8CodeUnitCount
        switch length {
        case 4..<8:
            return unsafe ByteView.agree(base, text, at: 0, UInt32.self)
                && ByteView.agree(base, text, at: length &- 4, UInt32.self)
        case 8...16:
            return unsafe ByteView.agree(base, text, at: 0, UInt64.self)
                && ByteView.agree(base, text, at: length &- 8, UInt64.self)
        case 17...24:
            return unsafe ByteView.agree(base, text, at: 0, UInt64.self)
                && ByteView.agree(base, text, at: 8, UInt64.self)
                && ByteView.agree(base, text, at: length &- 8, UInt64.self)
        default:
            for index in 0..<length {
                guard unsafe ByteView.agree(base, text, at: index, UInt8.self) else { return false }
            }
            return true
        }
    }

    /// Whether a word of the bytes is that of the lowercase text.
    @inline(__always)
    private static func agree<Word: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawPointer,
        _ lowercase: UnsafeRawPointer,
        at offset: Int,
        _: Word.Type
    ) -> Bool {
        let found = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)
        let wanted = unsafe lowercase.loadUnaligned(fromByteOffset: offset, as: Word.self)
        return found | Word(truncatingIfNeeded: 0x2020_2020_2020_2020 as UInt64) == wanted
    }

    /// Whether both hold the same bytes when the case of ASCII letters is ignored.
    func equalsIgnoringCase(_ other: ByteView) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where WireByte.lower(self[index]) != WireByte.lower(other[index]) {
            return false
        }
        return true
    }

    /// Whether the bytes are those of the array when the case of ASCII letters is ignored.
    func equalsIgnoringCase(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe equalsIgnoringCase(ByteView($0)) }
    }

    /// Whether every byte is printable ASCII: `U+0020` to `U+007E`, so that it may be echoed.
    var isPrintable: Bool {
        for index in 0..<count where self[index] < 0x20 || self[index] > 0x7E { return false }
        return true
    }

    /// Whether every byte is visible ASCII: printable, and no blank.
    var isVisible: Bool {
        for index in 0..<count where self[index] < 0x21 || self[index] > 0x7E { return false }
        return true
    }
}

extension HeadView {
    /// The bytes of one range, read without a trap.
    @inline(__always)
    func view(_ range: HeadRange) -> ByteView { unsafe ByteView(slice(range)) }
}
