/// The addresses from which a client connects: `127.0.0.0/8`, `10.0.0.5`.
struct SourceRange: Equatable, Sendable {
    let text: String
    /// The first address that a host may have, as a number.
    private let first: UInt32
    private let count: UInt32

    /// Nil for anything but an IPv4 address, with or without a number of fixed bits.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
            .map { UInt8($0) }
        guard parts.count <= 2, numbers.count == 4 else { return nil }
        var address: UInt32 = 0
        for number in numbers {
            guard let number else { return nil }
            address = address << 8 | UInt32(number)
        }
        guard let bits = parts.count == 2 ? Int(parts[1]) : 32, (1...32).contains(bits) else {
            return nil
        }
        self.text = text
        guard bits < 31 else {
            (first, count) = (address, bits == 32 ? 1 : 2)
            return
        }
        let hosts = UInt32(1) << UInt32(32 - bits)
        // Neither the network's own address nor its broadcast address.
        first = (address & ~(hosts - 1)) + 1
        count = hosts - 2
    }

    /// Connections that one address takes before the next has its turn: well below the ports that
    /// the kernel gives out.
    static let connectionsPerAddress = 20_000

    /// The address of a connection.
    func address(of connection: Int) -> String {
        let turn = UInt32(truncatingIfNeeded: connection / Self.connectionsPerAddress) % count
        let address = first + turn
        return [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: ".")
    }
}
