// Who is addressed: `host[:port]`, as it stands in Host, in Origin, in an absolute-form target and
// in a URL. One parser for all four, so that they cannot disagree about where a host ends.

/// The two halves of `host[:port]`, lent.
struct Authority {
    /// With brackets if it is an IPv6 literal; never empty.
    let host: ByteView
    /// Nil if there was none, or an empty one, which means the same. RFC 3986 section 3.2.3.
    let port: UInt16?

    /// Nil unless `bytes` is a host, and behind a colon a port of at most 65535. User information
    /// is no part of it: RFC 9110 section 4.2.4 tells to distrust it. RFC 3986 section 3.2.
    init?(_ bytes: ByteView) {
        var end = 0
        if bytes[0] == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
                Authority.isIPv6(bytes.part(1, bracket))
            else { return nil }
            end = bracket &+ 1
        } else {
            // Eight bytes at a time, as long as nothing unusual comes.
            while bytes.count &- end >= 8 {
                let others = HeadWord.notUsualInHosts(in: bytes.word(at: end))
                end &+= others == 0 ? 8 : HeadWord.firstIndex(others)
                if others != 0 { break }
            }
            while end < bytes.count, bytes[end] != WireByte.colon {
                guard Authority.isHostByte(bytes[end]) else { return nil }
                end &+= 1
            }
        }
        guard end > 0 else { return nil }
        host = bytes.part(0, end)
        if end == bytes.count {
            port = nil
            return
        }
        guard bytes[end] == WireByte.colon else { return nil }
        var number = 0
        for index in (end &+ 1)..<bytes.count {
            guard WireByte.isDigit(bytes[index]) else { return nil }
            // Five digits and leading zeros fit; the bound below keeps the product small.
            number = number &* 10 &+ Int(bytes[index] & 0x0F)
            guard number <= 65535 else { return nil }
        }
        port = end &+ 1 == bytes.count ? nil : UInt16(truncatingIfNeeded: number)
    }

    /// Unreserved characters, sub-delimiters and `%` of RFC 3986: what a registered name may hold.
    @inline(__always)
    private static func isHostByte(_ byte: UInt8) -> Bool { WireByte.hostBytes.contains(byte) }

    /// Whether the characters are those of an IPv6 address. The resolver judges the rest.
    private static func isIPv6(_ bytes: ByteView) -> Bool {
        guard bytes.count >= 2, bytes.count <= 45 else { return false }
        var colons = 0
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte == WireByte.colon {
                colons &+= 1
            } else if !WireByte.isHexadecimalDigit(byte), byte != UInt8(ascii: ".") {
                return false
            }
        }
        return colons >= 2
    }
}

/// What a request is for: the authority that it names, and the path with its query.
struct EffectiveTarget {
    /// The authority of an absolute-form target, else the value of Host. RFC 9112 section 3.2.2.
    let authority: HeadRange
    /// From the first slash on; empty for an absolute-form target without a path, which means `/`.
    let path: HeadRange

    /// Nil unless the target is in origin-form or absolute-form: `*` and `host:port` address no
    /// resource.
    init?(target: HeadRange, host: HeadRange, in head: HeadView) {
        let bytes = head.view(target)
        if bytes[0] == WireByte.slash {
            authority = host
            path = target
            return
        }
        let schemeLength: Int
        if bytes.part(0, 7).equalsIgnoringCase("http://") {
            schemeLength = 7
        } else if bytes.part(0, 8).equalsIgnoringCase("https://") {
            schemeLength = 8
        } else if bytes.part(0, 5).equalsIgnoringCase("ws://") {
            schemeLength = 5
        } else if bytes.part(0, 6).equalsIgnoringCase("wss://") {
            schemeLength = 6
        } else {
            return nil
        }
        var end = schemeLength
        while end < bytes.count, bytes[end] != WireByte.slash, bytes[end] != UInt8(ascii: "?") {
            end &+= 1
        }
        authority = target.part(schemeLength, end)
        path = target.part(end, bytes.count)
    }
}

extension HeadRange {
    /// The part from `start` up to `end`, counted from the start of the range and cut to it.
    func part(_ start: Int, _ end: Int) -> HeadRange {
        let first = min(max(start, 0), Int(count))
        let last = min(max(end, first), Int(count))
        return HeadRange(
            start: self.start &+ UInt16(truncatingIfNeeded: first),
            count: UInt16(truncatingIfNeeded: last &- first)
        )
    }
}
