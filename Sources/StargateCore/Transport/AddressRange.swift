/// A range of Internet addresses in CIDR notation: `10.0.0.0/8`, `fd00::/8`, or a single address.
public struct AddressRange: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64
    private let isIPv4: Bool
    /// Of 128 bits, for IPv4 too, whose addresses are the last 32 of them.
    private let prefixBitCount: Int

    /// - Parameter text: an address with or without the count of bits that count; nil is made of
    ///   anything else, and of an address with bits set behind those.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].contains("%"),
            let address = SocketAddress(host: String(parts[0]), port: 0),
            let bits = Self.bits(address)
        else { return nil }
        let bitCountMax = bits.isIPv4 ? 32 : 128
        var count = bitCountMax
        if parts.count == 2 {
            guard let given = Int(parts[1]), "\(given)" == parts[1],
                (0...bitCountMax).contains(given)
            else { return nil }
            count = given
        }
        (high, low, isIPv4) = bits
        prefixBitCount = count + (128 - bitCountMax)
        let mask = Self.mask(prefixBitCount)
        guard high & ~mask.high == 0, low & ~mask.low == 0 || isIPv4 && count == 32 else {
            return nil
        }
    }

    /// Whether an address lies in this range. An IPv4 address that a socket of IPv6 reports
    /// (`::ffff:10.0.0.1`) is the IPv4 address; a path is in no range.
    public func contains(_ address: SocketAddress) -> Bool {
        guard let bits = Self.bits(address), bits.isIPv4 == isIPv4 else { return false }
        let mask = Self.mask(prefixBitCount)
        return bits.high & mask.high == high && bits.low & mask.low == low
    }

    private static func bits(
        _ address: SocketAddress
    ) -> (high: UInt64, low: UInt64, isIPv4: Bool)? {
        switch address.kind {
        case .ipv4(let address, _): (0, UInt64(address), true)
        case .ipv6(0, let low, _, _) where low >> 32 == 0xFFFF: (0, low & 0xFFFF_FFFF, true)
        case .ipv6(let high, let low, _, _): (high, low, false)
        case .unix: nil
        }
    }

    private static func mask(_ count: Int) -> (high: UInt64, low: UInt64) {
        // Shifts by the whole width give 0 here, as they should.
        (~0 << UInt64(max(0, 64 - count)), count <= 64 ? 0 : ~0 << UInt64(128 - count))
    }
}
