import CTestSupport
import Testing

@testable import StargateCore

@Suite("Requests that are looked at without copying them")
struct RequestLendingTests {
    private static func request() throws -> Request {
        try RequestTests.request(
            "/chat/a%20room?user=ann&since=long%20ago",
            [
                "X-Token: a value that is too long for a small string", "X-Empty:",
                "Cookie: first=1; session=another value that is too long for a small string;x",
                "Cookie: last=2", "X-Bytes: \u{E9}",
            ]
        )
    }

    private static func text(_ bytes: RawSpan) -> String {
        bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test("what is lent is what the copies hold")
    func contents() throws {
        let request = try Self.request()
        #expect(request.withRawPath(Self.text) == "/chat/a%20room")
        #expect(request.withRawTarget(Self.text) == request.target)
        #expect(request.query.withRaw(Self.text) == request.query.raw)
        for name in ["host", "HOST", "x-token", "X-Empty", "cookie", "x-bytes"] {
            #expect(request.headers.withValue(of: name, Self.text) == request.headers[name])
            #expect(request.headers.contains(name))
        }
        #expect(request.headers.withValue(of: "x-toke") { _ in 1 } == nil)
        #expect(!request.headers.contains("x-tokens"))
        #expect(request.headers.value(of: "HOST", is: "example.com"))
        #expect(!request.headers.value(of: "host", is: "example.co"))
        #expect(!request.headers.value(of: "none", is: ""))
        #expect(request.headers.value(of: "x-empty", is: ""))
        for name in ["first", "session", "last", "x", "Session", ""] {
            #expect(request.cookies.withValue(of: name, Self.text) == request.cookies[name])
        }
        #expect(request.cookies["session"]?.hasPrefix("another") == true)
        #expect(request.cookies["last"] == "2")
        #expect(request.cookies["x"] == nil)
        var fields: [String] = []
        request.headers.forEach { name, value in
            fields.append(Self.text(name) + "|" + Self.text(value))
            return fields.count < 3
        }
        #expect(fields == Array(request.headers).prefix(3).map { $0.name + "|" + $0.value })
    }

    @Test(
        "looking costs no memory; a copy costs one allocation",
        .enabled(if: counters_work(), "a sanitizer brings its own allocator")
    )
    func allocations() throws {
        let request = try Self.request()
        func allocations(_ body: () -> Int) -> UInt64 {
            // Once before, for what is made only once.
            _ = body()
            let before = current_thread_counts().allocations
            let sum = body()
            let after = current_thread_counts().allocations
            #expect(sum > 0)
            return after - before
        }
        let looking = allocations {
            var sum = request.withRawPath { $0.byteCount } + request.withRawTarget { $0.byteCount }
            sum += request.query.withRaw { $0.byteCount } ?? 0
            sum += request.headers.withValue(of: "x-token") { $0.byteCount } ?? 0
            sum += request.cookies.withValue(of: "session") { $0.byteCount } ?? 0
            sum += request.cookies.withValue(of: "none") { $0.byteCount } ?? 0
            if request.headers.contains("x-empty") { sum += 1 }
            if request.headers.value(of: "host", is: "example.com") { sum += 1 }
            request.headers.forEach { name, value in
                sum += name.byteCount + value.byteCount
                return true
            }
            return sum
        }
        #expect(looking == 0)
        #expect(allocations { request.headers["x-token"]?.utf8.count ?? 0 } == 1)
        #expect(allocations { request.cookies["session"]?.utf8.count ?? 0 } == 1)
    }
}
