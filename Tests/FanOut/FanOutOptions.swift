internal import Glibc
internal import StargateCore

/// A policy and its name on the command line.
struct NamedPolicy: Sendable {
    let name: String
    let policy: SlowConsumerPolicy

    static let all = [
        NamedPolicy(name: "close", policy: .close),
        NamedPolicy(name: "drop-newest", policy: .dropNewest),
        NamedPolicy(name: "drop-oldest", policy: .dropOldest),
        NamedPolicy(name: "latest", policy: .latest),
        NamedPolicy(name: "wait", policy: .wait),
    ]
}

/// How large a run is.
struct FanOutOptions: Sendable {
    var subscriberCount = 10_000
    var publisherCount = 100
    /// Of each publisher.
    var messageCount = 10
    /// Of one message, which tells its publisher and its number.
    var byteCount = 512
    var childCount = 3
    var policies = NamedPolicy.all

    var stalledCount: Int { max(1, subscriberCount / 100) }
    var readerCount: Int { subscriberCount - stalledCount }
    var messageTotal: Int { publisherCount * messageCount }

    init?(_ arguments: [String]) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            if option == "--policies" {
                let names = value.split(separator: ",").map(String.init)
                policies = NamedPolicy.all.filter { names.contains($0.name) }
                guard policies.count == names.count else { return nil }
                continue
            }
            guard let number = Int(value), (1...1_000_000).contains(number) else { return nil }
            switch option {
            case "--subscribers": subscriberCount = max(2, number)
            case "--publishers": publisherCount = number
            case "--messages": messageCount = number
            case "--bytes": byteCount = max(8, number)
            case "--children": childCount = number
            default: return nil
            }
        }
    }

    func raiseDescriptorLimit() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// What a message says about itself.
enum NumberedPayload {
    static func make(_ publisher: Int, _ number: Int, byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: byteCount)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(publisher), as: UInt32.self)
            $0.storeBytes(of: UInt32(number), toByteOffset: 4, as: UInt32.self)
        }
        return bytes
    }
}
