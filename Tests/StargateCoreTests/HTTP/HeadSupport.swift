import Testing

@testable import StargateCore

/// What a scan came to, in values that compare and outlive the bytes.
struct ScannedRequest: Equatable {
    var head: RequestHead
    var method: String
    var path: String
    var query: String?
    var authority: String?
    var fields: [String]
}

enum ScanOutcome: Equatable {
    case complete(ScannedRequest)
    case incomplete
    case refused(code: UInt16, reason: String)

    static func refused(_ fault: HeadFault) -> ScanOutcome {
        .refused(code: fault.status.code, reason: fault.reason)
    }

    var refusedCode: UInt16? {
        if case .refused(let code, _) = self { code } else { nil }
    }

    var request: ScannedRequest? {
        if case .complete(let request) = self { request } else { nil }
    }
}

/// Scans once.
func scanRequest(
    _ bytes: some Collection<UInt8>,
    previouslyScanned: Int = 0,
    limits: HeadLimits = .default,
    fieldCapacity: Int = 128
) -> ScanOutcome {
    withHead(bytes, capacity: fieldCapacity) { bytes, fields in
        let scan = RequestHeadScanner.scan(
            bytes,
            previouslyScanned: previouslyScanned,
            limits: limits,
            into: fields
        )
        switch scan {
        case .incomplete: return .incomplete
        case .refused(let refusal):
            return .refused(code: refusal.status.code, reason: refusal.reason)
        case .complete(let head):
            let view = HeadView(
                bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
                fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
            )
            return .complete(
                ScannedRequest(
                    head: head,
                    method: view.string(head.methodName),
                    path: view.string(head.target.path),
                    query: head.target.query.map(view.string),
                    authority: head.target.authority.map(view.string),
                    fields: view.fields.map {
                        view.string($0.name) + "|" + view.string($0.value)
                    }
                )
            )
        }
    }
}

/// Lets the bytes arrive in pieces, and scans after each until there is a decision.
///
/// `ends` says how many bytes have arrived at each scan, in ascending order.
func scanRequest(
    _ bytes: [UInt8],
    arrivingAt ends: some Sequence<Int>,
    limits: HeadLimits = .default
) -> (outcome: ScanOutcome, byteCount: Int) {
    var scanned = 0
    for end in ends {
        let outcome = scanRequest(bytes[..<end], previouslyScanned: scanned, limits: limits)
        if outcome != .incomplete { return (outcome, end) }
        scanned = end
    }
    return (.incomplete, scanned)
}

/// Scans a whole request and lends what was found; `nil` when it is not complete.
func withRequest<Result>(
    _ text: String,
    _ body: (HeadView, RequestHead) throws -> Result
) rethrows -> Result? {
    try withHead(Array(text.utf8), capacity: 128) { bytes, fields in
        let scan = RequestHeadScanner.scan(
            bytes,
            previouslyScanned: 0,
            limits: .default,
            into: fields
        )
        guard case .complete(let head) = scan else { return nil }
        let view = HeadView(
            bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
            fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
        )
        return try body(view, head)
    }
}

/// Lends bytes in memory of their own size, so that a read beyond their end can be noticed.
func withHead<Result>(
    _ bytes: some Collection<UInt8>,
    capacity: Int,
    _ body: (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<HeadField>) throws -> Result
) rethrows -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let fields = UnsafeMutableBufferPointer<HeadField>.allocate(capacity: capacity)
    defer { fields.deallocate() }
    fields.initialize(repeating: HeadField(name: .empty, value: .empty))
    return try body(UnsafeRawBufferPointer(copy), fields)
}

/// What Chrome sends to open a WebSocket.
let chromeUpgrade = """
    GET /chat/lobby?user=ann HTTP/1.1\r
    Host: localhost:9001\r
    Connection: Upgrade\r
    Pragma: no-cache\r
    Cache-Control: no-cache\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/140.0.0.0 Safari/537.36\r
    Upgrade: websocket\r
    Origin: http://localhost:9001\r
    Sec-WebSocket-Version: 13\r
    Accept-Encoding: gzip, deflate, br, zstd\r
    Accept-Language: en-US,en;q=0.9\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
    \r\n
    """
