import Testing

@testable import StargateCore

@Suite struct WebSocketURLTests {
    @Test(arguments: [
        ("ws://example.com", "example.com", 80, "/", "example.com"),
        ("ws://example.com/", "example.com", 80, "/", "example.com"),
        ("WS://Example.COM:80/A?b=C", "example.com", 80, "/A?b=C", "example.com"),
        ("ws://127.0.0.1:9001/echo", "127.0.0.1", 9001, "/echo", "127.0.0.1:9001"),
        ("ws://a?q", "a", 80, "/?q", "a"),
        ("ws://a:/x", "a", 80, "/x", "a"),
        ("ws://[::1]:9001/a%20b", "::1", 9001, "/a%20b", "[::1]:9001"),
        ("ws://[FE80::1]", "fe80::1", 80, "/", "[fe80::1]"),
        ("ws://a:443/", "a", 443, "/", "a:443"),
        ("ws://a:65535/?a/b?c", "a", 65535, "/?a/b?c", "a:65535"),
        ("ws://a/x@y:z", "a", 80, "/x@y:z", "a"),
    ])
    func takesApart(
        _ text: String,
        _ host: String,
        _ port: UInt16,
        _ target: String,
        _ field: String
    ) throws {
        let url = try WebSocketURL(text)
        #expect(!url.isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.hostField == field)
        #expect(url.description == "ws://\(field)\(target)")
        #expect(try WebSocketURL(url.description) == url)
    }

    @Test func secure() throws {
        let url = try WebSocketURL("wss://a/b")
        #expect(url.isSecure && url.port == 443 && url.hostField == "a")
        #expect(try WebSocketURL("WSS://a:80/b").description == "wss://a:80/b")
    }

    @Test(arguments: [
        "", "ws", "ws:", "ws://", "ws:///x", "ws://?x", "ws:a", "http://a", "wsx://a", "//a", "a",
        "ws://a#b", "ws://a/b#", "ws://user@a", "ws://user:pass@a/", "ws://a:65536", "ws://a:0",
        "ws://a:x", "ws://a:-1", "ws://a:99999999999999999999", "ws://a b", "ws://a/b c",
        "ws://é/", "ws://a/é", "ws://a/%", "ws://a/%2", "ws://a/%zz", "ws://[::1", "ws://[]",
        "ws://[g::1]", "ws://[::1]x", "ws://::1", "ws://a/\r\n", "ws://a/\u{0}", "ws://a/<b>",
        "ws://a/\"", "ws://a\\b", " ws://a", "ws://a ", "ws://[1]", "ws://[fe80::1%25eth0]",
    ])
    func refuses(_ text: String) {
        #expect(throws: WebSocketURLError.self) { try WebSocketURL(text) }
    }

    @Test func theErrorNamesTheText() {
        let error = #expect(throws: WebSocketURLError.self) { try WebSocketURL("ftp://a") }
        #expect(error?.description == "the scheme must be ws or wss: ftp://a")
        let secret = #expect(throws: WebSocketURLError.self) { try WebSocketURL("ws://a:b@c") }
        #expect(secret?.description == "user information does not belong into the URL")
    }
}
