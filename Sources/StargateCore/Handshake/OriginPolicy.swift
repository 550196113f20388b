/// Which web pages may connect.
///
/// A browser lets any page open a WebSocket to any server and sends the user's cookies along, but
/// it says in the Origin field where the page came from. The policy of a route reads that field.
/// It protects browsers' users; programs that are not browsers send what they like. RFC 6455
/// section 10.2.
public struct OriginPolicy: Sendable {
    enum Rule: Sendable {
        case any
        case sameOrigin
        case list([AllowedOrigin])
        case check(@Sendable (String?) -> Bool)
    }

    let rule: Rule

    /// Every origin may connect, and so may clients that send none. For resources that need no
    /// login, or that authenticate by something other than cookies.
    public static let any = OriginPolicy(rule: .any)

    /// Only pages from this server may connect: scheme, host and port of the origin must be those
    /// that the request was sent to. Clients without an origin, which are no browsers, may connect.
    ///
    /// Behind a proxy that ends TLS, the server sees plain `ws` while the page came by `https`:
    /// give the public origin to ``allow(_:)`` there.
    public static let sameOrigin = OriginPolicy(rule: .sameOrigin)

    /// Only pages from the listed origins may connect.
    ///
    /// Scheme, host and port must match; a port that is the scheme's own may be left out, and case
    /// does not matter. What has not the form of a web origin, as `null` or `file://`, matches only
    /// itself, byte for byte. Clients without an origin may connect, except with the hixie drafts,
    /// where only browsers were clients.
    ///
    /// - Parameter origins: for example `["https://example.com", "http://localhost:8080"]`. An
    ///   entry with a path or a slash at its end is a mistake that could never match, and stops the
    ///   program.
    /// - Returns: the policy.
    public static func allow(_ origins: [String]) -> OriginPolicy {
        OriginPolicy(rule: .list(origins.map(AllowedOrigin.init)))
    }

    /// `body` decides. It is called on the connection's loop, so it must not block, with the raw
    /// value of the origin field, or nil if there was none; the value is whatever the client sent.
    public static func check(_ body: @escaping @Sendable (String?) -> Bool) -> OriginPolicy {
        OriginPolicy(rule: .check(body))
    }
}

/// One entry of an allow list.
enum AllowedOrigin: Sendable {
    case web(scheme: [UInt8], host: [UInt8], port: UInt16)
    case opaque([UInt8])

    init(_ text: String) {
        let bytes = Array(text.utf8)
        let parsed: AllowedOrigin? = unsafe bytes.withUnsafeBytes { buffer in
            unsafe WebOrigin(ByteView(buffer)).map {
                unsafe .web(
                    scheme: Array($0.scheme.buffer),
                    host: Array($0.host.buffer),
                    port: $0.port
                )
            }
        }
        // checked: the list of origins is the application's, no peer sends it.
        precondition(
            parsed != nil || !text.contains("://") || text.hasSuffix("://"),
            "an origin is scheme://host or scheme://host:port, without a path, not \(text)"
        )
        self = parsed ?? .opaque(bytes)
    }

    func matches(_ origin: ByteView, _ parsed: WebOrigin?) -> Bool {
        switch self {
        case .web(let scheme, let host, let port):
            guard let parsed else { return false }
            return parsed.port == port && parsed.host.equalsIgnoringCase(host)
                && parsed.scheme.equalsIgnoringCase(scheme)
        case .opaque(let bytes):
            return unsafe bytes.withUnsafeBytes { unsafe origin.equals(ByteView($0)) }
        }
    }
}

/// `scheme://host[:port]`, lent. RFC 6454 section 7.
struct WebOrigin {
    let scheme: ByteView
    let host: ByteView
    /// The scheme's own port if none was given; 0 if that is not known.
    let port: UInt16

    /// Nil for `null`, for lists, and for anything with a path.
    init?(_ bytes: ByteView) {
        guard let colon = bytes.firstIndex(of: WireByte.colon), colon > 0,
            bytes[colon &+ 1] == WireByte.slash, bytes[colon &+ 2] == WireByte.slash,
            let authority = Authority(bytes.part(colon &+ 3, bytes.count))
        else { return nil }
        for index in 0..<colon where !WebOrigin.isSchemeByte(bytes[index]) { return nil }
        scheme = bytes.part(0, colon)
        host = authority.host
        port = authority.port ?? WebOrigin.defaultPort(of: scheme)
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        WireByte.isLetter(byte) || WireByte.isDigit(byte) || byte == 0x2B || byte == 0x2D
            || byte == 0x2E
    }

    private static func defaultPort(of scheme: ByteView) -> UInt16 {
        if scheme.equalsIgnoringCase("http") { return 80 }
        if scheme.equalsIgnoringCase("https") { return 443 }
        return 0
    }
}

extension OpeningHandshake {
    /// The field in which this generation names the origin. hybi-07 and -08 called it
    /// Sec-WebSocket-Origin, and hybi-11, still version 8, Origin. A version 13 request is never
    /// judged by the old name.
    var origin: FieldOccurrence {
        switch version {
        case .rfc6455, .hixie76, .hixie75: fields.origin
        case .hybi8, .hybi7:
            fields.webSocketOrigin.isPresent ? fields.webSocketOrigin : fields.origin
        }
    }

    /// The origin as text for the application, or nil if the client sent none.
    var originText: String? { origin.isPresent ? head.string(origin.value) : nil }

    /// Nil if `policy` lets the client in, else 403.
    func refusal(by policy: OriginPolicy) -> HandshakeRefusal? {
        if hasContradictingOrigins {
            return HandshakeRefusal(.forbidden, "The request names more than one origin.")
        }
        return isAdmitted(by: policy)
            ? nil : HandshakeRefusal(.forbidden, "Pages from this origin may not connect.")
    }

    /// Two origins are none: whichever were checked, another part might believe the other.
    private var hasContradictingOrigins: Bool {
        if fields.origin.count > 1 { return true }
        guard version == .hybi7 || version == .hybi8 else { return false }
        if fields.webSocketOrigin.count > 1 { return true }
        return fields.origin.isPresent && fields.webSocketOrigin.isPresent
            && !head.view(fields.origin.value).equals(head.view(fields.webSocketOrigin.value))
    }

    private func isAdmitted(by policy: OriginPolicy) -> Bool {
        switch policy.rule {
        case .any: return true
        case .check(let body): return body(originText)
        case .sameOrigin:
            return !origin.isPresent || isSameOrigin(WebOrigin(head.view(origin.value)))
        case .list(let allowed):
            guard origin.isPresent else { return !version.isHixie }
            let bytes = head.view(origin.value)
            let parsed = WebOrigin(bytes)
            return allowed.contains { $0.matches(bytes, parsed) }
        }
    }

    private func isSameOrigin(_ origin: WebOrigin?) -> Bool {
        guard let origin, let authority = Authority(head.view(target.authority)) else {
            return false
        }
        return origin.scheme.equalsIgnoringCase(isSecure ? "https" : "http")
            && origin.port == authority.port ?? (isSecure ? 443 : 80)
            && origin.host.equalsIgnoringCase(authority.host)
    }
}
