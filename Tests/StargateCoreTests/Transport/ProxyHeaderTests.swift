import Testing

@testable import StargateCore

@Suite("The PROXY protocol's scanner")
struct ProxyHeaderTests {
    static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)

    /// A header of version 2.
    static func binary(
        _ command: UInt8,
        _ family: UInt8,
        _ body: [UInt8],
        length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? body.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + body
    }

    static let tcp4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB]

    private func scan(_ bytes: [UInt8]) -> ProxyHeader.Scan {
        bytes.withUnsafeBytes { ProxyHeader.scan($0) }
    }

    private func whole(_ bytes: [UInt8]) -> ProxyHeader? {
        if case .complete(let header) = scan(bytes) { header } else { nil }
    }

    @Test(
        "version 1: what is said is read",
        arguments: [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", "192.0.2.7:12345"),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
            ("PROXY TCP6 2001:db8::7 ::1 0 443\r\n", "[2001:db8::7]:0"),
            ("PROXY UNKNOWN\r\n", nil), ("PROXY UNKNOWN a b c  d\r\n", nil),
            ("PROXY UNKNOWN \u{301}a\r\n", nil),
        ] as [(String, String?)]
    )
    func line(text: String, source: String?) throws {
        let bytes = Array(text.utf8)
        let header = try #require(whole(bytes + Array("GET / HTTP/1.1\r\n".utf8)))
        #expect(header.byteCount == bytes.count)
        #expect(header.addresses?.source.description == source)
        // Whole at the last byte, and not before.
        for count in 0..<bytes.count { #expect(scan(Array(bytes[..<count])) == .incomplete) }
    }

    @Test(
        "version 1: what is not exactly right is refused",
        arguments: [
            "PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\n", "PROXY UNKNOWN a\nb\r\n",
            "PROXY TCP4  192.0.2.7 198.51.100.1 12345 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 12345\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 012345 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
            "PROXY TCP4 192.0.2.007 198.51.100.1 1 443\r\n",
            "PROXY TCP4 ::1 198.51.100.1 1 443\r\n", "PROXY TCP6 192.0.2.7 ::1 1 2\r\n",
            "PROXY TCP4 192.0.2.7\0x 198.51.100.1 1 443\r\n",
            "PROXY UN\u{212A}NOWN\r\n",
            "PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n", "PROXY  UNKNOWN\r\n",
            "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\r\n", "proxy UNKNOWN\r\n",
            "GET / HTTP/1.1\r\n",
            "PROXX", "P ", "\r\n\r\nX",
        ]
    )
    func badLine(text: String) {
        #expect(scan(Array(text.utf8)) == .invalid)
    }

    @Test("version 1: 107 bytes and no more")
    func lineLength() {
        let longest = Array(("PROXY UNKNOWN" + String(repeating: "x", count: 92)).utf8)
        #expect(whole(Array("PROXY UNKNOWN ".utf8) + longest[14...] + [13, 10])?.byteCount == 107)
        #expect(scan(Array("PROXY UNKNOWN ".utf8) + longest[14...] + [120, 13, 10]) == .invalid)
    }

    @Test("version 2: addresses of every family, at every split")
    func families() throws {
        let six = [UInt8](repeating: 0, count: 15) + [1]
        let tcp6 = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + six
        let path = Array("/run/a".utf8) + [UInt8](repeating: 0, count: 102)
        let cases: [([UInt8], String?, String?)] = [
            (Self.binary(0x21, 0x11, Self.tcp4), "192.0.2.7:12345", "198.51.100.1:443"),
            (Self.binary(0x21, 0x21, tcp6 + [0, 1, 0, 2]), "[2001:db8::7]:1", "[::1]:2"),
            (Self.binary(0x21, 0x31, path + path), "unix:/run/a", "unix:/run/a"),
            (Self.binary(0x21, 0x00, [1, 2, 3]), nil, nil), (Self.binary(0x20, 0x00, []), nil, nil),
            (Self.binary(0x20, 0x11, Self.tcp4), nil, nil),
            (Self.binary(0x20, 0x77, [9]), nil, nil), (Self.binary(0x20, 0x11, [9]), nil, nil),
        ]
        for (bytes, source, destination) in cases {
            let header = try #require(whole(bytes + [0x16]))
            #expect(header.byteCount == bytes.count)
            #expect(header.addresses?.source.description == source)
            #expect(header.addresses?.destination.description == destination)
            for count in 0..<bytes.count { #expect(scan(Array(bytes[..<count])) == .incomplete) }
        }
    }

    @Test("version 2: what is not exactly right is refused")
    func badBinary() {
        for bytes in [
            Self.binary(0x11, 0x11, Self.tcp4), Self.binary(0x22, 0x11, Self.tcp4),
            Self.binary(0x21, 0x12, Self.tcp4), Self.binary(0x21, 0x41, Self.tcp4),
            Self.binary(0x21, 0x11, Array(Self.tcp4.dropLast())),
            Self.binary(0x21, 0x21, Self.tcp4),
            // Longer than any.
            Self.binary(0x21, 0x11, [], length: 4081), Self.binary(0x21, 0x11, [], length: 65535),
            // Fields that are cut.
            Self.binary(0x21, 0x11, Self.tcp4 + [4]), Self.binary(0x21, 0x11, Self.tcp4 + [4, 0]),
            Self.binary(0x21, 0x11, Self.tcp4 + [4, 0, 1]),
            // A checksum that is wrong, or too long.
            Self.binary(0x21, 0x11, Self.tcp4 + [3, 0, 4, 1, 2, 3, 4]),
            Self.binary(0x21, 0x11, Self.tcp4 + [3, 0, 5, 1, 2, 3, 4, 5]),
        ] {
            #expect(scan(bytes) == .invalid)
        }
        #expect(scan(Self.signature + [0x31]) == .invalid)
    }

    @Test("version 2: fields behind the addresses are skipped, and a checksum is checked")
    func fields() throws {
        let authority: [UInt8] = [2, 0, 3] + Array("a.b".utf8)
        #expect(whole(Self.binary(0x21, 0x11, Self.tcp4 + authority + [4, 0, 0])) != nil)
        // CRC-32C bit by bit, from the polynomial's definition.
        let body = Self.tcp4 + authority + [3, 0, 4]
        let zeroed = Self.binary(0x21, 0x11, body + [0, 0, 0, 0])
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in zeroed {
            for bit in 0..<8 {
                let isSet = (sum ^ UInt32(byte) >> UInt32(bit)) & 1 == 1
                sum >>= 1
                if isSet { sum ^= 0x82F6_3B78 }
            }
        }
        sum = ~sum
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> UInt32($0)) }
        #expect(whole(Self.binary(0x21, 0x11, body + bytes)) != nil)
    }

    @Test("random bytes behind a good beginning: an answer, whatever they are")
    func random() {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<5000 {
            var bytes = Bool.random(using: &generator) ? Self.signature : Array("PROXY TCP".utf8)
            for _ in 0..<Int.random(in: 0...300, using: &generator) {
                bytes.append(UInt8.random(in: .min ... .max, using: &generator))
            }
            if case .complete(let header) = scan(bytes) {
                #expect(header.byteCount <= bytes.count)
            }
        }
    }
}

@Suite("Ranges of addresses")
struct AddressRangeTests {
    @Test(
        "an address is in a range, or not",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe00::1", false), ("::1", "::1", true), ("::1/128", "::2", false),
            ("2001:db8:0:0:8000::/65", "2001:db8::8001:0:0:1", true),
            ("2001:db8:0:0:8000::/65", "2001:db8::1", false), ("::/0", "fe80::1", true),
            ("192.168.0.0/31", "192.168.0.1", true), ("192.168.0.0/31", "192.168.0.2", false),
        ]
    )
    func contains(range: String, host: String, isIn: Bool) throws {
        let range = try #require(AddressRange(range))
        let address = try #require(SocketAddress(host: host, port: 1))
        #expect(range.contains(address) == isIn)
    }

    @Test(
        "what is no range",
        arguments: [
            "", "10.0.0.0/33", "10.0.0.1/8", "::/129", "a", "10.0.0.0/", "10.0.0.0/08", "/8",
            "10.0.0.0/8/8", "fd00::1/8", "10.0.0.0/-1", "10.0/8",
        ]
    )
    func malformed(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test("a path is in no range")
    func path() throws {
        let path = try #require(SocketAddress(unixPath: "/a"))
        #expect(AddressRange("::/0")?.contains(path) == false)
    }
}
