// The head of an HTTP message, read from all bytes at once: cut at line ends, each line judged by
// the grammar of RFC 9112 as it is printed there.

@testable import StargateCore

/// A head that is complete and sound.
struct ReferenceHead: Equatable {
    struct Field: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    var startLine: [[UInt8]]
    var fields: [Field]
    var byteCount: Int
}

enum ReferenceHeadReader {
    private static let tokenBytes = Set(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
    )
    private static let methodBytes = Set(
        "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
    )

    /// Nil unless the bytes begin with a complete request head that keeps all rules and limits.
    static func request(_ bytes: [UInt8], _ limits: HeadLimits) -> ReferenceHead? {
        // RFC 9112 section 2.2: one empty line before it does not count.
        let start = bytes.starts(with: [13, 10]) ? 2 : 0
        guard let (lines, byteCount) = lines(bytes, limits, from: start) else { return nil }
        let parts = lines[0].split(separator: 0x20, omittingEmptySubsequences: false).map(
            Array.init
        )
        guard parts.count == 3,
            (1...24).contains(parts[0].count), parts[0].allSatisfy(methodBytes.contains),
            !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            isTarget(String(decoding: parts[1], as: UTF8.self)),
            isVersion(parts[2]), parts[2][7] != UInt8(ascii: "0"),
            let fields = fields(lines, limits)
        else { return nil }
        return ReferenceHead(startLine: parts, fields: fields, byteCount: byteCount)
    }

    /// Nil unless the bytes begin with a complete response head that keeps all rules and limits.
    static func response(_ bytes: [UInt8], _ limits: HeadLimits) -> ReferenceHead? {
        guard let (lines, byteCount) = lines(bytes, limits) else { return nil }
        let line = lines[0]
        guard line.count >= 12, isVersion(Array(line[..<8])), line[8] == 0x20,
            line[9...11].allSatisfy({ (0x30...0x39).contains($0) }), line[9] != 0x30,
            line.count == 12 || line[12] == 0x20,
            line.dropFirst(13).allSatisfy(isText),
            let fields = fields(lines, limits)
        else { return nil }
        let parts = [Array(line[..<8]), Array(line[9...11]), Array(line.dropFirst(13))]
        return ReferenceHead(startLine: parts, fields: fields, byteCount: byteCount)
    }

    /// The lines before the blank one, none of which holds half a line end.
    private static func lines(
        _ bytes: [UInt8],
        _ limits: HeadLimits,
        from start: Int = 0
    ) -> ([[UInt8]], Int)? {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var place = start
        while place + 1 < bytes.count {
            if bytes[place] == 13, bytes[place + 1] == 10 {
                place += 2
                if line.isEmpty {
                    guard !lines.isEmpty, place <= limits.headByteCount else { return nil }
                    return (lines, place)
                }
                lines.append(line)
                line = []
            } else if bytes[place] == 13 || bytes[place] == 10 {
                return nil
            } else {
                line.append(bytes[place])
                place += 1
            }
        }
        return nil
    }

    private static func fields(_ lines: [[UInt8]], _ limits: HeadLimits) -> [ReferenceHead.Field]? {
        guard lines[0].count <= limits.startLineByteCount, lines.count - 1 <= limits.fieldCount,
            lines.dropFirst().allSatisfy({ $0.count <= limits.fieldLineByteCount })
        else { return nil }
        var fields: [ReferenceHead.Field] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
            let name = Array(line[..<colon])
            var value = Array(line[(colon + 1)...])
            guard name.allSatisfy(tokenBytes.contains), value.allSatisfy(isText) else { return nil }
            while let first = value.first, first == 0x20 || first == 9 { value.removeFirst() }
            while let last = value.last, last == 0x20 || last == 9 { value.removeLast() }
            fields.append(ReferenceHead.Field(name: name, value: value))
        }
        return fields
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte == 9 || byte >= 0x20 && byte != 0x7F
    }

    private static func isVersion(_ bytes: [UInt8]) -> Bool {
        bytes.count == 8 && bytes.starts(with: "HTTP/1.".utf8) && (0x30...0x39).contains(bytes[7])
    }

    private static func isTarget(_ target: String) -> Bool {
        if target.utf8.first == UInt8(ascii: "/") { return true }
        for scheme in ["http://", "https://", "ws://", "wss://"] as [String]
        where target.lowercased().hasPrefix(scheme) {
            let next = target.utf8.dropFirst(scheme.utf8.count).first
            return next != nil && next != UInt8(ascii: "/") && next != UInt8(ascii: "?")
        }
        return false
    }
}
