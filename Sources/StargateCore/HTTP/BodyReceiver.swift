// The body of a request, gathered as it arrives. It grows with what has arrived and not with what
// was announced, so that an announcement costs the server nothing.

/// Gathers the body of one request.
struct BodyReceiver {
    private enum Coding {
        case length(remaining: Int)
        case chunked(ChunkedBody)
    }

    private var coding: Coding
    private let limit: Int
    /// What has arrived, with its coding undone.
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - framing: where the body ends.
    ///   - limit: the most bytes it may have.
    /// - Throws: what is wrong before the first byte has arrived.
    init(_ framing: BodyFraming, limit: Int) throws(HTTPRefusal) {
        self.limit = limit
        switch framing {
        case .none: coding = .length(remaining: 0)
        case .length(let length):
            guard length <= limit else { throw .body(.tooLarge, limit: limit) }
            coding = .length(remaining: length)
        case .chunked: coding = .chunked(ChunkedBody())
        case .invalid:
            throw HTTPRefusal(
                .badRequest,
                "Content-Length and Transfer-Encoding do not say where the body ends."
            )
        }
    }

    /// Whether nothing is to come.
    var isComplete: Bool {
        if case .length(0) = coding { true } else { false }
    }

    /// Takes in what arrived.
    ///
    /// - Returns: how much of it belonged to the body, which may be whole now, see ``isComplete``.
    /// - Throws: what is wrong with it; nothing more can be read from the connection then.
    mutating func receive(_ arrived: UnsafeRawBufferPointer) throws(HTTPRefusal) -> Int {
        switch coding {
        case .length(let remaining):
            let count = min(remaining, arrived.count)
            unsafe bytes.append(contentsOf: arrived[..<count])
            coding = .length(remaining: remaining &- count)
            return count
        case .chunked(var chunked):
            let progress = unsafe chunked.receive(arrived, limit: limit, into: &bytes)
            switch progress {
            case .incomplete:
                coding = .chunked(chunked)
                return arrived.count
            case .complete(let used):
                coding = .length(remaining: 0)
                return used
            case .failed(let fault):
                throw .body(fault, limit: limit)
            }
        }
    }
}

extension HTTPRefusal {
    fileprivate static func body(_ fault: BodyFault, limit: Int) -> HTTPRefusal {
        switch fault {
        case .malformed: HTTPRefusal(.badRequest, "The chunks of the body are malformed.")
        case .tooLarge: HTTPRefusal(.contentTooLarge, "A body has at most \(limit) bytes here.")
        }
    }
}
