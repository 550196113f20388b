internal import CVector

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

    /// Passes four or eight bytes.
    ///
    /// - Parameter word: the first byte is the lowest.
    /// - Returns: whether they were there; if not, the cursor stays where it is.
    @inline(__always)
    mutating func skip<Word: FixedWidthInteger & BitwiseCopyable>(_ word: Word) -> Bool {
        let count = Word.bitWidth / 8
        guard end &- position >= count else { return false }
        let found = unsafe start.loadUnaligned(fromByteOffset: position, as: Word.self)
        guard Word(littleEndian: found) == word else { return false }
        position &+= count
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

// The field that nearly all fields are.
extension HeadCursor {
    /// `name: value`, with a name of letters and hyphens and one blank before the value.
    ///
    /// Everything else is left to the scanner, with the cursor where it was: what is unusual, what is
    /// a fault and what is not complete. So this one may be quick, and need not know the rules.
    @inline(__always)
    mutating func usualField(limit: Int) -> HeadField? {
        // As long as the shortest start line is, which lies before any field.
        guard end >= 16 else { return nil }
        let nameEnd = unsafe firstMark(from: position) { unsafe stargate_head_not_letters($0) }
        let valueStart = nameEnd &+ 2
        guard valueStart < end, nameEnd > position,
            holds(HeadByte.colon, HeadByte.blank, at: nameEnd),
            byte(at: valueStart) > HeadByte.blank
        else { return nil }
        let valueEnd = unsafe firstMark(from: valueStart) { unsafe stargate_head_controls($0) }
        guard end &- valueEnd >= 2,
            holds(HeadByte.carriageReturn, HeadByte.lineFeed, at: valueEnd),
            byte(at: valueEnd &- 1) > HeadByte.blank, valueEnd &- lineStart <= limit
        else { return nil }
        let name = HeadRange(from: position, to: nameEnd)
        position = valueEnd &+ 2
        lineStart = position
        return HeadField(name: name, value: HeadRange(from: valueStart, to: valueEnd))
    }

    /// Where the first byte lies that is marked, or the end. Before that must be sixteen bytes.
    ///
    /// - Parameters:
    ///   - start: where to begin.
    ///   - marks: looks at sixteen bytes, and has one bit for each, the first one lowest.
    /// - Returns: a position.
    @inline(__always)
    private func firstMark(from start: Int, _ marks: (UnsafeRawPointer) -> UInt32) -> Int {
        var index = start
        while end &- index >= 16 {
            // checked: sixteen bytes are there.
            let found = unsafe marks(self.start + index)
            if found != 0 { return index &+ found.trailingZeroBitCount }
            index &+= 16
        }
        // The last sixteen again, without those that were seen. What follows is the end.
        let seen = UInt32(truncatingIfNeeded: 16 &- (end &- index))
        // checked: so they are before the end.
        let found = unsafe marks(self.start + (end &- 16)) | 0x1_0000
        return index &+ (found &>> seen).trailingZeroBitCount
    }

    @inline(__always)
    private func byte(at index: Int) -> UInt8 {
        unsafe start.load(fromByteOffset: index, as: UInt8.self)
    }

    /// Whether two bytes, which are there, are these.
    @inline(__always)
    private func holds(_ first: UInt8, _ second: UInt8, at index: Int) -> Bool {
        let pair = unsafe start.loadUnaligned(fromByteOffset: index, as: UInt16.self)
        return UInt16(littleEndian: pair) == UInt16(truncatingIfNeeded: second) &<< 8
            | UInt16(truncatingIfNeeded: first)
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
