internal import Synchronization

/// Decides who is let in: how many in all, how many from one address, and how often.
///
/// Asked when a connection is accepted, before anything is allocated for it.
final class Admission: Sendable {
    private let configuration: Server.Configuration
    private let budget: MemoryBudget
    /// Whether anything is counted by address. Apart, because the configuration is large and every
    /// connection asks.
    private let limitsAddresses: Bool
    private let headcount = Headcount()
    /// What may be taken of the descriptors; looked up again when it is reached.
    private let descriptorLimit = Atomic<Int>(0)
    private let addresses = Lock(AddressTable())
    /// The seat of those whose address does not matter: one for all of them.
    private let anonymousSeat: AnonymousSeat

    init(_ configuration: Server.Configuration, _ budget: MemoryBudget) {
        self.configuration = configuration
        self.budget = budget
        limitsAddresses = configuration.limitsAddresses
        anonymousSeat = AnonymousSeat(headcount)
        descriptorLimit.store(currentDescriptorLimit, ordering: .relaxed)
    }

    /// Descriptors that are left for files, the application and who is refused: 64, and 8 for each
    /// loop's own, or an eighth where there are few. There must be some: Swift's pool of threads
    /// looks into /proc while work waits for one of them, and ends the process if it cannot.
    private var currentDescriptorLimit: Int {
        let all = DescriptorLimit.current
        let loopCount = configuration.loopCount ?? LoopGroup.processorCount
        return max(1, all - min(64 + 8 * loopCount, all / 8))
    }

    private var connectionLimit: Int {
        min(configuration.maxConnections ?? .max, descriptorLimit.load(ordering: .relaxed))
    }

    /// Lets a connection in, or says why not.
    ///
    /// A trusted proxy has no limit of its own: its clients are judged when it has told their
    /// addresses, see ``seat(for:now:)``.
    ///
    /// - Parameters:
    ///   - address: of the peer; nil, or a path, where there is none to tell peers apart by.
    ///   - now: a monotonic time in milliseconds.
    /// - Returns: the seat that the connection takes, to be left once.
    /// - Throws: why it is not let in.
    func admit(
        _ address: SocketAddress?,
        now: @autoclosure () -> UInt64
    ) throws(AdmissionRefusal) -> any ConnectionSeat {
        if budget.isTight { throw .memory }
        let taken = headcount.enter()
        if taken > connectionLimit {
            descriptorLimit.store(currentDescriptorLimit, ordering: .relaxed)
            if taken > connectionLimit {
                headcount.leave()
                throw .serverFull
            }
        }
        guard limitsAddresses else { return anonymousSeat }
        do throws(AdmissionRefusal) {
            guard let address, !configuration.trustsProxy(at: address),
                let seat = try seat(for: address, now: now())
            else { return anonymousSeat }
            return seat
        } catch {
            headcount.leave()
            throw error
        }
    }

    /// A seat that counts for an address, for somebody who has one that counts for nobody: to be
    /// taken instead of it, which is not left.
    ///
    /// - Returns: nil when addresses are not told apart, or this one cannot be.
    /// - Throws: why this address is not let in; the older seat is still to be left.
    func seat(
        for address: SocketAddress,
        now: UInt64
    ) throws(AdmissionRefusal) -> (any ConnectionSeat)? {
        guard limitsAddresses,
            let key = AddressKey(address, groupsIPv6: configuration.groupsIPv6Addresses)
        else { return nil }
        if let refusal = addresses.withLock({ $0.enter(key, configuration, now: now) }) {
            throw refusal
        }
        return Seat(self, key)
    }

    /// How many are in.
    var connectionCount: Int { headcount.count }

    fileprivate func leave(_ key: AddressKey) {
        headcount.leave()
        addresses.withLock { $0.leave(key) }
    }

    /// How many are in, in an object of its own: the seats know it, and not who gave them out.
    private final class Headcount: Sendable {
        private let value = Atomic<Int>(0)

        var count: Int { value.load(ordering: .relaxed) }

        /// Returns how many are in now.
        func enter() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }

        func leave() { value.wrappingSubtract(1, ordering: .relaxed) }
    }

    private final class AnonymousSeat: ConnectionSeat {
        private let headcount: Headcount

        init(_ headcount: Headcount) { self.headcount = headcount }

        func leave() { headcount.leave() }
    }

    private final class Seat: ConnectionSeat {
        private let admission: Admission
        private let key: AddressKey

        init(_ admission: Admission, _ key: AddressKey) {
            self.admission = admission
            self.key = key
        }

        func leave() { admission.leave(key) }
    }
}

/// What peers are told apart by: an IPv4 address, an IPv6 address, or the network it is in.
struct AddressKey: Hashable {
    private let high: UInt64
    private let low: UInt64

    /// - Parameters:
    ///   - address: nil is returned for a path.
    ///   - groupsIPv6: whether the 64 bits that a subscriber chooses by itself are left out.
    init?(_ address: SocketAddress, groupsIPv6: Bool) {
        switch address.kind {
        case .ipv4(let number, _):
            high = 0
            // As an IPv4 peer of an IPv6 socket looks: ::ffff:a.b.c.d.
            low = 0xFFFF_0000_0000 | UInt64(number)
        case .ipv6(let high, let low, _, _):
            self.high = high
            let isIPv4 = high == 0 && low >> 32 == 0xFFFF
            self.low = groupsIPv6 && !isIPv4 ? 0 : low
        case .unix: return nil
        }
    }
}

/// The addresses that are connected, or connected a moment ago.
struct AddressTable {
    private struct Entry {
        var count = 0
        /// When the bucket is full again, in milliseconds: a token bucket as one number.
        var fullAt: UInt64 = 0
    }

    /// So many addresses without a connection are remembered for their rate.
    static let idleCountMax = 65_536

    private var entries: [AddressKey: Entry] = [:]
    private var lastSweep: UInt64 = 0

    var count: Int { entries.count }

    /// Counts a connection, unless the address has too many or connects too often.
    mutating func enter(
        _ key: AddressKey,
        _ configuration: Server.Configuration,
        now: UInt64
    ) -> AdmissionRefusal? {
        var entry = entries[key] ?? Entry()
        if let limit = configuration.maxConnectionsPerAddress, entry.count >= limit {
            return .addressFull
        }
        if let rate = configuration.handshakesPerSecondPerAddress, rate > 0 {
            let cost = UInt64(max(1, (1000 / rate).rounded()))
            let room = UInt64(max(1, configuration.handshakeBurstPerAddress)) &* cost
            let fullAt = max(entry.fullAt, now) &+ cost
            guard fullAt <= now &+ room else { return .addressRate }
            entry.fullAt = fullAt
        }
        if entries[key] == nil, entries.count >= Self.idleCountMax { sweep(now) }
        entry.count += 1
        entries[key] = entry
        return nil
    }

    mutating func leave(_ key: AddressKey) {
        guard var entry = entries[key] else { return }
        entry.count -= 1
        // Without a rate there is nothing to remember.
        entries[key] = entry.count > 0 || entry.fullAt > 0 ? entry : nil
    }

    /// Forgets who is not connected and may connect again: all of them, when even those that may
    /// not are too many, because memory comes before fairness. At most once a second.
    private mutating func sweep(_ now: UInt64) {
        guard now >= lastSweep &+ 1000 else { return }
        lastSweep = now
        entries = entries.filter { $0.value.count > 0 || $0.value.fullAt > now }
        guard entries.count >= Self.idleCountMax else { return }
        entries = entries.filter { $0.value.count > 0 }
    }
}

extension Server.Configuration {
    /// Whether connections from there begin with a PROXY header.
    func trustsProxy(at address: SocketAddress) -> Bool {
        guard !trustedProxies.isEmpty else { return false }
        return address.isUnix || trustedProxies.contains { $0.contains(address) }
    }

    /// Whether addresses have to be told apart.
    fileprivate var limitsAddresses: Bool {
        maxConnectionsPerAddress != nil || handshakesPerSecondPerAddress != nil
    }
}
