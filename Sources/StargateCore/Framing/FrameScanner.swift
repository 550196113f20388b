// The walk of a message, step 4: the bytes of a read are frames. The scanner reads one header where
// it lies and judges everything that can be judged from it alone, before any payload is kept.
// It holds no state: a header that the end of the read cut is scanned again when it is whole.

/// A message in one frame, all of which has arrived.
@safe
struct WholeMessage {
    let payload: UnsafeMutableRawPointer
    let payloadByteCount: Int
    let maskingKey: UInt32
    let isText: Bool
}

extension WholeMessage {
    /// The frame must be ``FrameHeader/isWholeMessage``, and its payload have arrived.
    @inline(__always)
    init(_ header: FrameHeader, at payload: UnsafeMutableRawPointer) {
        unsafe self.payload = unsafe payload
        payloadByteCount = header.payloadByteCount
        maskingKey = header.maskingKey
        isText = header.opcode == .text
    }
}

/// Scans frame headers.
enum FrameScanner {
    /// Scans what nearly every frame of a client is: a masked message without fragments or
    /// compression, with at most 64 KiB, all of which has arrived.
    ///
    /// - Parameters:
    ///   - start: the first byte of the header; 8 bytes from here on must be readable, whatever
    ///     they are.
    ///   - end: the end of what has arrived, not before `start`.
    ///   - payloadByteCountMax: the longest payload that may be found; -1 for none at all.
    /// - Returns: the message; nil for everything else, be it right or wrong: ask
    ///   ``scan(_:available:rules:)`` what it is.
    @inline(__always)
    static func scanWhole(
        _ start: UnsafeMutableRawPointer,
        _ end: UnsafeMutableRawPointer,
        payloadByteCountMax: Int32
    ) -> WholeMessage? {
        // checked: both point into one buffer.
        let available = unsafe end - start
        // FIN, no reserved bit, and opcode 1 or 2.
        let kind = unsafe start.load(as: UInt8.self) &- 0x81
        guard kind <= 1 else { return nil }
        let second = unsafe start.load(fromByteOffset: 1, as: UInt8.self)
        // Huge if the frame is not masked.
        let short = UInt(truncatingIfNeeded: second) &- 0x80
        var payloadByteCount = Int(truncatingIfNeeded: short)
        var headerByteCount = 6
        if short > 125 {
            guard short == 126 else { return nil }
            let length = unsafe start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
            payloadByteCount = Int(truncatingIfNeeded: UInt16(bigEndian: length))
            guard payloadByteCount > 125 else { return nil }
            headerByteCount = 8
        }
        // What was read behind the end, if it is this near, counts for nothing: a header that is not
        // whole is longer than what is available.
        guard Int32(truncatingIfNeeded: payloadByteCount) <= payloadByteCountMax,
            payloadByteCount &+ headerByteCount <= available
        else { return nil }
        return unsafe WholeMessage(
            // checked: the header lies before the end.
            payload: start + headerByteCount,
            payloadByteCount: payloadByteCount,
            maskingKey: start.loadUnaligned(
                fromByteOffset: headerByteCount &- 4,
                as: UInt32.self
            ),
            isText: kind == 0
        )
    }

    /// Scans the header at `start`.
    ///
    /// - Parameters:
    ///   - start: at least `available` readable bytes.
    ///   - available: how many bytes have arrived; 0 gives `incomplete`.
    ///   - rules: what this connection allows.
    /// - Returns: what was found.
    @inline(__always)
    static func scan(
        _ start: UnsafeRawPointer,
        available: Int,
        rules: FrameRules
    ) -> FrameHeaderScan {
        guard available >= 2 else {
            guard available == 1 else { return .incomplete }
            let first = unsafe start.load(as: UInt8.self)
            return violation(inFirst: first, rules: rules).map(FrameHeaderScan.violation)
                ?? .incomplete
        }
        let first = unsafe start.load(as: UInt8.self)
        let second = unsafe start.load(fromByteOffset: 1, as: UInt8.self)
        let shortLength = Int(truncatingIfNeeded: second & 0x7F)
        if let violation = violation(inFirst: first, rules: rules) { return .violation(violation) }
        if first & 0x08 != 0 {
            // RFC 6455 section 5.5: control frames are short and whole.
            guard shortLength <= 125 else { return .violation(.controlFrameTooLong) }
            guard first & 0x80 != 0 else { return .violation(.controlFrameFragmented) }
        }
        let isMasked = second & 0x80 != 0
        guard isMasked == rules.expectsMask else {
            return .violation(rules.expectsMask ? .unmaskedFrame : .maskedFrame)
        }
        let maskByteCount = isMasked ? 4 : 0
        if shortLength < 126 {
            guard shortLength <= rules.payloadByteCountMax || first & 0x08 != 0 else {
                return .violation(.messageTooBig)
            }
            guard available >= 2 &+ maskByteCount else { return .incomplete }
            return .complete(
                FrameHeader(
                    firstByte: first,
                    headerByteCount: 2 &+ maskByteCount,
                    payloadByteCount: shortLength,
                    maskingKey: isMasked
                        ? unsafe start.loadUnaligned(fromByteOffset: 2, as: UInt32.self) : 0
                )
            )
        }
        return unsafe scanLong(
            start,
            available: available,
            rules: rules,
            maskByteCount: maskByteCount,
            lengthByteCount: shortLength == 126 ? 2 : 8
        )
    }

    /// The rest of a header whose length has 2 or 8 more bytes.
    private static func scanLong(
        _ start: UnsafeRawPointer,
        available: Int,
        rules: FrameRules,
        maskByteCount: Int,
        lengthByteCount: Int
    ) -> FrameHeaderScan {
        guard available >= 2 &+ lengthByteCount else { return .incomplete }
        let length: UInt64
        if lengthByteCount == 2 {
            let raw = unsafe start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
            length = UInt64(truncatingIfNeeded: UInt16(bigEndian: raw))
            guard length > 125 else { return .violation(.lengthNotMinimal) }
        } else {
            let raw = unsafe start.loadUnaligned(fromByteOffset: 2, as: UInt64.self)
            length = UInt64(bigEndian: raw)
            guard length >> 63 == 0 else { return .violation(.lengthTooLarge) }
            guard length > 0xFFFF else { return .violation(.lengthNotMinimal) }
        }
        guard let payloadByteCount = Int(exactly: length),
            payloadByteCount <= rules.payloadByteCountMax
        else { return .violation(.messageTooBig) }
        let headerByteCount = 2 &+ lengthByteCount &+ maskByteCount
        guard available >= headerByteCount else { return .incomplete }
        let maskingKey =
            maskByteCount == 0
            ? 0
            : unsafe start.loadUnaligned(fromByteOffset: 2 &+ lengthByteCount, as: UInt32.self)
        return .complete(
            FrameHeader(
                firstByte: unsafe start.load(as: UInt8.self),
                headerByteCount: headerByteCount,
                payloadByteCount: payloadByteCount,
                maskingKey: maskingKey
            )
        )
    }

    /// RFC 6455 section 5.2: RSV1 to RSV3 are 0 unless an extension defines them, and the opcodes
    /// 3 to 7 and 11 to 15 mean nothing.
    @inline(__always)
    private static func violation(inFirst first: UInt8, rules: FrameRules) -> ProtocolViolation? {
        let reserved = first & 0x70
        if reserved != 0 {
            // RFC 7692 section 6.1: only the first frame of a data message may be marked.
            let mayBeMarked = first & 0x0F == 0x1 || first & 0x0F == 0x2
            guard mayBeMarked, reserved & ~rules.allowedReservedBits == 0 else {
                return .reservedBits
            }
        }
        return first & 0x07 > 2 ? .reservedOpcode : nil
    }
}
