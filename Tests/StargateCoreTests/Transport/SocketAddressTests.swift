import Testing

@testable import StargateCore

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test(
        "numbers, ports and how they are written",
        arguments: [
            ("127.0.0.1", 9001, "127.0.0.1:9001"), ("0.0.0.0", 0, "0.0.0.0:0"),
            ("255.255.255.255", 65_535, "255.255.255.255:65535"), ("::", 1, "[::]:1"),
            ("::1", 9001, "[::1]:9001"), ("2001:db8::8:800", 80, "[2001:db8::8:800]:80"),
        ]
    )
    func numeric(host: String, port: Int, description: String) throws {
        let address = try #require(SocketAddress(host: host, port: port))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == description)
        #expect(!address.isUnix)
        let (storage, byteCount) = address.socketStorage
        #expect(SocketAddress(storage, byteCount: byteCount) == address)
    }

    @Test(
        "what is no number is no address",
        arguments: [
            ("localhost", 1), ("", 1), ("1.2.3", 1), ("1.2.3.256", 1), ("[::1]", 1),
            ("127.0.0.1", -1), ("127.0.0.1", 65_536), ("::1", .max), ("127.0.0.1:80", 1),
        ]
    )
    func notNumeric(host: String, port: Int) {
        #expect(SocketAddress(host: host, port: port) == nil)
    }

    @Test("paths, up to the longest the system takes")
    func paths() throws {
        let path = "/" + String(repeating: "p", count: 106)
        let address = try #require(SocketAddress(unixPath: path))
        #expect(address.host == path)
        #expect(address.port == 0)
        #expect(address.isUnix)
        #expect(address.description == "unix:\(path)")
        let (storage, byteCount) = address.socketStorage
        #expect(SocketAddress(storage, byteCount: byteCount) == address)
        #expect(SocketAddress(unixPath: path + "p") == nil)
        #expect(SocketAddress(unixPath: "/a\0b") == nil)
    }

    @Test("the far end of a path has no name")
    func unnamed() throws {
        let (storage, _) = try #require(SocketAddress(unixPath: "")).socketStorage
        #expect(SocketAddress(storage, byteCount: 2)?.host == "")
        #expect(SocketAddress(storage, byteCount: 0)?.host == "")
    }
}
