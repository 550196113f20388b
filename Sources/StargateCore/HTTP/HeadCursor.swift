// The hand that moves over the bytes of a head. It never looks beyond the end of the bytes or of
// the limit, whichever comes first, and so every position fits a HeadRange. What the bytes mean
// is decided by the scanners on top of it.

/// A position within the head of a message, and the ways to move it on.
@safe struct HeadCursor {
    private let start: UnsafeRawPointer
    private let end: Int
    /// Whether the limit and not the lack of bytes is what ends the cursor's way.
    private let endsAtLimit: Bool
    private(set) var position = 0
    /// Where the line begins that the cursor is in.
    private var lineStart = 0
    /// Where the first line begins: behind an empty one, if there is one.
    private var startLineStart = 0

    /// - Returns: `nil` when there is not a single byte.
    init?(_ bytes: UnsafeRawBufferPointer, limits: HeadLimits) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return nil }
        unsafe self.start = start
        end = min(bytes.count, limits.headByteCount)
        endsAtLimit = bytes.count >= limits.headByteCount
    }

    /// The byte at the cursor, or a stop at the end.
    @inline(__always)
    func byte() throws(HeadStop) -> UInt8 {
        guard position < end else { throw .endOfBytes }
        return unsafe start.load(fromByteOffset: position, as: UInt8.self)
    }

    /// Passes the byte that ``byte()`` returned.
    @inline(__always)
    mutating func advance() {
        assert(position < end)
        position &+= 1
    }

    /// Passes two bytes.
    ///
    /// - Returns: whether they were there; if not, the cursor stays where it is.
    @inline(__always)
    mutating func skip(_ first: UInt8, _ second: UInt8) -> Bool {
        guard end &- position >= 2 else { return false }
        let pair = unsafe start.loadUnaligned(fromByteOffset: position, as: UInt16.self)
        guard
            UInt16(littleEndian: pair) == UInt16(truncatingIfNeeded: second) &<< 8
                | UInt16(truncatingIfNeeded: first)
        else {
            return false
        }
        position &+= 2
        return true
    }

    /// Passes eight bytes.
    ///
    /// - Parameter word: the first byte is the lowest.
    /// - Returns: whether they were there; if not, the cursor stays where it is.
    @inline(__always)
    mutating func skip(_ word: UInt64) -> Bool {
        guard end &- position >= 8 else { return false }
        let found = unsafe start.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        guard UInt64(littleEndian: found) == word else { return false }
        position &+= 8
        return true
    }

    /// What lies between an earlier position and the cursor.
    @inline(__always)
    func range(from earlier: Int) -> HeadRange {
        HeadRange(from: earlier, to: position)
    }

    /// The bytes between an earlier position and the cursor.
    func bytes(from earlier: Int) -> UnsafeRawBufferPointer {
        assert(earlier <= position)
        // checked: a position within the head.
        return unsafe UnsafeRawBufferPointer(start: start + earlier, count: position &- earlier)
    }
}

// Runs of bytes of one kind. Eight at a time where that pays.
extension HeadCursor {
    /// Stops at the first byte that is less than the bound, or DEL, or at the end.
    ///
    /// - Parameter bound: 0x20 to stop at control bytes, 0x21 to stop at blanks too.
    @inline(__always)
    mutating func skipText(notBelow bound: UInt8) {
        var index = position
        while end &- index >= 8 {
            let found = unsafe HeadWord.controls(
                in: start.loadUnaligned(fromByteOffset: index, as: UInt64.self),
                below: bound
            )
            if found != 0 {
                position = index &+ HeadWord.firstIndex(found)
                return
            }
            index &+= 8
        }
        while index < end {
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            if byte < bound || byte == 0x7F { break }
            index &+= 1
        }
        position = index
    }

    /// Stops at the first byte that a token cannot have, or at the end. RFC 9110 section 5.6.2.
    @inline(__always)
    mutating func skipToken() {
        var index = position
        // Nearly all names are letters and hyphens, and end in this loop, at their colon.
        while end &- index >= 8 {
            let found = unsafe HeadWord.neitherLettersNorHyphens(
                in: start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            )
            if found == 0 {
                index &+= 8
                continue
            }
            index &+= HeadWord.firstIndex(found)
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            guard byte != HeadByte.colon, HeadByte.isToken(byte) else {
                position = index
                return
            }
            index &+= 1
        }
        while index < end {
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            guard HeadByte.isToken(byte) else { break }
            index &+= 1
        }
        position = index
    }

    /// Stops at the first byte that is neither a blank nor a tab, or at the end.
    @inline(__always)
    mutating func skipBlanks() {
        var index = position
        while index < end {
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            guard byte == HeadByte.blank || byte == HeadByte.tab else { break }
            index &+= 1
        }
        position = index
    }

    /// What lies between an earlier position and the cursor, without blanks and tabs at its end.
    @inline(__always)
    func trimmedRange(from earlier: Int) -> HeadRange {
        var last = position
        while last > earlier {
            let byte = unsafe start.load(fromByteOffset: last &- 1, as: UInt8.self)
            guard byte == HeadByte.blank || byte == HeadByte.tab else { break }
            last &-= 1
        }
        return HeadRange(from: earlier, to: last)
    }
}

// Lines, and how long they are.
extension HeadCursor {
    /// Passes CR LF and stands at the beginning of the next line.
    ///
    /// - Parameters:
    ///   - limit: how long the line that ends here may be.
    ///   - tooLong: the fault of a longer one.
    ///   - other: the fault when something else than a line end stands here.
    /// - Throws: the fault, or a stop when the bytes end before the line does.
    @inline(__always)
    mutating func endLine(
        limit: Int,
        tooLong: HeadFault,
        otherwise other: HeadFault
    ) throws(HeadStop) {
        let byteCount = position &- lineStart
        if byteCount <= limit, skip(HeadByte.carriageReturn, HeadByte.lineFeed) {
            lineStart = position
            return
        }
        guard try byte() == HeadByte.carriageReturn else {
            throw .fault(try byte() == HeadByte.lineFeed ? .bareLineFeed : other)
        }
        if byteCount > limit { throw .fault(tooLong) }
        advance()
        guard try byte() == HeadByte.lineFeed else { throw .fault(.bareCarriageReturn) }
        advance()
        lineStart = position
    }

    /// Passes the line end at which the cursor stands before a request line: a server should read
    /// over one. RFC 9112 section 2.2.
    mutating func passEmptyLine() throws(HeadStop) {
        advance()
        guard try byte() == HeadByte.lineFeed else { throw .fault(.bareCarriageReturn) }
        advance()
        lineStart = position
        startLineStart = position
    }

    /// What it means that the bytes ended: usually that more are needed, but not when what is
    /// there already exceeds a limit.
    func faultAtEnd(limits: HeadLimits) -> HeadFault? {
        let isStartLine = lineStart == startLineStart
        if endsAtLimit { return isStartLine ? .startLineTooLong : .headTooLong }
        var byteCount = end &- lineStart
        let last = unsafe start.load(fromByteOffset: end &- 1, as: UInt8.self)
        // It may be the first half of the line end, which does not count.
        if byteCount > 0, last == HeadByte.carriageReturn { byteCount &-= 1 }
        let limit = isStartLine ? limits.startLineByteCount : limits.fieldLineByteCount
        guard byteCount > limit else { return nil }
        return isStartLine ? .startLineTooLong : .fieldLineTooLong
    }
}
