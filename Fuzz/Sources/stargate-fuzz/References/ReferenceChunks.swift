// The chunked coding by the grammar of RFC 9112 section 7.1, read from all bytes at once, line by
// line. Our limits beside it: what a body may have, and what may surround it.

@testable import StargateCore

struct ReferenceChunks: Equatable {
    enum End: Equatable {
        case open
        case complete(byteCount: Int)
        case failed(BodyFault)
    }

    var body: [UInt8]
    var end: End

    private static func failed(_ fault: BodyFault) -> ReferenceChunks {
        ReferenceChunks(body: [], end: .failed(fault))
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte == 9 || byte >= 0x20 && byte != 0x7F
    }

    static func read(_ bytes: [UInt8], limit: Int) -> ReferenceChunks {
        var body: [UInt8] = []
        var place = 0
        var overhead = 0

        /// One byte, if it is there, which must be the wanted one.
        func expect(_ wanted: UInt8) -> ReferenceChunks? {
            guard place < bytes.count else { return ReferenceChunks(body: body, end: .open) }
            guard bytes[place] == wanted else { return failed(.malformed) }
            place += 1
            return nil
        }
        /// Passes text up to a CR.
        func passText() -> ReferenceChunks? {
            while true {
                guard place < bytes.count else { return ReferenceChunks(body: body, end: .open) }
                if bytes[place] == 13 { return nil }
                overhead += 1
                guard isText(bytes[place]), overhead <= ChunkedBody.overheadMax else {
                    return failed(.malformed)
                }
                place += 1
            }
        }

        while true {
            var size = 0
            var digits = 0
            while place < bytes.count,
                let digit = Int(String(decoding: [bytes[place]], as: UTF8.self), radix: 16)
            {
                digits += 1
                guard digits <= 16 else { return failed(.malformed) }
                // Sixteen digits make too much for an Int; anything near that is too large anyway.
                guard size < 1 << 40 else { return failed(.tooLarge) }
                size = size * 16 + digit
                guard size <= limit - body.count else { return failed(.tooLarge) }
                place += 1
            }
            guard place < bytes.count else { return ReferenceChunks(body: body, end: .open) }
            guard digits > 0 else { return failed(.malformed) }
            if bytes[place] == UInt8(ascii: ";") {
                place += 1
                if let end = passText() { return end }
            }
            if let end = expect(13) ?? expect(10) { return end }
            if size == 0 { break }
            let available = min(size, bytes.count - place)
            body += bytes[place..<place + available]
            place += available
            if available < size { return ReferenceChunks(body: body, end: .open) }
            if let end = expect(13) ?? expect(10) { return end }
        }
        while true {
            guard place < bytes.count else { return ReferenceChunks(body: body, end: .open) }
            if bytes[place] == 13 {
                place += 1
                if let end = expect(10) { return end }
                return ReferenceChunks(body: body, end: .complete(byteCount: place))
            }
            let first = Character(UnicodeScalar(bytes[place]))
            guard first.isASCII,
                first.isLetter || first.isNumber || "!#$%&'*+-.^_`|~".contains(first)
            else { return failed(.malformed) }
            if let end = passText() { return end }
            if let end = expect(13) ?? expect(10) { return end }
        }
    }
}
