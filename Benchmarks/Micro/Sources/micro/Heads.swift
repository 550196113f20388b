@testable import StargateCore

/// The opening handshake, from the bytes of a request to those of the answer.
let headBenchmarks: [Benchmark] = [
    Benchmark("request-head-short") { scanHead(shortHead) },
    Benchmark("request-head-browser") { scanHead(browserHead) },
    Benchmark("handshake-decision") { decide(browserHead) },
    Benchmark("handshake-response") { respond(browserHead) },
    Benchmark("accept-key") { acceptKey() },
    Benchmark("base64-20") { base64() },
]

private let upgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

private let shortHead = "GET /chat HTTP/1.1\r\nHost: example.com\r\n" + upgrade + "\r\n"

private let browserHead =
    "GET /chat?room=lobby HTTP/1.1\r\nHost: example.com\r\nOrigin: https://example.com\r\n"
    + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    + "Chrome/140.0.0.0 Safari/537.36\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    + "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCache-Control: no-cache\r\n"
    + "Pragma: no-cache\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n"
    + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" + upgrade + "\r\n"

/// The head, and room for its fields.
private struct Head {
    let bytes: UnsafeRawBufferPointer
    let fields: UnsafeMutableBufferPointer<HeadField>

    init(_ text: String) {
        bytes = UnsafeRawBufferPointer(memory(Array(text.utf8)))
        fields = .allocate(capacity: 100)
        fields.initialize(repeating: HeadField(name: .empty, value: .empty))
    }

    func scan() -> RequestHead? {
        let scan = RequestHeadScanner.scan(
            bytes,
            previouslyScanned: 0,
            limits: .default,
            into: fields
        )
        guard case .complete(let head) = scan else { return nil }
        return head
    }

    func view(_ head: RequestHead) -> HeadView {
        HeadView(
            bytes: bytes,
            fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
        )
    }

    func decision(_ head: RequestHead) -> HandshakeDecision {
        HandshakeDecision(
            view(head),
            target: head.target.raw,
            isGet: head.method == .get,
            isHTTP11: true,
            isSecure: false,
            protocols: .default
        )
    }
}

private func scanHead(_ text: String) -> (Int) -> Int {
    let head = Head(text)
    return { times in
        var sum = 0
        for _ in 0..<times { sum &+= head.scan()?.fieldCount ?? 0 }
        return sum
    }
}

private func decide(_ text: String) -> (Int) -> Int {
    let head = Head(text)
    return { times in
        guard let scanned = head.scan() else { return 0 }
        var sum = 0
        for _ in 0..<times {
            if case .accept = head.decision(scanned) { sum &+= 1 }
        }
        return sum
    }
}

private func respond(_ text: String) -> (Int) -> Int {
    let head = Head(text)
    let target = memory([UInt8](repeating: 0, count: 32_768))
    return { times in
        guard let scanned = head.scan(), case .accept(let handshake) = head.decision(scanned) else {
            return 0
        }
        var sum = 0
        for _ in 0..<times {
            var writer = HandshakeWriter(target)
            let refusal = handshake.encodeResponse(
                subprotocol: nil,
                offered: [],
                extensions: nil,
                headers: [],
                into: &writer
            )
            if refusal == nil { sum &+= writer.count }
        }
        return sum
    }
}

private func acceptKey() -> (Int) -> Int {
    let key = memory(Array("dGhlIHNhbXBsZSBub25jZQ==".utf8))
    let target = memory([UInt8](repeating: 0, count: 64))
    return { times in
        var sum = 0
        for _ in 0..<times {
            var writer = HandshakeWriter(target)
            AcceptKey.append(for: ByteView(UnsafeRawBufferPointer(key)), to: &writer)
            sum &+= writer.count
        }
        return sum
    }
}

private func base64() -> (Int) -> Int {
    let bytes = memory(text(20))
    let target = memory([UInt8](repeating: 0, count: 64))
    return { times in
        var sum = 0
        for _ in 0..<times {
            var writer = HandshakeWriter(target)
            Base64.append(ByteView(UnsafeRawBufferPointer(bytes)), to: &writer)
            sum &+= writer.count
        }
        return sum
    }
}
