// The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt describes them: what a
// proxy says about a client before the client's own bytes. Bytes in, a value out.

/// What a proxy said about a connection.
struct ProxyHeader: Equatable {
    /// Where the client sits, and what it connected to; nil when the proxy speaks for itself
    /// (a health check), or does not know.
    let addresses: Addresses?
    /// The bytes of the header.
    let byteCount: Int

    struct Addresses: Equatable {
        let source: SocketAddress
        let destination: SocketAddress
    }

    /// What became of the bytes that have arrived so far.
    enum Scan: Equatable {
        case incomplete
        /// No header, or a malformed one.
        case invalid
        case complete(ProxyHeader)
    }

    /// The longest line of version 1, with its end. Section 2.1.
    static let lineByteCountMax = 107
    /// The longest header of version 2 that is taken. Addresses need 232 bytes at most; the rest is
    /// for what proxies add, such as the certificate of a client.
    static let byteCountMax = 4096

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    private static let word = Array("PROXY ".utf8)

    /// Looks at the start of a connection. It is complete or invalid as soon as it can be, and
    /// never incomplete from ``byteCountMax`` bytes on.
    static func scan(_ bytes: UnsafeRawBufferPointer) -> Scan {
        guard let first = unsafe bytes.first else { return .incomplete }
        let start = first == word[0] ? word : signature
        let count = min(bytes.count, start.count)
        guard unsafe bytes[..<count].elementsEqual(start[..<count]) else { return .invalid }
        guard count == start.count else { return .incomplete }
        return first == word[0] ? unsafe scanLine(bytes) : unsafe scanBinary(bytes)
    }

    // MARK: Version 1

    private static func scanLine(_ bytes: UnsafeRawBufferPointer) -> Scan {
        let line = unsafe bytes.prefix(lineByteCountMax)
        guard let end = unsafe line.firstIndex(of: 0x0D), unsafe end &+ 1 < line.count else {
            return unsafe line.count < lineByteCountMax && !line.contains(0x0A)
                ? .incomplete : .invalid
        }
        guard unsafe line[end &+ 1] == 0x0A, unsafe !line[..<end].contains(0x0A) else {
            return .invalid
        }
        // Bytes and not text: a space with a combining mark behind it is a space here.
        let words = unsafe Array(line[..<end]).split(
            separator: 0x20,
            omittingEmptySubsequences: false
        )
        let byteCount = end &+ 2
        // What follows UNKNOWN is not to be looked at. Section 2.1.
        if words.count >= 2, words[1].elementsEqual("UNKNOWN".utf8) {
            return .complete(ProxyHeader(addresses: nil, byteCount: byteCount))
        }
        guard words.count == 6 else { return .invalid }
        let isIPv6 = words[1].elementsEqual("TCP6".utf8)
        guard isIPv6 || words[1].elementsEqual("TCP4".utf8),
            let source = address(words[2], words[4], isIPv6: isIPv6),
            let destination = address(words[3], words[5], isIPv6: isIPv6)
        else { return .invalid }
        let addresses = Addresses(source: source, destination: destination)
        return .complete(ProxyHeader(addresses: addresses, byteCount: byteCount))
    }

    private static func address(
        _ host: ArraySlice<UInt8>,
        _ port: ArraySlice<UInt8>,
        isIPv6: Bool
    ) -> SocketAddress? {
        // Neither the name of an interface nor a NUL, at which C stops reading.
        guard let number = decimal(port), host.allSatisfy(isAddressByte),
            let address = SocketAddress(host: String(decoding: host, as: UTF8.self), port: number)
        else { return nil }
        switch address.kind {
        case .ipv4: return isIPv6 ? nil : address
        case .ipv6: return isIPv6 ? address : nil
        case .unix: return nil
        }
    }

    /// Hexadecimal digits, points and colons.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3A, 0x41...0x46, 0x61...0x66, 0x2E: true
        default: false
        }
    }

    /// A port as it has to be written: digits without a leading zero.
    private static func decimal(_ text: ArraySlice<UInt8>) -> Int? {
        guard (1...5).contains(text.count), text.first != 48 || text.count == 1 else { return nil }
        var number = 0
        for digit in text {
            guard (48...57).contains(digit) else { return nil }
            number = number &* 10 &+ Int(truncatingIfNeeded: digit &- 48)
        }
        return number <= 65535 ? number : nil
    }

    // MARK: Version 2

    private static func scanBinary(_ bytes: UnsafeRawBufferPointer) -> Scan {
        guard bytes.count >= 16 else {
            // The version is known to be wrong as soon as it is there.
            if bytes.count > 12, unsafe bytes[12] >> 4 != 2 { return .invalid }
            return .incomplete
        }
        let length =
            unsafe Int(truncatingIfNeeded: bytes[14]) &<< 8 | Int(truncatingIfNeeded: bytes[15])
        let byteCount = 16 &+ length
        let command = unsafe bytes[12]
        guard command == 0x20 || command == 0x21, byteCount <= byteCountMax else {
            return .invalid
        }
        guard bytes.count >= byteCount else { return .incomplete }
        // A health check: whatever else it says is to be discarded. Section 2.2.
        if command == 0x20 {
            return .complete(ProxyHeader(addresses: nil, byteCount: byteCount))
        }
        let header = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<byteCount])
        let family = unsafe header[13]
        let addressByteCount: Int
        switch family {
        case 0x00: addressByteCount = 0
        case 0x11: addressByteCount = 12
        case 0x21: addressByteCount = 36
        case 0x31: addressByteCount = 216
        // Datagrams, and what is not assigned.
        default: return .invalid
        }
        guard addressByteCount <= length else { return .invalid }
        // What an unknown family has in place of addresses cannot be told from what follows.
        if family != 0x00, unsafe !hasSoundFields(header, from: 16 &+ addressByteCount) {
            return .invalid
        }
        let addresses = unsafe binaryAddresses(header, family)
        return .complete(ProxyHeader(addresses: addresses, byteCount: byteCount))
    }

    private static func binaryAddresses(
        _ header: UnsafeRawBufferPointer,
        _ family: UInt8
    ) -> Addresses? {
        func word(_ offset: Int) -> UInt32 {
            unsafe UInt32(
                bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            )
        }
        func long(_ offset: Int) -> UInt64 {
            unsafe UInt64(
                bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
        }
        func port(_ offset: Int) -> UInt16 {
            unsafe UInt16(truncatingIfNeeded: header[offset]) &<< 8
                | UInt16(truncatingIfNeeded: header[offset &+ 1])
        }
        func path(_ offset: Int) -> SocketAddress {
            let bytes = unsafe header[offset..<offset &+ 108].prefix { $0 != 0 }
            return unsafe SocketAddress(kind: .unix(path: String(decoding: bytes, as: UTF8.self)))
        }
        func ipv6(_ offset: Int, _ portOffset: Int) -> SocketAddress {
            SocketAddress(
                kind: .ipv6(
                    high: long(offset),
                    low: long(offset &+ 8),
                    scope: 0,
                    port: port(portOffset)
                )
            )
        }
        switch family {
        case 0x11:
            return Addresses(
                source: SocketAddress(kind: .ipv4(word(16), port: port(24))),
                destination: SocketAddress(kind: .ipv4(word(20), port: port(26)))
            )
        case 0x21: return Addresses(source: ipv6(16, 48), destination: ipv6(32, 50))
        case 0x31: return Addresses(source: path(16), destination: path(124))
        default: return nil
        }
    }

    /// Whether what follows the addresses is whole: fields of a type, a length and so many bytes.
    /// They are skipped, but a checksum among them must be right. Section 2.2.
    private static func hasSoundFields(
        _ header: UnsafeRawBufferPointer,
        from start: Int
    ) -> Bool {
        let checksumType: UInt8 = 0x03
        var offset = start
        while offset < header.count {
            guard header.count &- offset >= 3 else { return false }
            let length =
                unsafe Int(truncatingIfNeeded: header[offset &+ 1]) &<< 8
                | Int(truncatingIfNeeded: header[offset &+ 2])
            let value = offset &+ 3
            guard length <= header.count &- value else { return false }
            if unsafe header[offset] == checksumType {
                guard length == 4 else { return false }
                let given = unsafe UInt32(
                    bigEndian: header.loadUnaligned(fromByteOffset: value, as: UInt32.self)
                )
                guard unsafe checksum(header, without: value) == given else { return false }
            }
            offset = value &+ length
        }
        return true
    }

    /// CRC-32C of the header, with zeros in place of the four bytes of the checksum itself.
    private static func checksum(
        _ header: UnsafeRawBufferPointer,
        without place: Int
    ) -> UInt32 {
        var sum = ~UInt32(0)
        for index in 0..<header.count {
            let isPlace = index >= place && index < place &+ 4
            sum ^= UInt32(truncatingIfNeeded: isPlace ? 0 : unsafe header[index])
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
        }
        return ~sum
    }
}
