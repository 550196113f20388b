// The header fields of a request or a response: the same lines in both, and the same strictness.

/// Scans the lines between the start line and the blank line. RFC 9112 section 5.
enum FieldScanner {
    /// Passes all fields and the blank line behind them.
    ///
    /// - Returns: how many fields were written to the front of `fields`.
    static func scan(
        _ cursor: inout HeadCursor,
        limits: HeadLimits,
        into fields: UnsafeMutableBufferPointer<HeadField>
    ) throws(HeadStop) -> Int {
        // A copy of its own stays in registers.
        var line = cursor
        defer { cursor = line }
        let countMax = min(limits.fieldCount, fields.count)
        var count = 0
        while true {
            if count < countMax, let usual = line.usualField(limit: limits.fieldLineByteCount) {
                unsafe fields[count] = usual
                count &+= 1
                continue
            }
            if try line.byte() == HeadByte.carriageReturn {
                try line.endLine(
                    limit: limits.fieldLineByteCount,
                    tooLong: .fieldLineTooLong,
                    otherwise: .missingColon
                )
                return count
            }
            guard count < countMax else { throw .fault(.tooManyFields) }
            unsafe fields[count] = try scanField(&line, limits: limits)
            count &+= 1
        }
    }

    private static func scanField(
        _ cursor: inout HeadCursor,
        limits: HeadLimits
    ) throws(HeadStop) -> HeadField {
        let nameStart = cursor.position
        cursor.skipToken()
        guard try cursor.byte() == HeadByte.colon, cursor.position > nameStart else {
            throw .fault(nameFault(try cursor.byte(), isFirst: cursor.position == nameStart))
        }
        let name = cursor.range(from: nameStart)
        cursor.advance()
        cursor.skipBlanks()
        let valueStart = cursor.position
        cursor.skipText(notBelow: HeadByte.blank)
        // RFC 9110 section 5.5: a tab within a value is the one control byte it may have.
        while try cursor.byte() == HeadByte.tab {
            cursor.advance()
            cursor.skipText(notBelow: HeadByte.blank)
        }
        let value = cursor.trimmedRange(from: valueStart)
        try cursor.endLine(
            limit: limits.fieldLineByteCount,
            tooLong: .fieldLineTooLong,
            otherwise: .badValue
        )
        return HeadField(name: name, value: value)
    }

    /// What a byte means that ends a name and is not the colon behind it.
    private static func nameFault(_ byte: UInt8, isFirst: Bool) -> HeadFault {
        switch byte {
        case HeadByte.blank, HeadByte.tab: isFirst ? .foldedLine : .blankBeforeColon
        case HeadByte.colon: .emptyName
        case HeadByte.carriageReturn: .missingColon
        case HeadByte.lineFeed: .bareLineFeed
        default: .badName
        }
    }
}
