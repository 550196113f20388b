// Every error of a run is counted by its kind, and the first of each kind is kept in words: a
// number says that something is wrong, the example says what.

/// What can go wrong in a run. The raw values are keys of the JSON report.
enum ErrorKind: String, CaseIterable, Sendable {
    case connect = "connect"
    case handshakeRefused = "handshake_refused"
    case badHandshake = "bad_handshake"
    case closedEarly = "closed_early"
    case timeout = "timeout"
    case wrongType = "wrong_type"
    case wrongLength = "wrong_length"
    case corrupt = "corrupt"
    case reordered = "reordered"
    case duplicate = "duplicate"
    case missing = "missing"
    case unexpected = "unexpected"
    case skipped = "skipped"
    case undelivered = "undelivered"
    case notSent = "not_sent"
    case closingHandshake = "closing_handshake"

    /// The kind as the report names it.
    var title: String {
        switch self {
        case .connect: "could not connect"
        case .handshakeRefused: "handshake refused"
        case .badHandshake: "invalid handshake"
        case .closedEarly: "closed early"
        case .timeout: "timed out"
        case .wrongType: "wrong type"
        case .wrongLength: "wrong length"
        case .corrupt: "corrupt payload"
        case .reordered: "reordered"
        case .duplicate: "echoed twice"
        case .missing: "never echoed"
        case .unexpected: "unasked message"
        case .skipped: "skipped in the sequence"
        case .undelivered: "never delivered"
        case .notSent: "could not send"
        case .closingHandshake: "closed wrongly"
        }
    }
}

/// Counts of errors by kind, with the first example of each.
struct ErrorTally: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let kind: ErrorKind
        var count: UInt64
        let firstExample: String
    }

    /// In the order in which the kinds first happened.
    private(set) var entries: [Entry] = []

    var total: UInt64 { entries.reduce(0) { $0 + $1.count } }

    var isEmpty: Bool { entries.isEmpty }

    func count(of kind: ErrorKind) -> UInt64 {
        entries.first { $0.kind == kind }?.count ?? 0
    }

    /// The example is only put into words when it is the first of its kind.
    mutating func add(_ kind: ErrorKind, count: UInt64 = 1, _ example: @autoclosure () -> String) {
        guard count > 0 else { return }
        if let index = entries.firstIndex(where: { $0.kind == kind }) {
            entries[index].count += count
        } else {
            entries.append(Entry(kind: kind, count: count, firstExample: example()))
        }
    }

    mutating func merge(_ other: ErrorTally) {
        for entry in other.entries {
            add(entry.kind, count: entry.count, entry.firstExample)
        }
    }
}

extension ErrorTally {
    /// Counts a wrong echo. People count messages and connections from 1.
    mutating func add(_ fault: EchoFault, connection: Int) {
        let place = "connection \(connection + 1)"
        switch fault {
        case .wrongType(let message, let isText):
            let (sent, received) = isText ? ("binary", "text") : ("text", "binary")
            add(
                .wrongType,
                "\(place), message \(message + 1): sent as \(sent), came as \(received)"
            )
        case .wrongLength(let message, let expected, let received):
            add(
                .wrongLength,
                "\(place), message \(message + 1): sent \(expected) bytes, \(received) came back"
            )
        case .corrupt(let message, let offset):
            add(
                .corrupt,
                "\(place), message \(message + 1): byte \(offset) differs from what was sent"
            )
        case .reordered(let message):
            add(.reordered, "\(place), message \(message + 1) came after one that was sent later")
        case .duplicate(let message):
            add(.duplicate, "\(place), message \(message + 1) came back again")
        case .unexpected(let length):
            add(.unexpected, "\(place): a message of \(length) bytes, which is no echo")
        }
    }
}
