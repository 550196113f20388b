// The families of counters, each with the words that metrics use for its members.

/// Why this endpoint ended a connection that was open.
enum FailureReason: UInt8, CounterFamily {
    case protocolError, invalidPayload, policy, messageTooBig
    case pongTimeout, slowPeer, outputOverflow, publicationOverflow
    case messageRate, memory, handler, transport

    static var group: CounterGroup { .failures }

    var name: String {
        switch self {
        case .protocolError: "protocol_error"
        case .invalidPayload: "invalid_payload"
        case .policy: "policy"
        case .messageTooBig: "message_too_big"
        case .pongTimeout: "pong_timeout"
        case .slowPeer: "slow_peer"
        case .outputOverflow: "output_overflow"
        case .publicationOverflow: "publication_overflow"
        case .messageRate: "message_rate"
        case .memory: "memory"
        case .handler: "handler"
        case .transport: "transport"
        }
    }

    /// The reason behind a Close frame that this endpoint sent because something was wrong.
    init(_ code: CloseCode) {
        switch code {
        case .invalidPayload: self = .invalidPayload
        case .policyViolation: self = .policy
        case .messageTooBig: self = .messageTooBig
        case .internalError: self = .handler
        case .tryAgainLater: self = .publicationOverflow
        default: self = .protocolError
        }
    }
}

/// Why a client was turned away when it was accepted.
enum AdmissionRefusal: UInt8, CounterFamily, Error {
    case serverFull, addressFull, addressRate, memory, descriptors

    static var group: CounterGroup { .admissions }

    var name: String {
        switch self {
        case .serverFull: "server_full"
        case .addressFull: "address_full"
        case .addressRate: "address_rate"
        case .memory: "memory"
        case .descriptors: "descriptors"
        }
    }
}

/// What became of messages that were not sent.
enum DropReason: UInt8, CounterFamily {
    case dropNewest, dropOldest, latest, close, inbox

    static var group: CounterGroup { .drops }

    var name: String {
        switch self {
        case .dropNewest: "drop_newest"
        case .dropOldest: "drop_oldest"
        case .latest: "latest"
        case .close: "close"
        case .inbox: "inbox"
        }
    }
}

/// The statuses that requests are refused with.
enum RefusalStatus: UInt8, CounterFamily {
    case badRequest, unauthorized, forbidden, notFound, methodNotAllowed, requestTimeout
    case contentTooLarge, uriTooLong, upgradeRequired, tooManyRequests, headerFieldsTooLarge
    case internalServerError, serviceUnavailable, versionNotSupported, other

    static var group: CounterGroup { .statuses }

    /// As a label: the number, or `other`.
    var name: String {
        switch self {
        case .badRequest: "400"
        case .unauthorized: "401"
        case .forbidden: "403"
        case .notFound: "404"
        case .methodNotAllowed: "405"
        case .requestTimeout: "408"
        case .contentTooLarge: "413"
        case .uriTooLong: "414"
        case .upgradeRequired: "426"
        case .tooManyRequests: "429"
        case .headerFieldsTooLarge: "431"
        case .internalServerError: "500"
        case .serviceUnavailable: "503"
        case .versionNotSupported: "505"
        case .other: "other"
        }
    }

    init(_ code: UInt16) {
        let name = String(code)
        self = Self.allCases.first { $0.name == name } ?? .other
    }
}

/// A close code as a label; the application's own are two kinds.
enum CloseCodeClass: UInt8, CaseIterable {
    case normalClosure, goingAway, protocolError, unsupportedData, noStatusReceived
    case abnormalClosure, invalidPayload, policyViolation, messageTooBig, mandatoryExtension
    case internalError, serviceRestart, tryAgainLater, badGateway, library, application

    var name: String {
        switch self {
        case .library: "3xxx"
        case .application: "4xxx"
        default: String(Int(Self.numbers[Int(rawValue)]))
        }
    }

    /// Where it is among the counters of its group.
    var place: Int { Int(rawValue) }

    private static let numbers: [UInt16] = [
        1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
    ]

    init(_ code: CloseCode) {
        switch code.rawValue {
        // By far the most frequent one.
        case 1000: self = .normalClosure
        case 3000...3999: self = .library
        case 4000...4999: self = .application
        default:
            let place = Self.numbers.firstIndex(of: code.rawValue) ?? 5
            self = Self(rawValue: UInt8(truncatingIfNeeded: place)) ?? .abnormalClosure
        }
    }
}

/// What a loop's memory is used for.
enum MemoryAccount: UInt8, CounterFamily {
    case connections, received, output, publications, compression, tls, bodies, waiting, spare

    static var group: CounterGroup { .memory }

    var name: String { "\(self)" }
}

/// Where the buckets of a histogram of milliseconds end; there is one more for what is longer.
enum TimeBuckets {
    /// How long a turn of the loop may take before anybody notices, and far beyond.
    static let turns: [UInt64] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]
    /// From the same room to the other side of the world, by way of a satellite.
    static let roundTrips: [UInt64] = [
        1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
    ]

    /// The place of a value among the buckets.
    @inline(__always)
    static func place(of milliseconds: UInt64, in ends: [UInt64]) -> Int {
        var place = 0
        while place < ends.count, milliseconds > ends[place] { place += 1 }
        return place
    }
}
