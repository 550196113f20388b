/// A `ws:` or `wss:` URL, taken apart. RFC 6455 section 3.
public struct WebSocketURL: Hashable, Sendable {
    /// Whether the scheme is `wss`.
    public let isSecure: Bool
    /// A name or an address, in lower case; an IPv6 address stands here without its brackets.
    public let host: String
    /// The port, which is 80 or 443 when the URL names none.
    public let port: UInt16
    /// The path and the query, as they go into the request line. At least `/`.
    public let target: String

    /// Takes `text` apart.
    ///
    /// It must be a complete URL in ASCII: what stands outside of it (names in other scripts,
    /// blanks in a path) has to be encoded already.
    ///
    /// - Parameter text: the URL.
    /// - Throws: ``WebSocketURLError`` for anything else, for user information, which belongs into
    ///   a header field, and for a fragment, which RFC 6455 forbids.
    public init(_ text: String) throws(WebSocketURLError) {
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw WebSocketURLError("a URL holds visible ASCII only", in: text)
        }
        let lowercase = text.lowercased()
        let schemeLength: Int
        if lowercase.hasPrefix("ws://") {
            schemeLength = 5
        } else if lowercase.hasPrefix("wss://") {
            schemeLength = 6
        } else {
            throw WebSocketURLError("the scheme must be ws or wss", in: text)
        }
        isSecure = schemeLength == 6
        guard !bytes.contains(UInt8(ascii: "#")) else {
            throw WebSocketURLError("a WebSocket URL has no fragment", in: text)
        }
        let rest = bytes[schemeLength...]
        let end = rest.firstIndex { $0 == WireByte.slash || $0 == UInt8(ascii: "?") } ?? bytes.count
        let authority = Array(bytes[schemeLength..<end])
        guard !authority.contains(UInt8(ascii: "@")) else {
            // The text is left out: errors end in logs, and this one holds a password.
            throw WebSocketURLError("user information does not belong into the URL")
        }
        let parsed: (host: String, port: UInt16?)? = unsafe authority.withUnsafeBytes { buffer in
            unsafe Authority(ByteView(buffer)).map { (host: $0.host.string, port: $0.port) }
        }
        guard let parsed, parsed.port != 0 else {
            throw WebSocketURLError("the host or the port is malformed", in: text)
        }
        let path = Array(bytes[end...])
        guard WebSocketURL.isTarget(path) else {
            throw WebSocketURLError("the path or the query is malformed", in: text)
        }
        let isLiteral = parsed.host.hasPrefix("[")
        host = (isLiteral ? String(parsed.host.dropFirst().dropLast()) : parsed.host).lowercased()
        port = parsed.port ?? (isSecure ? 443 : 80)
        let slash = path.first == WireByte.slash ? "" : "/"
        target = "\(slash)\(String(decoding: path, as: UTF8.self))"
    }

    /// The value of Host: brackets around an IPv6 address, and the port unless it is the scheme's
    /// own. RFC 9110 section 7.2.
    public var hostField: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Whether every character may stand in a path or a query, and every `%` begins an escape.
    private static func isTarget(_ bytes: [UInt8]) -> Bool {
        var escape = 0
        for byte in bytes {
            if escape > 0 {
                guard WireByte.isHexadecimalDigit(byte) else { return false }
                escape &-= 1
                continue
            }
            switch byte {
            case UInt8(ascii: "%"): escape = 2
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                return false
            default: break
            }
        }
        return escape == 0
    }
}

extension WebSocketURL: CustomStringConvertible {
    /// The URL, with its host in lower case and without a default port.
    public var description: String { "\(isSecure ? "wss" : "ws")://\(hostField)\(target)" }
}

/// Why a text is no WebSocket URL.
public struct WebSocketURLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and with what.
    public let description: String

    init(_ reason: String) { description = reason }

    init(_ reason: String, in text: String) {
        description = "\(reason): \(text)"
    }
}
