// The PROXY protocol by the text of HAProxy's proxy-protocol.txt, from all bytes at once. Addresses
// are read by hand and the checksum is taken bit by bit, so that nothing here is the engine's.

/// What the reference finds at the front of some bytes.
enum ReferenceProxy: Equatable {
    case incomplete
    case invalid
    case complete(addresses: Addresses?, byteCount: Int)

    struct Addresses: Equatable {
        var source: Address
        var destination: Address
    }

    /// The bytes of an Internet address and its port, or those of a path.
    struct Address: Equatable {
        var bytes: [UInt8]
        var port: Int
    }

    static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)
    static let word: [UInt8] = Array("PROXY ".utf8)

    init(_ bytes: [UInt8], byteCountMax: Int) {
        if bytes.starts(with: Self.word) {
            self = Self.line(bytes)
        } else if bytes.starts(with: Self.signature) {
            self = Self.binary(bytes, byteCountMax)
        } else {
            let mayGoOn = Self.word.starts(with: bytes) || Self.signature.starts(with: bytes)
            self = mayGoOn ? .incomplete : .invalid
        }
    }

    // MARK: Version 1, section 2.1

    private static func line(_ bytes: [UInt8]) -> ReferenceProxy {
        var line: [UInt8] = []
        for (place, byte) in bytes.enumerated() {
            if place == 107 || byte == 10 { return .invalid }
            if byte == 13 {
                guard place + 1 < bytes.count else { return place < 106 ? .incomplete : .invalid }
                guard place < 106, bytes[place + 1] == 10 else { return .invalid }
                return judge(line)
            }
            line.append(byte)
        }
        return bytes.count < 107 ? .incomplete : .invalid
    }

    private static func judge(_ line: [UInt8]) -> ReferenceProxy {
        let words = line.split(separator: 32, omittingEmptySubsequences: false).map(Array.init)
        let byteCount = line.count + 2
        if words[1] == Array("UNKNOWN".utf8) {
            return .complete(addresses: nil, byteCount: byteCount)
        }
        guard words.count == 6 else { return .invalid }
        let read: ([UInt8]) -> [UInt8]?
        switch words[1] {
        case Array("TCP4".utf8): read = ipv4
        case Array("TCP6".utf8): read = ipv6
        default: return .invalid
        }
        guard let source = read(words[2]), let destination = read(words[3]),
            let sourcePort = number(words[4], max: 65535),
            let destinationPort = number(words[5], max: 65535)
        else { return .invalid }
        let addresses = Addresses(
            source: Address(bytes: source, port: sourcePort),
            destination: Address(bytes: destination, port: destinationPort)
        )
        return .complete(addresses: addresses, byteCount: byteCount)
    }

    /// Digits without a leading zero.
    private static func number(_ text: [UInt8], max: Int) -> Int? {
        guard (1...5).contains(text.count), text == [48] || text[0] != 48,
            text.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        let number = text.reduce(0) { $0 * 10 + Int($1) - 48 }
        return number <= max ? number : nil
    }

    private static func ipv4(_ text: [UInt8]) -> [UInt8]? {
        let parts = text.split(separator: 46, omittingEmptySubsequences: false)
        let numbers = parts.compactMap { number(Array($0), max: 255) }
        guard parts.count == 4, numbers.count == 4 else { return nil }
        return numbers.map { UInt8($0) }
    }

    /// RFC 4291 section 2.2: eight groups, of which `::` stands for one or more that are zero.
    private static func ipv6(_ text: [UInt8]) -> [UInt8]? {
        let gap = text.indices.dropLast().first { text[$0] == 58 && text[$0 + 1] == 58 }
        guard let gap else {
            let groups = groups(text, mayEndInIPv4: true)
            return groups?.count == 16 ? groups : nil
        }
        guard let front = groups(Array(text[..<gap]), mayEndInIPv4: false),
            let back = groups(Array(text[(gap + 2)...]), mayEndInIPv4: true),
            front.count + back.count <= 14
        else { return nil }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }

    private static func groups(_ text: [UInt8], mayEndInIPv4: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: 58, omittingEmptySubsequences: false).map(Array.init)
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, let address = ipv4(part) {
                bytes += address
                continue
            }
            guard (1...4).contains(part.count),
                part.allSatisfy({ UInt8(ascii: "+") != $0 && UInt8(ascii: "-") != $0 }),
                let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
        return bytes
    }

    // MARK: Version 2, section 2.2

    private static func binary(_ bytes: [UInt8], _ byteCountMax: Int) -> ReferenceProxy {
        if bytes.count > 12, bytes[12] / 16 != 2 { return .invalid }
        guard bytes.count >= 16 else { return .incomplete }
        let byteCount = 16 + Int(bytes[14]) * 256 + Int(bytes[15])
        let command = bytes[12] % 16
        guard command <= 1, byteCount <= byteCountMax else { return .invalid }
        guard bytes.count >= byteCount else { return .incomplete }
        // LOCAL: whatever else it holds is to be discarded.
        if command == 0 { return .complete(addresses: nil, byteCount: byteCount) }
        let header = Array(bytes[..<byteCount])
        let body = Array(header[16...])
        let size: Int
        switch header[13] {
        case 0x00: return .complete(addresses: nil, byteCount: byteCount)
        case 0x11: size = 4
        case 0x21: size = 16
        case 0x31: size = 108
        default: return .invalid
        }
        let isPath = size == 108
        let end = size * 2 + (isPath ? 0 : 4)
        guard body.count >= end, areSound(Array(body[end...]), of: header) else { return .invalid }
        func address(_ place: Int, _ portPlace: Int) -> Address {
            let bytes = Array(body[place..<place + size])
            // As text: what is no UTF-8 is replaced.
            let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            if isPath { return Address(bytes: Array(text.utf8), port: 0) }
            return Address(
                bytes: bytes,
                port: Int(body[portPlace]) * 256 + Int(body[portPlace + 1])
            )
        }
        let addresses = Addresses(
            source: address(0, size * 2),
            destination: address(size, size * 2 + 2)
        )
        return .complete(addresses: addresses, byteCount: byteCount)
    }

    /// Section 2.2.1: types, lengths and values, and no byte behind the last.
    private static func areSound(_ fields: [UInt8], of header: [UInt8]) -> Bool {
        var left = fields
        while !left.isEmpty {
            guard left.count >= 3 else { return false }
            let type = left[0]
            let length = Int(left[1]) * 256 + Int(left[2])
            left.removeFirst(3)
            guard left.count >= length else { return false }
            if type == 3 {
                guard length == 4 else { return false }
                let place = header.count - left.count
                var blank = header
                for index in place..<place + 4 { blank[index] = 0 }
                if checksum(blank) != Array(left[..<4]) { return false }
            }
            left.removeFirst(length)
        }
        return true
    }

    /// CRC-32C as RFC 3720 has it: the remainder of a division by 0x1EDC6F41, each byte's lowest bit
    /// first, and the result's too. The four bytes as they are sent.
    static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var remainder = UInt32.max
        for byte in bytes {
            for bit in 0..<8 {
                let input = UInt32(byte >> bit & 1)
                let carry = remainder >> 31 ^ input
                remainder = remainder << 1 ^ (carry == 1 ? 0x1EDC_6F41 : 0)
            }
        }
        var reversed: UInt32 = 0
        for bit in 0..<32 where remainder >> bit & 1 == 0 { reversed |= 1 << (31 - bit) }
        return (0..<4).map { UInt8(reversed >> (24 - 8 * $0) & 0xFF) }
    }
}
