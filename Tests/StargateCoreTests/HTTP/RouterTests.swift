import Testing

@testable import StargateCore

@Suite("Routes")
struct RouterTests {
    /// The endpoint and the captures, as text: `pattern name=value`.
    static func match(_ router: Router<String>, _ path: String) -> String? {
        // The path does not begin at the front of the head.
        withHead(Array("GET \(path)".utf8), capacity: 0) { bytes, fields in
            let view = HeadView(bytes: bytes, fields: UnsafeBufferPointer(fields))
            let range = HeadRange(from: 4, to: bytes.count)
            return router.match(range, in: view).map { match in
                zip(match.names, match.captures).reduce(match.endpoint) { text, capture in
                    text + " \(capture.0)=\(view.string(capture.1))"
                }
            }
        }
    }

    static func router(_ patterns: [String]) throws -> Router<String> {
        var router = Router<String>()
        for pattern in patterns { try router.add(pattern, pattern) }
        return router
    }

    @Test("more captures than find room beside the match")
    func manyCaptures() throws {
        let router = try Self.router(["/:a/:b/:c/:d/:e/:f/x", "/:a/:b/:c/:d/:e/*"])
        #expect(
            Self.match(router, "/1/2/3/4/5/6/x") == "/:a/:b/:c/:d/:e/:f/x a=1 b=2 c=3 d=4 e=5 f=6"
        )
        // The sixth capture is given back on the way.
        #expect(
            Self.match(router, "/1/2/3/4/5/6/y") == "/:a/:b/:c/:d/:e/* a=1 b=2 c=3 d=4 e=5 *=6/y"
        )
    }

    static let patterns = [
        "/", "/health", "/health/", "/chat/:room", "/chat/lobby", "/chat/:room/users/:user",
        "/chat/lobby/history", "/files/*", "/files/:name/info", "/a%20b", "/:any/deep/x",
        "/star/*", "/star/:x/y",
    ]

    static let expectations: [(String, String?)] = [
        ("/", "/"),
        ("/health", "/health"),
        ("/health/", "/health/"),
        ("/Health", nil),
        ("/healt", nil),
        ("/health//", nil),
        ("/chat", nil),
        ("/chat/", nil),
        ("/chat/lobby", "/chat/lobby"),
        ("/chat/lobby2", "/chat/:room room=lobby2"),
        ("/chat/x", "/chat/:room room=x"),
        ("/chat/x/", nil),
        ("/chat/x/users/ann", "/chat/:room/users/:user room=x user=ann"),
        // The literal leads nowhere, and so the parameter is tried.
        ("/chat/lobby/users/ann", "/chat/:room/users/:user room=lobby user=ann"),
        ("/chat/lobby/history", "/chat/lobby/history"),
        ("/chat/deep/x", "/:any/deep/x any=chat"),
        ("/chat//users/ann", nil),
        ("/files/", "/files/* *="),
        ("/files", nil),
        ("/files/a", "/files/* *=a"),
        ("/files/a/b/", "/files/* *=a/b/"),
        ("/files/a/info", "/files/:name/info name=a"),
        ("/files/a/info/", "/files/* *=a/info/"),
        ("/files//info", "/files/* *=/info"),
        ("/files/../etc", "/files/* *=../etc"),
        ("/a%20b", "/a%20b"),
        ("/a b", nil),
        ("/star/q/y", "/star/:x/y x=q"),
        ("/star/q/z", "/star/* *=q/z"),
        ("//", nil),
    ]

    @Test("the best route wins, in whatever order they were added")
    func precedence() throws {
        let forwards = try Self.router(Self.patterns)
        let backwards = try Self.router(Self.patterns.reversed())
        for (path, expected) in Self.expectations {
            #expect(Self.match(forwards, path) == expected, "\(path)")
            #expect(Self.match(backwards, path) == expected, "\(path)")
        }
    }

    @Test("a star at the root matches everything", arguments: ["/", "/a", "/a/b/", "//", "/%00"])
    func matchAll(path: String) throws {
        let router = try Self.router(["/*"])
        #expect(Self.match(router, path) == "/* *=\(path.dropFirst())")
    }

    @Test("no route, no match; and what is no path matches nothing")
    func nothing() throws {
        #expect(Self.match(Router<String>(), "/") == nil)
        let router = try Self.router(["/*", "/"])
        #expect(Self.match(router, "") == nil)
        #expect(Self.match(router, "x") == nil)
    }

    @Test("captures are not empty, and hold any byte but a slash")
    func captures() throws {
        let router = try Self.router(["/:a"])
        #expect(Self.match(router, "/") == nil)
        #expect(Self.match(router, "/%2F?") == "/:a a=%2F?")
        #expect(Self.match(router, "/:a") == "/:a a=:a")
        #expect(Self.match(router, "/\u{E9}") == "/:a a=\u{E9}")
    }

    @Test("a path as long as a head can be, against routes that nearly match")
    func longPath() throws {
        let router = try Self.router(["/:a/:b/:c/:d/x", "/a/:b/c/:d/y", "/a/b/*"])
        let path = "/a/b" + String(repeating: "/", count: 60_000)
        #expect(Self.match(router, path)?.hasPrefix("/a/b/*") == true)
        let deep = String(repeating: "/a", count: 30_000)
        #expect(Self.match(router, deep) == nil)
    }

    @Test(
        "patterns that are none",
        arguments: [
            ("", RouteError.Kind.noLeadingSlash), ("chat", .noLeadingSlash), ("*", .noLeadingSlash),
            ("/a b", .badByte(0x20)), ("/a?b", .badByte(0x3F)), ("/a#b", .badByte(0x23)),
            ("/caf\u{E9}", .badByte(0xC3)), ("/a\n", .badByte(0x0A)),
            ("/:", .badParameterName("")), ("/:a-b", .badParameterName("a-b")),
            ("/:a/:a", .repeatedParameterName("a")), ("/*/a", .wildcardNotLast),
            ("/a*", .wildcardNotLast), ("/*/", .wildcardNotLast), ("/**", .wildcardNotLast),
        ]
    )
    func malformed(pattern: String, kind: RouteError.Kind) {
        var router = Router<Int>()
        let error = #expect(throws: RouteError.self) { try router.add(pattern, 1) }
        #expect(error?.kind == kind)
        #expect(error?.pattern == pattern)
        #expect(error?.description.contains("route pattern \"\(pattern)\"") == true)
    }

    @Test(
        "two patterns that match the same paths",
        arguments: [("/", "/"), ("/a", "/a"), ("/:a/b", "/:c/b"), ("/*", "/*"), ("/a/", "/a/")]
    )
    func duplicates(first: String, second: String) throws {
        var router = Router<Int>()
        try router.add(first, 1)
        let error = #expect(throws: RouteError.self) { try router.add(second, 2) }
        #expect(error?.kind == .duplicate)
    }

    @Test("an endpoint grows with each call that adds to it")
    func update() throws {
        var router = Router<[String]>()
        try router.update("/a/:b", default: []) { $0.append("get") }
        try router.update("/a/:b", default: []) { $0.append("post") }
        let other = #expect(throws: RouteError.self) {
            try router.update("/a/:c", default: []) { $0.append("put") }
        }
        #expect(other?.kind == .otherNames(["b"]))
        let refused = #expect(throws: RouteError.self) {
            try router.update("/new", default: []) { (_: inout [String]) throws(RouteError) in
                throw RouteError(pattern: "/new", kind: .duplicate)
            }
        }
        #expect(refused?.kind == .duplicate)
        let found = withRequest("GET /a/x HTTP/1.1\r\n\r\n") { view, head in
            router.match(head.target.path, in: view)?.endpoint
        }
        #expect(found == ["get", "post"])
        let missing = withRequest("GET /new HTTP/1.1\r\n\r\n") { view, head in
            router.match(head.target.path, in: view) == nil
        }
        #expect(missing == true)
    }
}
