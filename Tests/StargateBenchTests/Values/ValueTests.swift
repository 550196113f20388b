import Testing

@testable import StargateBenchKit

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("0", 0), ("20", 20), ("512b", 512), ("1k", 1024), ("16K", 16_384), ("64KiB", 65_536),
        ("1m", 1 << 20), ("2MB", 2 << 20), ("1g", 1 << 30),
    ])
    func `a size is read with its suffix`(text: String, bytes: Int) {
        #expect(ByteCount(text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "k", "-1", "1.5k", "1 k", "20x", "99999999999999999999", "9999999999999g", "١٢",
    ])
    func `what is no size is refused`(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(arguments: [(0, "0 B"), (1000, "1000 B"), (1024, "1 KiB"), (1 << 20, "1 MiB")])
    func `a size is shown in the largest unit that divides it`(bytes: Int, text: String) {
        #expect(ByteCount(bytes).description == text)
    }
}

@Suite struct TimeSpanTests {
    @Test(arguments: [
        ("10", 10_000_000_000), ("10s", 10_000_000_000), ("500ms", 500_000_000),
        ("1.5m", 90_000_000_000), ("2h", 7_200_000_000_000), ("250us", 250_000), ("0", 0),
    ])
    func `a duration is read with its unit`(text: String, nanoseconds: UInt64) {
        #expect(TimeSpan(text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", "s", "-1s", "1..5s", "10 s", "1d", "1e99", "nan", "99999999h"])
    func `what is no duration is refused`(text: String) {
        #expect(TimeSpan(text) == nil)
    }
}

@Suite struct TargetAddressTests {
    @Test(arguments: [
        ("ws://127.0.0.1:9001/echo", "127.0.0.1", 9001, false, true),
        ("WS://localhost", "localhost", 80, false, true),
        ("wss://example.org/a?b=c", "example.org", 443, true, false),
        ("ws://[::1]:8080", "::1", 8080, false, true),
        ("ws://127.example.org:1/", "127.example.org", 1, false, false),
        ("ws://10.0.0.1:65535?x", "10.0.0.1", 65_535, false, false),
    ])
    func `a URL names host and port`(
        text: String,
        host: String,
        port: Int,
        isSecure: Bool,
        isLoopback: Bool
    ) throws {
        let address = try TargetAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isSecure == isSecure)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "localhost:9001", "http://localhost/", "ws://", "ws:///echo", "ws://host:0/",
        "ws://host:65536/", "ws://host:/", "ws://[::1/", "ws://me@host/", "ws://[::1]x/",
    ])
    func `what is no WebSocket URL is refused`(text: String) {
        #expect(throws: TargetAddress.Problem.self) { try TargetAddress(text) }
    }
}

@Suite struct HeaderLineTests {
    @Test(arguments: [
        ("X-Token: abc", "X-Token", "abc"), ("Cookie:a=b", "Cookie", "a=b"), ("X:", "X", ""),
        ("X: a: b", "X", "a: b"),
    ])
    func `a header is split at the first colon`(text: String, name: String, value: String) {
        #expect(HeaderLine(text)?.name == name)
        #expect(HeaderLine(text)?.value == value)
    }

    @Test(arguments: ["", "no colon", ": value", "A B: c", "X: a\r\nY: b", "X: \u{0}", "\u{E9}: c"])
    func `what could break the request is refused`(text: String) {
        #expect(HeaderLine(text) == nil)
    }
}

@Suite struct ShareTests {
    @Test(arguments: [(10, 3), (1, 1), (64, 2), (7, 7), (5, 4)])
    func `the shares cover everything once and differ by one`(count: Int, parts: Int) {
        let shares = Share.split(count, over: parts)
        #expect(shares.count == parts)
        #expect(shares.flatMap { Array($0) } == Array(0..<count))
        let lengths = shares.map(\.count)
        #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
    }
}
